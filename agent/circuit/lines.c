#include "circuit/lines.h"
#include "edgeprobe/address.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct link {
	unsigned index, flags;
	char name[IFNAMSIZ];
};

struct own {
	unsigned index;
	bool usable;
	struct ep_address address;
};

struct lines {
	struct link *links;
	struct own *owns;
	unsigned *routes; /* interfaces that have a default route */
	size_t n_links, n_owns, n_routes;
};

struct lines *lines_create(void)
{
	return calloc(1, sizeof(struct lines));
}

void lines_destroy(struct lines *lines)
{
	if (lines == NULL)
		return;
	free(lines->links);
	free(lines->owns);
	free(lines->routes);
	free(lines);
}

void lines_clear(struct lines *lines)
{
	lines->n_links = 0;
	lines->n_owns = 0;
	lines->n_routes = 0;
}

/* Room for one more of `size` bytes behind `n`; grows by doubling. */
static void *grow(void *items, size_t n, size_t size, int *ret_r)
{
	void *grown = items;

	*ret_r = 0;
	if (n >= LINES_MAX)
		*ret_r = -E2BIG;
	else if ((n & (n - 1)) == 0)
		grown = realloc(items, (n == 0 ? 1 : 2 * n) * size);
	if (grown == NULL) {
		*ret_r = -ENOMEM;
		return items;
	}
	return grown;
}

/* --- messages --- */

#define ATTRIBUTES_MAX 64

/* The payload of a message behind its fixed part. */
struct attributes {
	const struct rtattr *of[ATTRIBUTES_MAX]; /* by type; NULL: absent */
};

static bool read_attributes(const struct nlmsghdr *m, size_t fixed,
			    struct attributes *a)
{
	const char *at = (const char *)m + NLMSG_SPACE(fixed);
	const char *end = (const char *)m + m->nlmsg_len;
	const struct rtattr *rta;
	unsigned type;

	memset(a, 0, sizeof(*a));
	for (; end - at >= (ptrdiff_t)sizeof(*rta);
	     at += RTA_ALIGN(rta->rta_len)) {
		rta = (const void *)at;
		if (rta->rta_len < sizeof(*rta) || rta->rta_len > end - at)
			break;
		type = rta->rta_type & (unsigned)NLA_TYPE_MASK;
		if (type < ATTRIBUTES_MAX)
			a->of[type] = rta;
	}
	return m->nlmsg_len >= NLMSG_SPACE(fixed);
}

static uint32_t number(const struct rtattr *rta, uint32_t otherwise)
{
	uint32_t value = otherwise;

	if (rta != NULL && RTA_PAYLOAD(rta) >= sizeof(value))
		memcpy(&value, RTA_DATA(rta), sizeof(value));
	return value;
}

static int take_link(struct lines *l, const struct nlmsghdr *m)
{
	const struct ifinfomsg *info = NLMSG_DATA(m);
	struct attributes a;
	struct link *link;
	size_t n;
	int r;

	if (!read_attributes(m, sizeof(*info), &a) || a.of[IFLA_IFNAME] == NULL)
		return 0;
	l->links = grow(l->links, l->n_links, sizeof(*link), &r);
	if (r < 0)
		return r;
	link = &l->links[l->n_links++];
	memset(link, 0, sizeof(*link));
	link->index = (unsigned)info->ifi_index;
	link->flags = info->ifi_flags;
	n = RTA_PAYLOAD(a.of[IFLA_IFNAME]);
	if (n >= sizeof(link->name))
		n = sizeof(link->name) - 1;
	memcpy(link->name, RTA_DATA(a.of[IFLA_IFNAME]), n);
	return 0;
}

/* Of a point-to-point interface IFA_ADDRESS is the other end's. */
static bool read_own(const struct ifaddrmsg *info, const struct attributes *a,
		     struct own *own)
{
	const struct rtattr *rta = a->of[IFA_LOCAL] != NULL
					   ? a->of[IFA_LOCAL]
					   : a->of[IFA_ADDRESS];
	uint32_t flags = number(a->of[IFA_FLAGS], info->ifa_flags);
	size_t size = info->ifa_family == AF_INET ? 4 : 16;

