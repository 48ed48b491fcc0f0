/* Happy path: RTM_GETROUTE for an address that nobody has; the kernel answers
 * with the entry that matches, which is the default route, and its next hop.
 *
 * What can fail: the entry is not a default route but one for that very prefix
 * (another address is tried), or leads nowhere, or over a line without a router
 * (the other end of a point-to-point line is taken); the source is gone. */
#include "core/gateway.h"
#include "core/holder.h"
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Who splits the default route in halves, as VPNs do, has still one. */
#define DEFAULT_BITS_MAX 8

#define QUESTION_BYTES 128
#define ANSWER_BYTES   8192

/* Of documentation prefixes: nobody has them, and few have a route for one. */
static const char *const nobodys_4[] = { "192.0.2.1", "198.51.100.1",
					 "203.0.113.1" };
static const char *const nobodys_6[] = { "2001:db8:ffff:ffff::1",
					 "3fff:fff:ffff:ffff::1" };

/* The way out that is asked for. */
struct way {
	uint8_t family;
	uint32_t interface;     /* 0: any */
	struct ep_address from; /* family 0: any */
};

/* --- the question --- */

struct question {
	struct nlmsghdr header;
	struct rtmsg about;
	char attributes[QUESTION_BYTES];
};

static void add(struct question *q, unsigned short type, const void *value,
		size_t size)
{
	size_t at = NLMSG_ALIGN(q->header.nlmsg_len);
	struct rtattr head = { .rta_len = (unsigned short)RTA_LENGTH(size),
			       .rta_type = type };

	memcpy((char *)q + at, &head, sizeof(head));
	memcpy((char *)q + at + RTA_LENGTH(0), value, size);
	q->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(size));
}

static void compose(struct question *q, const struct way *way,
		    const struct ep_address *to)
{
	size_t size = way->family == 4 ? 4 : 16;

	memset(q, 0, sizeof(*q));
	q->header.nlmsg_len = NLMSG_LENGTH(sizeof(q->about));
	q->header.nlmsg_type = RTM_GETROUTE;
	q->header.nlmsg_flags = NLM_F_REQUEST;
	q->about.rtm_family = way->family == 4 ? AF_INET : AF_INET6;
	q->about.rtm_dst_len = (unsigned char)(8 * size);
	q->about.rtm_flags = RTM_F_FIB_MATCH;
	add(q, RTA_DST, to->bytes, size);
	if (way->interface != 0)
		add(q, RTA_OIF, &way->interface, sizeof(way->interface));
	if (way->from.family == 0)
		return;
	q->about.rtm_src_len = (unsigned char)(8 * size);
	add(q, RTA_SRC, way->from.bytes, size);
}

/* Bytes of the answer, which is there when the question has been sent; or
 * -errno. */
static int ask(const struct question *q, char answer[ANSWER_BYTES])
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = send(fd, q, q->header.nlmsg_len, 0);
	if (n >= 0)
		n = recv(fd, answer, ANSWER_BYTES, MSG_DONTWAIT);
	if (n < 0)
		n = -errno;
	close(fd);
	return (int)n;
}

/* --- the answer --- */

/* One way on. */
struct hop {
	uint32_t interface;
	struct ep_address router; /* family 0: there is none */
};

static void take_address(struct hop *hop, uint8_t family, const void *bytes,
			 size_t size)
{
	if (size != (family == 4 ? 4 : 16))
		return;
	hop->router.family = family;
	memcpy(hop->router.bytes, bytes, size);
}

static void take_via(struct hop *hop, const struct rtvia *via, size_t size)
{
	size_t head = offsetof(struct rtvia, rtvia_addr);

	if (size > head)
		take_address(hop, via->rtvia_family == AF_INET ? 4 : 6,
			     via->rtvia_addr, size - head);
}

