#include "core/tcp_dial.h"
#include "core/flow.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int tcp_dial_open(const struct ep_target *target,
		  const struct ep_address *address, uint16_t port, unsigned try,
		  int *ret_fd, bool *ret_fixed)
{
	uint16_t own = flow_port(target, try, port);
	int fd =
		socket(address->family == 4 ? AF_INET : AF_INET6,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int r;

	if (fd < 0)
		return -errno;
	r = flow_set_options(fd, target, address->family,
			     target->flow != 0 && !target->fresh_flow);
	if (r == 0)
		r = flow_bind(fd, target, address->family, own, true);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	*ret_fixed = own != 0;
	return 0;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

uint64_t tcp_dial_key(const struct ep_target *target,
		      const struct ep_address *address, uint16_t port,
		      unsigned try)
{
	uint16_t own = flow_port(target, try, port);
	uint64_t hash = mix(own, address->family);

	if (own == 0)
		return 0;
	hash = mix(mix(hash, target->ttl), target->dscp);
	for (const char *c = target->source; c != NULL && *c != '\0'; c++)
		hash = mix(hash, (unsigned char)*c);
	return hash | 1;
}

bool tcp_dial_met_itself(int fd, const struct ep_address *address,
			 uint16_t port)
{
	uint16_t own_port;
	struct ep_address own = flow_own_address(fd, &own_port);

	return own_port == port && ep_address_equal(&own, address);
}

/* --- what came instead --- */

int tcp_dial_take_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return errno;
	return error;
}

/* With the TCP header and its timestamps; SYNs have a little more. */
#define PACKET_BYTES     52
#define PACKET_BYTES_MAX 72 /* IPv6 */

/* A handshake and a FIN each way with their acknowledgements; a SYN and what
 * refuses it; a SYN that is sent again after one second and after three. */
uint32_t tcp_dial_bytes(uint8_t family, enum ep_outcome outcome)
{
	uint32_t bytes = family == 6 ? PACKET_BYTES_MAX : PACKET_BYTES;

	if (outcome == EP_REPLIED)
		return 7 * bytes;
	return (outcome == EP_LOST ? 3 : 2) * bytes;
}

static bool read_one(int fd, const struct ep_address *address,
		     struct flow_error *ret_error)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	uint8_t quote[64];
	struct iovec data = { .iov_base = quote, .iov_len = sizeof(quote) };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	const struct sock_extended_err *e;

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	e = flow_find_error(&m);
	if (e != NULL && ret_error->reason == EP_REASON_NONE)
		*ret_error = flow_judge(fd, address, e);
	return true;
}

struct flow_error tcp_dial_read_error(int fd, const struct ep_address *address)
{
	struct flow_error error = { .reason = EP_REASON_NONE };

	while (read_one(fd, address, &error))
		;
	return error;
}
