/* What the kernel's messages say of a circuit, which of it is told, and the
 * kernel itself in a namespace of our own. */
#include "circuit/changes.h"
#include "circuit/lines.h"
#include "circuit/netlink.h"
#include "lib/own_net.h"
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/route.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

/* --- a kernel of paper --- */

struct paper {
	_Alignas(struct nlmsghdr) char bytes[4096];
	size_t n;
	struct nlmsghdr *m; /* the last message */
};

static void *message(struct paper *p, uint16_t type, size_t fixed)
{
	p->m = (void *)(p->bytes + p->n);
	memset(p->m, 0, NLMSG_SPACE(fixed));
	p->m->nlmsg_type = type;
	p->m->nlmsg_len = NLMSG_SPACE(fixed);
	p->n += NLMSG_SPACE(fixed);
	return NLMSG_DATA(p->m);
}

static void attribute(struct paper *p, uint16_t type, const void *value,
		      size_t size)
{
	struct rtattr *rta = (void *)(p->bytes + p->n);

	memset(rta, 0, RTA_SPACE(size));
	rta->rta_type = type;
	rta->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(rta), value, size);
	p->m->nlmsg_len += (uint32_t)RTA_SPACE(size);
	p->n += RTA_SPACE(size);
}

static void link_is(struct paper *p, int index, const char *name,
		    unsigned flags)
{
	struct ifinfomsg *info = message(p, RTM_NEWLINK, sizeof(*info));

	info->ifi_index = index;
	info->ifi_flags = flags;
	attribute(p, IFLA_IFNAME, name, strlen(name) + 1);
}

static void own_is(struct paper *p, unsigned index, const char *text,
		   uint32_t flags, unsigned char scope)
{
	struct ifaddrmsg *info = message(p, RTM_NEWADDR, sizeof(*info));
	unsigned char bytes[16];
	int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;

	inet_pton(family, text, bytes);
	info->ifa_index = index;
	info->ifa_family = (unsigned char)family;
	info->ifa_flags = (unsigned char)flags;
	info->ifa_scope = scope;
	attribute(p, IFA_ADDRESS, bytes, family == AF_INET ? 4 : 16);
	if (flags > 255)
		attribute(p, IFA_FLAGS, &flags, sizeof(flags));
}

static void route_is(struct paper *p, uint32_t index, unsigned char bits)
{
	struct rtmsg *info = message(p, RTM_NEWROUTE, sizeof(*info));

	info->rtm_family = AF_INET;
	info->rtm_dst_len = bits;
	info->rtm_type = RTN_UNICAST;
	attribute(p, RTA_OIF, &index, sizeof(index));
}

#define UP (IFF_UP | IFF_RUNNING)

/* Exactly as long as it is: what is behind it is not ours to read. */
static void look(const struct paper *p, size_t n, const char *source,
		 struct line *ret_line)
{
	struct lines *lines = lines_create();
	char *copy = malloc(n + 1);

	memcpy(copy, p->bytes, n);
	copy = realloc(copy, n == 0 ? 1 : n);
	assert_int_equal(lines_take(lines, copy, n), 0);
	lines_look(lines, source, ret_line);
	free(copy);
	lines_destroy(lines);
}

static void usual(struct paper *p)
{
	p->n = 0;
	link_is(p, 1, "lo", UP | IFF_LOOPBACK);
	link_is(p, 2, "eth0", UP);
	link_is(p, 3, "wwan0", UP);
	own_is(p, 2, "192.0.2.7", 0, RT_SCOPE_UNIVERSE);
	own_is(p, 2, "fe80::7", 0, RT_SCOPE_LINK);
	own_is(p, 3, "2001:db8::7", 0, RT_SCOPE_UNIVERSE);
	own_is(p, 3, "198.51.100.7", 0, RT_SCOPE_UNIVERSE);
	route_is(p, 2, 0);
}

static void expect_line(const struct paper *p, const char *source,
			const char *lack, const char *interface,
			const char *addresses)
{
	struct line line;

	look(p, p->n, source, &line);
	assert_string_equal(line_lack_name(line.lack), lack);
	assert_string_equal(line.interface, interface);
	assert_string_equal(line.addresses, addresses);
}

static void a_circuit_that_has_all(void **state)
{
	struct paper p;
	struct line line;

	(void)state;
	usual(&p);
	expect_line(&p, "eth0", "", "eth0", "192.0.2.7");
	expect_line(&p, "wwan0", "", "wwan0", "198.51.100.7,2001:db8::7");
	expect_line(&p, "192.0.2.7", "", "eth0", "192.0.2.7");
	expect_line(&p, "2001:DB8:0::7", "", "wwan0", "2001:db8::7");
	look(&p, p.n, "eth0", &line);
	assert_true(line.routed);
	look(&p, p.n, "wwan0", &line);
	assert_false(line.routed);
}