static void take_attribute(struct hop *hop, uint8_t family,
			   const struct rtattr *rta)
{
	size_t size = RTA_PAYLOAD(rta);

	if (rta->rta_type == RTA_GATEWAY)
		take_address(hop, family, RTA_DATA(rta), size);
	else if (rta->rta_type == RTA_VIA)
		take_via(hop, RTA_DATA(rta), size);
	else if (rta->rta_type == RTA_OIF && size >= sizeof(hop->interface))
		memcpy(&hop->interface, RTA_DATA(rta), sizeof(hop->interface));
}

/* What stands in a row in a message; `bytes` are left. */
struct row {
	const char *at;
	size_t bytes;
};

/* The attribute at the front, and past it; NULL: there is no more. */
static const struct rtattr *next_attribute(struct row *row)
{
	const struct rtattr *rta = (const void *)row->at;
	size_t size;

	if (row->bytes < sizeof(*rta) || rta->rta_len < sizeof(*rta) ||
	    rta->rta_len > row->bytes)
		return NULL;
	size = RTA_ALIGN((size_t)rta->rta_len);
	row->at += size;
	row->bytes -= size < row->bytes ? size : row->bytes;
	return rta;
}

/* The same for the next hops of a route that has several. */
static const struct rtnexthop *next_hop(struct row *row)
{
	const struct rtnexthop *hop = (const void *)row->at;
	size_t size;

	if (row->bytes < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) ||
	    hop->rtnh_len > row->bytes)
		return NULL;
	size = NLMSG_ALIGN((size_t)hop->rtnh_len);
	row->at += size;
	row->bytes -= size < row->bytes ? size : row->bytes;
	return hop;
}

static void take_attributes(struct hop *hop, uint8_t family, struct row row)
{
	const struct rtattr *rta;

	while ((rta = next_attribute(&row)) != NULL)
		take_attribute(hop, family, rta);
}

static bool fits(const struct rtnexthop *next, const struct way *way)
{
	return (next->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0 &&
	       (way->interface == 0 ||
		way->interface == (uint32_t)next->rtnh_ifindex);
}

static void take_first_hop(struct hop *hop, const struct way *way,
			   const struct rtattr *list)
{
	struct row row = { RTA_DATA(list), RTA_PAYLOAD(list) };
	const struct rtnexthop *next = next_hop(&row);

	while (next != NULL && !fits(next, way))
		next = next_hop(&row);
	if (next == NULL)
		return;
	hop->interface = (uint32_t)next->rtnh_ifindex;
	take_attributes(hop, way->family,
			(struct row){ (const char *)(next + 1),
				      next->rtnh_len - sizeof(*next) });
}

static int read_route(const struct nlmsghdr *m, const struct way *way,
		      struct hop *ret_hop)
{
	const struct rtmsg *route = NLMSG_DATA(m);
	const struct rtattr *rta;
	struct row row = { (const char *)route + NLMSG_ALIGN(sizeof(*route)),
			   RTM_PAYLOAD(m) };

	if (route->rtm_dst_len > DEFAULT_BITS_MAX)
		return -ENETUNREACH;
	memset(ret_hop, 0, sizeof(*ret_hop));
	take_attributes(ret_hop, way->family, row);
	while ((rta = next_attribute(&row)) != NULL)
		if (rta->rta_type == RTA_MULTIPATH)
			take_first_hop(ret_hop, way, rta);
	return 0;
}

/* Whatever the kernel calls a route that leads nowhere. */
static int read_error(const struct nlmsghdr *m)
{
	const struct nlmsgerr *error = NLMSG_DATA(m);

	return error->error == -ENODEV ? -ENODEV : -ENETUNREACH;
}

static int ask_for_hop(const struct way *way, const struct ep_address *to,
		       struct hop *ret_hop)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
	const struct nlmsghdr *m = (const void *)answer;
	struct question question;
	int n;

	memset(answer, 0, sizeof(*m));
	compose(&question, way, to);
	n = ask(&question, answer);
	if (n < 0)
		return n;
	if (!NLMSG_OK(m, (uint32_t)n))
		return -EIO;
	return m->nlmsg_type == RTM_NEWROUTE ? read_route(m, way, ret_hop)
					     : read_error(m);
}

