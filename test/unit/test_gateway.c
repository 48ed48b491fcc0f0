/* The router of the default route, in a network namespace of our own whose
 * routing table each test makes. */
#include "../lib/own_net.h"
#include "core/gateway.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

static void make_line(const char *name, unsigned number)
{
	own_net_ip("link add %s type veth peer name %sp", name, name);
	own_net_ip("link set %sp up", name);
	own_net_ip("addr add 10.0.%u.2/24 dev %s", number, name);
	own_net_ip("addr add fd00:%u::2/64 dev %s nodad", number, name);
	own_net_ip("link set %s up", name);
}

static int begin(void **state)
{
	(void)state;
	own_net_enter(0); /* another one for each test */
	make_line("one0", 1);
	make_line("two0", 2);
	return 0;
}

static void expect(const char *source, int family, const char *want)
{
	char text[EP_ADDRESS_TEXT_MAX];
	struct ep_address a = { .family = 0 };
	int r = gateway_find(source, family, &a);

	if (r < 0)
		fail_msg("%s: %s", want, strerror(-r));
	assert_string_equal(ep_address_format(&a, text, sizeof(text)), want);
}

static void expect_error(const char *source, int family, int want)
{
	struct ep_address a = { .family = 0 };

	assert_int_equal(gateway_find(source, family, &a), want);
	assert_int_equal(a.family, 0);
}

static void without_default_route_there_is_none(void **state)
{
	(void)state;
	expect_error(NULL, 0, -ENETUNREACH);
	expect_error(NULL, 4, -ENETUNREACH);
	expect_error("one0", 6, -ENETUNREACH);
	expect_error("10.0.1.2", 0, -ENETUNREACH);
}

static void ipv4_first_then_ipv6(void **state)
{
	(void)state;
	own_net_ip("-6 route add default via fd00:1::1");
	expect(NULL, 0, "fd00:1::1");
	expect_error(NULL, 4, -ENETUNREACH);
	own_net_ip("route add default via 10.0.1.1");
	expect(NULL, 0, "10.0.1.1");
	expect(NULL, 4, "10.0.1.1");
	expect(NULL, 6, "fd00:1::1");
}

static void link_local_router_has_its_scope(void **state)
{
	(void)state;
	own_net_ip("-6 route add default via fe80::1 dev two0");
	expect(NULL, 6, "fe80::1%two0");
	expect("two0", 0, "fe80::1%two0");
}

static void each_interface_has_its_own(void **state)
{
	(void)state;
	own_net_ip("route add default via 10.0.1.1 metric 10");
	own_net_ip("route add default via 10.0.2.1 metric 20");
	own_net_ip("-6 route add default via fd00:1::1 metric 10");
	own_net_ip("-6 route add default via fd00:2::1 metric 20");
	expect("", 4, "10.0.1.1");
	expect("one0", 4, "10.0.1.1");
	expect("two0", 4, "10.0.2.1");
	expect("two0", 6, "fd00:2::1");
	expect("10.0.2.2", 0, "10.0.2.1");
	expect("fd00:2::2", 0, "fd00:2::1");
}

/* That the kernel would take anything for neighbours there is no router. */
static void interface_without_default_route_has_none(void **state)
{
	(void)state;
	own_net_ip("route add default via 10.0.1.1");
	expect_error("two0", 4, -ENETUNREACH);
	expect_error("10.0.2.2", 4, -ENETUNREACH);
}

static void policy_by_address_counts(void **state)
{
	(void)state;
	own_net_ip("route add default via 10.0.1.1");
	own_net_ip("route add default via 10.0.2.99 dev two0 table 100");
	own_net_ip("rule add from 10.0.2.2 lookup 100");
	expect("10.0.2.2", 4, "10.0.2.99");
	expect("10.0.1.2", 4, "10.0.1.1");
	expect(NULL, 4, "10.0.1.1");
}

static void source_that_is_gone(void **state)
{
	(void)state;
	own_net_ip("route add default via 10.0.1.1");
	expect_error("nosuch0", 0, -ENODEV);
	expect_error("10.9.9.9", 0, -EADDRNOTAVAIL);
	expect_error("10.0.1.2", 6, -EADDRNOTAVAIL);
}

static void other_routes_do_not_count(void **state)
{
	(void)state;
	own_net_ip("route add 192.0.2.0/24 via 10.0.1.66");
	own_net_ip("route add 198.51.100.0/24 via 10.0.1.66");
	own_net_ip("-6 route add 2001:db8::/32 via fd00:1::66");
	own_net_ip("-6 route add default via fd00:1::1");
	expect_error(NULL, 4, -ENETUNREACH);
	expect(NULL, 6, "fd00:1::1");
	own_net_ip("route add default via 10.0.1.1");
	expect(NULL, 4, "10.0.1.1");
}

static void default_route_in_halves(void **state)
{
	(void)state;
	own_net_ip("route add default via 10.0.1.1");
	own_net_ip("route add 0.0.0.0/1 via 10.0.2.1");
	own_net_ip("route add 128.0.0.0/1 via 10.0.2.1");
	expect(NULL, 4, "10.0.2.1");
}