	memset(own, 0, sizeof(*own));
	if (rta == NULL || RTA_PAYLOAD(rta) < size)
		return false;
	own->index = info->ifa_index;
	own->address.family = size == 4 ? 4 : 6;
	memcpy(own->address.bytes, RTA_DATA(rta), size);
	if (info->ifa_scope == RT_SCOPE_LINK && size == 16)
		own->address.scope = info->ifa_index;
	own->usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED |
				IFA_F_DEPRECATED)) == 0 ||
		      (flags & IFA_F_OPTIMISTIC) != 0;
	return true;
}

static int take_own(struct lines *l, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *info = NLMSG_DATA(m);
	struct attributes a;
	struct own own;
	int r;

	if (!read_attributes(m, sizeof(*info), &a) ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) ||
	    !read_own(info, &a, &own))
		return 0;
	l->owns = grow(l->owns, l->n_owns, sizeof(own), &r);
	if (r == 0)
		l->owns[l->n_owns++] = own;
	return r;
}

static int add_route(struct lines *l, unsigned index)
{
	int r;

	for (size_t i = 0; i < l->n_routes; i++)
		if (l->routes[i] == index)
			return 0;
	l->routes = grow(l->routes, l->n_routes, sizeof(*l->routes), &r);
	if (r == 0)
		l->routes[l->n_routes++] = index;
	return r;
}

static int add_hops(struct lines *l, const struct rtattr *hops)
{
	const char *at = RTA_DATA(hops);
	const char *end = at + RTA_PAYLOAD(hops);
	const struct rtnexthop *hop;
	int r = 0;

	for (; r == 0 && end - at >= (ptrdiff_t)sizeof(*hop);
	     at += NLMSG_ALIGN(hop->rtnh_len)) {
		hop = (const void *)at;
		if (hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > end - at)
			break;
		if ((hop->rtnh_flags & RTNH_F_DEAD) == 0)
			r = add_route(l, (unsigned)hop->rtnh_ifindex);
	}
	return r;
}

static int take_route(struct lines *l, const struct nlmsghdr *m)
{
	const struct rtmsg *info = NLMSG_DATA(m);
	struct attributes a;
	int r = 0;

	if (!read_attributes(m, sizeof(*info), &a) ||
	    info->rtm_type != RTN_UNICAST ||
	    info->rtm_dst_len > LINES_DEFAULT_BITS ||
	    (info->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)) != 0)
		return 0;
	if (a.of[RTA_OIF] != NULL)
		r = add_route(l, number(a.of[RTA_OIF], 0));
	if (r == 0 && a.of[RTA_MULTIPATH] != NULL)
		r = add_hops(l, a.of[RTA_MULTIPATH]);
	return r;
}

static int take(struct lines *l, const struct nlmsghdr *m)
{
	switch (m->nlmsg_type) {
	case RTM_NEWLINK:
		return take_link(l, m);
	case RTM_NEWADDR:
		return take_own(l, m);
	case RTM_NEWROUTE:
		return take_route(l, m);
	default:
		return 0;
	}
}

int lines_take(struct lines *lines, const void *bytes, size_t n)
{
	const struct nlmsghdr *m = bytes;
	size_t size;
	int r = 0;

	while (r == 0 && n >= sizeof(*m) && m->nlmsg_len >= sizeof(*m) &&
	       m->nlmsg_len <= n) {
		r = take(lines, m);
		size = NLMSG_ALIGN(m->nlmsg_len);
		n = size < n ? n - size : 0;
		m = (const void *)((const char *)m + size);
	}
	return r;
}

/* --- circuits --- */

static const struct link *link_at(const struct lines *l, unsigned index)
{
	for (size_t i = 0; i < l->n_links; i++)
		if (l->links[i].index == index)
			return &l->links[i];
	return NULL;
}

static const struct link *link_called(const struct lines *l, const char *name)
{
	for (size_t i = 0; i < l->n_links; i++)
		if (strcmp(l->links[i].name, name) == 0)
			return &l->links[i];
	return NULL;
}