/* With a source address IPv6 only prefers the interface; a socket that is bound
 * to it is held to it. */
static int find_hop(const struct way *way, const struct ep_address *to,
		    struct hop *ret_hop)
{
	struct way bound = { .family = way->family,
			     .interface = way->interface };
	int r = ask_for_hop(way, to, ret_hop);

	if (r == 0 && way->interface != 0 &&
	    ret_hop->interface != way->interface)
		r = ask_for_hop(&bound, to, ret_hop);
	return r;
}

/* --- lines without a router --- */

static bool is_other_end(const struct ifaddrs *at, uint8_t family,
			 const char *interface)
{
	struct ep_address own, other;

	if ((at->ifa_flags & IFF_POINTOPOINT) == 0 || at->ifa_addr == NULL ||
	    at->ifa_dstaddr == NULL || strcmp(at->ifa_name, interface) != 0)
		return false;
	own = ep_address_from_sockaddr(at->ifa_addr);
	other = ep_address_from_sockaddr(at->ifa_dstaddr);
	return other.family == family && !ep_address_equal(&own, &other);
}

static int find_other_end(uint32_t interface, uint8_t family,
			  struct ep_address *ret_address)
{
	char name[IF_NAMESIZE];
	struct ifaddrs *first, *at;
	int r = -ENETUNREACH;

	if (if_indextoname(interface, name) == NULL)
		return -ENETUNREACH;
	if (getifaddrs(&first) < 0)
		return -errno;
	for (at = first; at != NULL && r < 0; at = at->ifa_next)
		if (is_other_end(at, family, name)) {
			*ret_address =
				ep_address_from_sockaddr(at->ifa_dstaddr);
			r = 0;
		}
	freeifaddrs(first);
	return r;
}

/* --- all of it --- */

static bool is_link_local(const struct ep_address *a)
{
	return a->family == 6 && a->bytes[0] == 0xfe &&
	       (a->bytes[1] & 0xc0) == 0x80;
}

static int take_router(const struct hop *hop, uint8_t family,
		       struct ep_address *ret_address)
{
	struct ep_address router = hop->router;
	int r = 0;

	if (router.family == 0)
		r = find_other_end(hop->interface, family, &router);
	if (r < 0)
		return r;
	if (is_link_local(&router))
		router.scope = hop->interface;
	*ret_address = router;
	return 0;
}

static int find_in_family(struct way *way, uint8_t family,
			  struct ep_address *ret_address)
{
	const char *const *list = family == 4 ? nobodys_4 : nobodys_6;
	size_t n = family == 4 ? sizeof(nobodys_4) / sizeof(nobodys_4[0])
			       : sizeof(nobodys_6) / sizeof(nobodys_6[0]);
	int r = -ENETUNREACH;

	way->family = family;
	for (size_t i = 0; i < n && r == -ENETUNREACH; i++) {
		struct hop hop = { .interface = 0 };
		struct ep_address to;

		r = ep_address_parse(list[i], &to);
		if (r == 0)
			r = find_hop(way, &to, &hop);
		if (r == 0)
			return take_router(&hop, family, ret_address);
	}
	return r;
}

/* As source_bind() binds: to an address and the interface that holds it. */
static int set_source(struct way *way, const char *source)
{
	if (source == NULL || *source == '\0')
		return 0;
	if (ep_address_parse(source, &way->from) == 0)
		return holder_of(&way->from, &way->interface);
	way->interface = if_nametoindex(source);
	return way->interface == 0 ? -ENODEV : 0;
}

int gateway_find(const char *source, int family, struct ep_address *ret_address)
{
	struct way way = { .family = 0 };
	int r = set_source(&way, source);

	if (r < 0)
		return r;
	if (family == 0)
		family = way.from.family;
	if (way.from.family != 0 && family != way.from.family)
		return -EADDRNOTAVAIL;
	if (family != 0)
		return find_in_family(&way, (uint8_t)family, ret_address);
	r = find_in_family(&way, 4, ret_address);
	return r == -ENETUNREACH ? find_in_family(&way, 6, ret_address) : r;
}
