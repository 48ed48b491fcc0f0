#include "core/flow.h"
#include "core/icmp_wire.h"
#include "core/source.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <sys/socket.h>

/* In <linux/in6.h>, which cannot be combined with <netinet/in.h>. */
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif

/* Where the ports of flows are: above Linux's ephemeral ports (32768 to 60999
 * unless configured otherwise), so that no other program's connection gets one
 * by chance. */
#define FLOW_PORT_MIN 61000
#define FLOW_PORTS    (UINT16_MAX - FLOW_PORT_MIN + 1)

/* --- the way out --- */

/* Spread: neighbouring flow numbers must not share ports with the tries of one
 * another. 0: the kernel shall choose; it takes another one every time. */
uint16_t flow_port(const struct ep_target *t, unsigned try, uint16_t remote)
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

static int bind_port(int fd, const struct ep_address *local, uint16_t port,
		     bool share)
{
	union ep_sockaddr name;
	socklen_t length = ep_address_to_sockaddr(local, port, &name);
	int on = share;

	/* Lets several flows share a port, and one follow its own TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &name.sa, length) < 0)
		return -errno;
	return 0;
}

/* An address is bound together with the port, an interface before it. */
int flow_bind(int fd, const struct ep_target *target, uint8_t family,
	      uint16_t port, bool share)
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
	return r < 0 ? r : bind_port(fd, &local, port, share);
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
int flow_set_options(int fd, const struct ep_target *t, uint8_t family,
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

struct ep_address flow_own_address(int fd, uint16_t *ret_port)
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
struct flow_error flow_judge(int fd, const struct ep_address *address,
			     const struct sock_extended_err *e)
{
	struct flow_error error = { .reason = EP_REASON_SEND_FAILED,
				    .local = true };
	struct ep_address offender, own;
	uint16_t port;

	if (e->ee_origin != SO_EE_ORIGIN_ICMP &&
	    e->ee_origin != SO_EE_ORIGIN_ICMP6)
		return error;
	offender = ep_address_from_sockaddr(SO_EE_OFFENDER(e));
	own = flow_own_address(fd, &port);
	error.local = ep_address_equal(&offender, &own) &&
		      !ep_address_equal(&own, address);
	error.reason =
		icmp_wire_reason(address->family, e->ee_type, e->ee_code);
	if (error.local)
		error.reason = own_reason(error.reason);
	return error;
}

const struct sock_extended_err *flow_find_error(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP &&
		     c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		     c->cmsg_type == IPV6_RECVERR))
			return (const void *)CMSG_DATA(c);
	return NULL;
}