static void what_a_circuit_lacks(void **state)
{
	struct paper p;

	(void)state;
	usual(&p);
	expect_line(&p, "eth1", "no_interface", "", "");
	expect_line(&p, "192.0.2.8", "no_address", "", "");
	link_is(&p, 4, "eth4", IFF_RUNNING);
	expect_line(&p, "eth4", "interface_down", "eth4", "");
	link_is(&p, 5, "eth5", IFF_UP);
	own_is(&p, 5, "203.0.113.5", 0, RT_SCOPE_UNIVERSE);
	expect_line(&p, "eth5", "no_carrier", "eth5", "203.0.113.5");
	expect_line(&p, "203.0.113.5", "no_carrier", "eth5", "203.0.113.5");
	link_is(&p, 6, "eth6", UP);
	own_is(&p, 6, "fe80::6", 0, RT_SCOPE_LINK);
	expect_line(&p, "eth6", "no_address", "eth6", "");
}

static void addresses_that_nothing_can_leave_from(void **state)
{
	static const uint32_t flags[] = { IFA_F_TENTATIVE, IFA_F_DADFAILED,
					  IFA_F_DEPRECATED,
					  IFA_F_TENTATIVE |
						  IFA_F_MANAGETEMPADDR };
	struct paper p;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		p.n = 0;
		link_is(&p, 2, "eth0", UP);
		own_is(&p, 2, "2001:db8::1", flags[i], RT_SCOPE_UNIVERSE);
		expect_line(&p, "eth0", "no_address", "eth0", "");
		expect_line(&p, "2001:db8::1", "no_address", "eth0",
			    "2001:db8::1");
	}
	own_is(&p, 2, "2001:db8::2", IFA_F_TENTATIVE | IFA_F_OPTIMISTIC,
	       RT_SCOPE_UNIVERSE);
	expect_line(&p, "eth0", "", "eth0", "2001:db8::2");
}

static void default_routes_of_all_forms(void **state)
{
	struct rtnexthop hops[2] = {
		{ .rtnh_len = sizeof(hops[0]), .rtnh_ifindex = 2 },
		{ .rtnh_len = sizeof(hops[0]), .rtnh_ifindex = 3 },
	};
	static const unsigned char bits[] = { 0, 1, 3, 8, 24 };
	struct paper p;
	struct line line;
	struct rtmsg *info;

	(void)state;
	for (size_t i = 0; i < sizeof(bits); i++) {
		p.n = 0;
		link_is(&p, 2, "eth0", UP);
		route_is(&p, 2, bits[i]);
		look(&p, p.n, "eth0", &line);
		assert_int_equal(line.routed, bits[i] < 8);
	}
	for (int dead = 0; dead < 2; dead++) {
		p.n = 0;
		link_is(&p, 3, "eth3", UP);
		info = message(&p, RTM_NEWROUTE, sizeof(*info));
		info->rtm_type = RTN_UNICAST;
		hops[1].rtnh_flags = dead ? RTNH_F_DEAD : 0;
		attribute(&p, RTA_MULTIPATH, hops, sizeof(hops));
		look(&p, p.n, "eth3", &line);
		assert_int_equal(line.routed, !dead);
	}
	p.n = 0;
	link_is(&p, 2, "eth0", UP);
	info = message(&p, RTM_NEWROUTE, sizeof(*info));
	info->rtm_type = RTN_BLACKHOLE;
	look(&p, p.n, "eth0", &line);
	assert_false(line.routed);
}

/* Cut anywhere, or with any length in it wrong: no byte beyond is read. */
static void messages_that_are_cut_or_wrong(void **state)
{
	struct paper p;
	struct line line;

	(void)state;
	usual(&p);
	link_is(&p, 4, "e", UP); /* a text, at the very end */
	for (size_t n = 0; n <= p.n; n++)
		look(&p, n, "wwan0", &line);
	for (size_t i = 0; i < p.n; i++)
		for (int value = 0; value < 256; value += 5) {
			struct paper wrong = p;

			wrong.bytes[i] = (char)value;
			look(&wrong, wrong.n, "wwan0", &line);
		}
}

/* --- what is told --- */

static struct line line_of(enum line_lack lack, const char *addresses)
{
	struct line line = { .lack = lack, .routed = lack == LINE_WHOLE };

	snprintf(line.addresses, sizeof(line.addresses), "%s", addresses);
	return line;
}

static void see(struct changes *c, enum line_lack lack, const char *addresses,
		enum changes_step want)
{
	struct line line = line_of(lack, addresses);

	assert_int_equal(changes_see(c, &line), want);
}