static void route_that_leads_nowhere(void **state)
{
	(void)state;
	own_net_ip("route add blackhole default");
	own_net_ip("-6 route add unreachable default metric 1");
	expect_error(NULL, 0, -ENETUNREACH);
	expect_error(NULL, 6, -ENETUNREACH);
}

static void first_of_several_next_hops(void **state)
{
	(void)state;
	own_net_ip("route add default nexthop via 10.0.1.1 nexthop via "
		   "10.0.2.1");
	expect(NULL, 4, "10.0.1.1");
	expect("two0", 4, "10.0.2.1");
	own_net_ip("-6 route add default nexthop via fd00:1::1 nexthop via "
		   "fd00:2::1");
	expect("two0", 6, "fd00:2::1");
}

static void ipv4_by_an_ipv6_router(void **state)
{
	(void)state;
	own_net_ip("-4 route add default via inet6 fe80::5 dev one0");
	expect(NULL, 4, "fe80::5%one0");
}

static int open_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	return fd;
}

static void other_end_of_a_line_without_router(void **state)
{
	int fd = open_tun("ppp0");

	(void)state;
	own_net_ip("link set ppp0 up");
	own_net_ip("addr add 10.9.0.1/32 dev ppp0");
	own_net_ip("route add default dev ppp0");
	expect_error(NULL, 4, -ENETUNREACH); /* who is there? */
	own_net_ip("addr add 10.9.1.1 peer 10.9.1.2 dev ppp0");
	expect(NULL, 4, "10.9.1.2");
	own_net_ip("addr add fe80::a peer fe80::b dev ppp0 nodad");
	own_net_ip("-6 route add default dev ppp0");
	expect("ppp0", 6, "fe80::b%ppp0");
	close(fd);
}

/* --- as a target --- */

struct result {
	uv_loop_t loop;
	struct ep_sample sample;
};

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct result *result = arg;

	(void)target;
	result->sample = *sample;
	uv_stop(&result->loop);
}

/* The kind is one that refuses at once: nothing listens there. */
static struct ep_sample probe(struct ep_target target)
{
	struct ep_engine *engine;
	struct result result;

	target.kind = ep_kind_find("tcp");
	target.timeout_ns = 50000000;
	assert_int_equal(uv_loop_init(&result.loop), 0);
	assert_int_equal(ep_engine_open(&result.loop, NULL, &engine, NULL), 0);
	assert_int_equal(
		ep_probe_start(engine, &target, 0, on_sample, &result, NULL),
		0);
	uv_run(&result.loop, UV_RUN_DEFAULT);
	ep_engine_close(engine, NULL, NULL);
	uv_run(&result.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&result.loop), 0);
	return result.sample;
}

static void expect_probe(struct ep_target target, const char *address,
			 const char *reason)
{
	struct ep_sample sample = probe(target);
	char text[EP_ADDRESS_TEXT_MAX];

	ep_address_format(&sample.address, text, sizeof(text));
	assert_string_equal(text, address);
	if (reason != NULL)
		assert_string_equal(ep_reason_name(sample.reason), reason);
}

static void target_named_gateway_is_the_router(void **state)
{
	struct ep_target target = { .host = EP_HOST_GATEWAY };

	(void)state;
	expect_probe(target, "", "no_route");
	own_net_ip("route add default via 10.0.1.1");
	own_net_ip("-6 route add default via fe80::1 dev two0");
	expect_probe(target, "10.0.1.1", NULL);
	target.family = 6;
	expect_probe(target, "fe80::1%two0", NULL);
	target.source = "nosuch0";
	expect_probe(target, "", "no_source");
	own_net_ip("route change default via 10.0.1.77");
	target = (struct ep_target){ .host = "Gateway", .source = "one0" };
	expect_probe(target, "10.0.1.77", NULL);
}

/* With a dot behind it is a name, and there is no name server here. */
static void host_of_that_name_has_a_dot(void **state)
{
	struct ep_target target = { .host = "gateway." };
	struct ep_sample sample;

	(void)state;
	own_net_ip("route add default via 10.0.1.1");
	sample = probe(target);
	assert_int_equal(sample.address.family, 0);
	assert_int_equal(sample.outcome, EP_FAILED);
	assert_memory_equal(ep_reason_name(sample.reason), "dns_", 4);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_default_route_there_is_none),
		TEST(ipv4_first_then_ipv6),
		TEST(link_local_router_has_its_scope),
		TEST(each_interface_has_its_own),
		TEST(interface_without_default_route_has_none),
		TEST(policy_by_address_counts),
		TEST(source_that_is_gone),
		TEST(other_routes_do_not_count),
		TEST(default_route_in_halves),
		TEST(route_that_leads_nowhere),
		TEST(first_of_several_next_hops),
		TEST(ipv4_by_an_ipv6_router),
		TEST(other_end_of_a_line_without_router),
		TEST(target_named_gateway_is_the_router),
		TEST(host_of_that_name_has_a_dot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
