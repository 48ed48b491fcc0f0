#include "core/https_socket.h"
#include "core/source.h"
#include "core/stamp.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* A TLS record. */
#define PEEK_MAX 16384

static int set_dscp(int fd, uint8_t family, uint64_t dscp)
{
	int byte = (int)(dscp << 2);
	int r;

	if (dscp == 0)
		return 0;
	if (family == 6)
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &byte,
			       sizeof(byte));
	else
		r = setsockopt(fd, IPPROTO_IP, IP_TOS, &byte, sizeof(byte));
	return r < 0 ? -errno : 0;
}

/* Receive stamps only: a transmit stamp would raise POLLERR, and libuv stops
 * a poll on that. */
static void ask_for_stamps(int fd)
{
	int flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags,
			 sizeof(flags));
}

int https_socket_prepare(int fd, uint8_t family, const char *source,
			 uint64_t dscp)
{
	int r = source_bind(fd, family, source);

	if (r == 0)
		r = set_dscp(fd, family, dscp);
	if (r == 0)
		ask_for_stamps(fd);
	return r;
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