static void only_what_is_another_is_a_change(void **state)
{
	struct changes c = { 0 };
	unsigned n;

	(void)state;
	see(&c, LINE_WHOLE, "A", CHANGES_FIRST);
	see(&c, LINE_WHOLE, "A", CHANGES_NONE);
	assert_false(changes_tell(&c, 1, &n));
	assert_true(changes_due_ns(&c) == UINT64_MAX);
	see(&c, LINE_NO_CARRIER, "A", CHANGES_MORE);
	see(&c, LINE_NO_ADDRESS, "", CHANGES_NONE); /* down is down */
	assert_true(changes_tell(&c, 1, &n));
	assert_int_equal(n, 1);
	assert_int_equal(c.now.lack, LINE_NO_ADDRESS);
	see(&c, LINE_WHOLE, "A", CHANGES_MORE);
	see(&c, LINE_WHOLE, "B", CHANGES_MORE);
}

static void flaps_are_counted(void **state)
{
	struct changes c = { 0 };
	uint64_t now_ns = 1000;
	unsigned n;

	(void)state;
	see(&c, LINE_WHOLE, "A", CHANGES_FIRST);
	see(&c, LINE_NO_CARRIER, "A", CHANGES_MORE);
	assert_true(changes_tell(&c, now_ns, &n));
	for (int i = 0; i < 50; i++) {
		see(&c, LINE_WHOLE, "A", CHANGES_MORE);
		see(&c, LINE_NO_CARRIER, "A", CHANGES_MORE);
		assert_false(changes_tell(&c, now_ns + 10, &n));
	}
	assert_true(changes_due_ns(&c) == now_ns + CHANGES_APART_NS);
	assert_true(changes_tell(&c, now_ns + CHANGES_APART_NS, &n));
	assert_int_equal(n, 100);
	assert_false(changes_tell(&c, now_ns + 2 * CHANGES_APART_NS, &n));
}

static void a_default_route_is_missed_where_one_was(void **state)
{
	struct changes c = { 0 }, never = { 0 };
	struct line line = line_of(LINE_WHOLE, "A");

	(void)state;
	assert_int_equal(changes_see(&c, &line), CHANGES_FIRST);
	line.routed = false;
	assert_int_equal(changes_see(&c, &line), CHANGES_MORE);
	assert_int_equal(c.now.lack, LINE_NO_ROUTE);
	assert_int_equal(changes_see(&never, &line), CHANGES_FIRST);
	assert_int_equal(never.now.lack, LINE_WHOLE);
}

/* --- the kernel --- */

static void look_at_lo(struct line *ret_line)
{
	static const char *const sources[] = { "lo", NULL };
	struct lines *lines = lines_create();

	assert_int_equal(netlink_look(lines, sources, 2), 0);
	lines_look(lines, "lo", ret_line);
	lines_destroy(lines);
}

static void set_lo(int fd, int up)
{
	struct ifreq request = { .ifr_name = "lo" };

	request.ifr_flags = (short)(up ? IFF_UP : 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
}

static void add_route(int fd, const char *to, const char *mask)
{
	struct rtentry route = { .rt_flags = RTF_UP };
	struct sockaddr_in address = { .sin_family = AF_INET };
	char device[] = "lo";

	address.sin_addr.s_addr = inet_addr(to);
	memcpy(&route.rt_dst, &address, sizeof(address));
	address.sin_addr.s_addr = inet_addr(mask);
	memcpy(&route.rt_genmask, &address, sizeof(address));
	route.rt_dev = device;
	assert_int_equal(ioctl(fd, SIOCADDRT, &route), 0);
}

static bool has_news(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && netlink_changed(fd);
}

static void the_kernel_tells(void **state)
{
	int notices = netlink_subscribe();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct line line;

	(void)state;
	assert_true(notices >= 0 && fd >= 0);
	look_at_lo(&line);
	assert_int_equal(line.lack, LINE_WHOLE);
	assert_non_null(strstr(line.addresses, "127.0.0.1"));
	assert_false(line.routed);
	assert_false(has_news(notices));
	set_lo(fd, 0);
	assert_true(has_news(notices));
	assert_false(has_news(notices));
	look_at_lo(&line);
	assert_int_equal(line.lack, LINE_INTERFACE_DOWN);
	set_lo(fd, 1);
	assert_true(has_news(notices));
	add_route(fd, "10.0.0.0", "255.0.0.0");
	assert_false(has_news(notices)); /* a router has thousands of these */
	look_at_lo(&line);
	assert_false(line.routed);
	add_route(fd, "0.0.0.0", "0.0.0.0");
	assert_true(has_news(notices));
	look_at_lo(&line);
	assert_true(line.routed);
	close(fd);
	close(notices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_circuit_that_has_all),
		cmocka_unit_test(what_a_circuit_lacks),
		cmocka_unit_test(addresses_that_nothing_can_leave_from),
		cmocka_unit_test(default_routes_of_all_forms),
		cmocka_unit_test(messages_that_are_cut_or_wrong),
		cmocka_unit_test(only_what_is_another_is_a_change),
		cmocka_unit_test(flaps_are_counted),
		cmocka_unit_test(a_default_route_is_missed_where_one_was),
		cmocka_unit_test(the_kernel_tells),
	};

	own_net_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
