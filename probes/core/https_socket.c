#include "core/https_socket.h"
#include "core/stamp.h"
#include "edgeprobe/clock.h"
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* A TLS record. */
#define PEEK_MAX 16384

#define IP4_BYTES       UINT64_C(20)
#define IP6_BYTES       UINT64_C(40)
#define TCP_BYTES       UINT64_C(20)
#define TIMESTAMP_BYTES UINT64_C(12)
#define ALERT_BYTES     UINT64_C(24) /* a record that says "close notify" */

/* Receive stamps only: a transmit stamp would raise POLLERR, and libuv stops
 * a poll on that. */
static void ask_for_stamps(int fd)
{
	int flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags,
			 sizeof(flags));
}

void https_socket_prepare(int fd)
{
	ask_for_stamps(fd);
}

void https_socket_connected(int fd, uint8_t family)
{
	int off = 0;

	(void)setsockopt(fd, family == 4 ? IPPROTO_IP : IPPROTO_IPV6,
			 family == 4 ? IP_RECVERR : IPV6_RECVERR, &off,
			 sizeof(off));
}

static uint64_t header_bytes(uint8_t family, bool timestamps)
{
	return (family == 4 ? IP4_BYTES : IP6_BYTES) + TCP_BYTES +
	       (timestamps ? TIMESTAMP_BYTES : 0);
}

uint64_t https_socket_bytes(const struct tcp_info_facts *facts, uint8_t family)
{
	return facts->data_bytes +
	       facts->segments * header_bytes(family, facts->has_timestamps);
}

uint64_t https_socket_parting_bytes(uint8_t family)
{
	return 2 * ALERT_BYTES + 6 * header_bytes(family, true);
}

/* Peek at up to `n` bytes; the stamp, in wall time, is of the last segment that
 * they reach. Returns what recvmsg(2) does. */
static ssize_t peek(int fd, char *bytes, size_t n, uint64_t *ret_wall_ns)
{
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	struct iovec all = { bytes, n };
	struct msghdr message = { .msg_iov = &all,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t got =
		recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);

	*ret_wall_ns = got > 0 ? stamp_of_message(&message) : 0;
	return got;
}

static uint64_t mono_of(uint64_t wall_ns, int64_t offset_ns)
{
	return wall_ns == 0 ? 0 : (uint64_t)((int64_t)wall_ns - offset_ns);
}

struct https_arrival https_socket_arrival(int fd, uint64_t since_ns)
{
	struct https_arrival a = { .offset_ns = ep_clock_offset_ns() };
	char bytes[PEEK_MAX]; /* TCP leaves them alone: MSG_TRUNC */
	uint64_t wall_ns;

	a.closed = peek(fd, bytes, 1, &wall_ns) == 0;
	a.mono_ns = mono_of(wall_ns, a.offset_ns);
	if (a.mono_ns == 0 || a.mono_ns > since_ns)
		return a;
	peek(fd, bytes, sizeof(bytes), &wall_ns);
	a.mono_ns = mono_of(wall_ns, a.offset_ns);
	return a;
}

int https_socket_keep_stamps(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		ask_for_stamps(fd);
	return fd;
}