static const struct own *own_at(const struct lines *l,
				const struct ep_address *address)
{
	for (size_t i = 0; i < l->n_owns; i++)
		if (ep_address_equal(&l->owns[i].address, address))
			return &l->owns[i];
	return NULL;
}

static bool is_routed(const struct lines *l, unsigned index)
{
	for (size_t i = 0; i < l->n_routes; i++)
		if (l->routes[i] == index)
			return true;
	return false;
}

#define TEXTS_MAX (LINE_ADDRESSES_MAX / 8)

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The kernel's order changes without anything having changed. */
static void list_addresses(const struct lines *l, unsigned index,
			   struct line *line)
{
	char texts[TEXTS_MAX][EP_ADDRESS_TEXT_MAX];
	size_t n = 0, used = 0, length;

	for (size_t i = 0; i < l->n_owns && n < TEXTS_MAX; i++)
		if (l->owns[i].index == index && l->owns[i].usable &&
		    l->owns[i].address.scope == 0)
			ep_address_format(&l->owns[i].address, texts[n++],
					  sizeof(texts[0]));
	qsort(texts, n, sizeof(texts[0]), by_text);
	for (size_t i = 0; i < n; i++) {
		length = strlen(texts[i]);
		if (used + length + 2 > sizeof(line->addresses))
			return;
		if (used > 0)
			line->addresses[used++] = ',';
		memcpy(line->addresses + used, texts[i], length + 1);
		used += length;
	}
}

static void look_at_link(const struct lines *l, const struct link *link,
			 struct line *line)
{
	if (link == NULL) {
		line->lack = LINE_NO_INTERFACE;
		return;
	}
	memcpy(line->interface, link->name, sizeof(line->interface));
	line->routed = is_routed(l, link->index);
	if ((link->flags & IFF_UP) == 0)
		line->lack = LINE_INTERFACE_DOWN;
	else if ((link->flags & IFF_RUNNING) == 0)
		line->lack = LINE_NO_CARRIER;
}

static void look_at_address(const struct lines *l,
			    const struct ep_address *address, struct line *line)
{
	const struct own *own = own_at(l, address);

	if (own == NULL) {
		line->lack = LINE_NO_ADDRESS;
		return;
	}
	look_at_link(l, link_at(l, own->index), line);
	ep_address_format(address, line->addresses, sizeof(line->addresses));
	if (line->lack == LINE_WHOLE && !own->usable)
		line->lack = LINE_NO_ADDRESS;
}

static void look_at_interface(const struct lines *l, const char *name,
			      struct line *line)
{
	const struct link *link = link_called(l, name);

	look_at_link(l, link, line);
	if (link == NULL)
		return;
	list_addresses(l, link->index, line);
	if (line->lack == LINE_WHOLE && line->addresses[0] == '\0')
		line->lack = LINE_NO_ADDRESS;
}

void lines_look(const struct lines *lines, const char *source,
		struct line *ret_line)
{
	struct ep_address address;

	memset(ret_line, 0, sizeof(*ret_line));
	if (ep_address_parse(source, &address) == 0)
		look_at_address(lines, &address, ret_line);
	else
		look_at_interface(lines, source, ret_line);
}

unsigned lines_interface(const struct lines *lines, const char *source)
{
	struct ep_address address;
	const struct own *own;
	const struct link *link;

	if (ep_address_parse(source, &address) == 0) {
		own = own_at(lines, &address);
		return own == NULL ? 0 : own->index;
	}
	link = link_called(lines, source);
	return link == NULL ? 0 : link->index;
}

const char *line_lack_name(enum line_lack lack)
{
	switch (lack) {
	case LINE_WHOLE:
		return "";
	case LINE_NO_INTERFACE:
		return "no_interface";
	case LINE_INTERFACE_DOWN:
		return "interface_down";
	case LINE_NO_CARRIER:
		return "no_carrier";
	case LINE_NO_ADDRESS:
		return "no_address";
	case LINE_NO_ROUTE:
		return "no_route";
	}
	return "unknown";
}
