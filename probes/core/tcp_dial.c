#include "core/tcp_dial.h"
#include "core/icmp_wire.h"
#include "core/source.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* In <linux/in6.h>, which cannot be combined with <netinet/in.h>. */
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif

/* Where the ports of flows are: above Linux's ephemeral ports (32768 to 60999
 * unless configured otherwise), so that no other program's connection gets one
 * by chance. */
#define FLOW_PORT_MIN 61000
#define FLOW_PORTS    (UINT16_MAX - FLOW_PORT_MIN + 1)

/* Tries with a port of the flow; the rest of TCP_DIAL_TRIES is the kernel's. */
#define FLOW_TRIES 4

/* --- the way out --- */

/* Spread: neighbouring flow numbers must not share ports with the tries of one
 * another. 0: the kernel shall choose; it takes another one every time. */
static uint16_t flow_port(const struct ep_target *t, unsigned try,
			  uint16_t remote)
{
	uint64_t spread = t->flow * UINT64_C(0x9e3779b97f4a7c15) >> 32;
	uint16_t port;

	if (t->flow == 0 || t->fresh_flow || try >= FLOW_TRIES)
		return 0;
	port = (uint16_t)(FLOW_PORT_MIN + (spread + 97UL * try) % FLOW_PORTS);
	if (port == remote) /* or a dial to our own host meets itself */
		port = port == UINT16_MAX ? FLOW_PORT_MIN
					  : (uint16_t)(port + 1);
	return port;
}

static int bind_port(int fd, const struct ep_address *local, uint16_t port)
{
	union ep_sockaddr name;
	socklen_t length = ep_address_to_sockaddr(local, port, &name);
	int on = 1;

	/* Lets several flows share a port, and one follow its own TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &name.sa, length) < 0)
		return -errno;
	return 0;
}

/* An address is bound together with the port, an interface before it. */
static int bind_way(int fd, const struct ep_target *target, uint8_t family,
		    uint16_t port)
{
	struct ep_address local = { .family = family };
	struct ep_address literal;
	int r;

	if (port == 0)
		return source_bind(fd, family, target->source);
	if (target->source == NULL ||
	    ep_address_parse(target->source, &literal) < 0) {
		r = source_bind(fd, family, target->source);
	} else if (literal.family != family) {
		r = -EADDRNOTAVAIL;
	} else {
		local = literal;
		r = source_bind_holder(fd, &local);
	}
	return r < 0 ? r : bind_port(fd, &local, port);
}

static int set_int(int fd, int level, int name, uint64_t value)
{
	int v = (int)value;

	return setsockopt(fd, level, name, &v, sizeof(v)) < 0 ? -errno : 0;
}

/* The kernel's own label is another for every connection, and changes when a
 * SYN is sent again; 0 is the same always. */
static int set_options6(int fd, bool fixed)
{
	int r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);

	return r < 0 || !fixed
		       ? r
		       : set_int(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
}

/* DSCP is the upper six bits of the old TOS byte. */
static int set_options(int fd, const struct ep_target *t, uint8_t family,
		       bool fixed)
{
	bool v4 = family == 4;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	int r = set_int(fd, level, v4 ? IP_RECVERR : IPV6_RECVERR, 1);

	if (r == 0 && !v4)
		r = set_options6(fd, fixed);
	if (r == 0 && t->ttl != 0)
		r = set_int(fd, level, v4 ? IP_TTL : IPV6_UNICAST_HOPS, t->ttl);
	if (r == 0 && t->dscp != 0)
		r = set_int(fd, level, v4 ? IP_TOS : IPV6_TCLASS, t->dscp << 2);
	return r;
}

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
	r = set_options(fd, target, address->family,
			target->flow != 0 && !target->fresh_flow);
	if (r == 0)
		r = bind_way(fd, target, address->family, own);
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

static struct ep_address own_address(int fd, uint16_t *ret_port)
{
	union ep_sockaddr name = { .sa = { .sa_family = AF_UNSPEC } };
	socklen_t length = sizeof(name);

	*ret_port = 0;
	if (getsockname(fd, &name.sa, &length) == 0)
		*ret_port = ntohs(name.sa.sa_family == AF_INET
					  ? name.in4.sin_port
					  : name.in6.sin6_port);
	return ep_address_from_sockaddr(&name.sa);
}

bool tcp_dial_met_itself(int fd, const struct ep_address *address,
			 uint16_t port)
{
	uint16_t own_port;
	struct ep_address own = own_address(fd, &own_port);

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

/* Our own host's "no neighbour", "no route" and "a filter said no". */
static enum ep_reason own_reason(enum ep_reason reason)
{
	if (reason == EP_REASON_HOST_UNREACHABLE ||
	    reason == EP_REASON_NET_UNREACHABLE)
		return EP_REASON_NO_ROUTE;
	if (reason == EP_REASON_ADMIN_PROHIBITED)
		return EP_REASON_PERMISSION;
	return reason;
}

/* Where the target is our own host, what it says is an answer. */
static struct tcp_dial_error judge(int fd, const struct ep_address *address,
				   const struct sock_extended_err *e)
{
	struct tcp_dial_error error = { .reason = EP_REASON_SEND_FAILED,
					.local = true };
	struct ep_address offender, own;
	uint16_t port;

	if (e->ee_origin != SO_EE_ORIGIN_ICMP &&
	    e->ee_origin != SO_EE_ORIGIN_ICMP6)
		return error;
	offender = ep_address_from_sockaddr(SO_EE_OFFENDER(e));
	own = own_address(fd, &port);
	error.local = ep_address_equal(&offender, &own) &&
		      !ep_address_equal(&own, address);
	error.reason =
		icmp_wire_reason(address->family, e->ee_type, e->ee_code);
	if (error.local)
		error.reason = own_reason(error.reason);
	return error;
}

static const struct sock_extended_err *find_error(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP &&
		     c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		     c->cmsg_type == IPV6_RECVERR))
			return (const void *)CMSG_DATA(c);
	return NULL;
}

static bool read_one(int fd, const struct ep_address *address,
		     struct tcp_dial_error *ret_error)
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
	e = find_error(&m);
	if (e != NULL && ret_error->reason == EP_REASON_NONE)
		*ret_error = judge(fd, address, e);
	return true;
}

struct tcp_dial_error tcp_dial_read_error(int fd,
					  const struct ep_address *address)
{
	struct tcp_dial_error error = { .reason = EP_REASON_NONE };

	while (read_one(fd, address, &error))
		;
	return error;
}
