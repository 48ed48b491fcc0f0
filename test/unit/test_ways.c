/* Ways out that are remembered, and forgotten when the kernel says so. Linked
 * with --wrap: how often is it asked? */
#include "core/ways.h"
#include "lib/own_net.h"
#include "lib/tun_net.h"
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned asked;

int __real_source_find(const char *source, const struct ep_address *to,
		       struct source_way *ret_way);
int __wrap_source_find(const char *source, const struct ep_address *to,
		       struct source_way *ret_way);

int __wrap_source_find(const char *source, const struct ep_address *to,
		       struct source_way *ret_way)
{
	asked++;
	return __real_source_find(source, to, ret_way);
}

#define OWN "203.0.113.1"

static int find(struct ways *ways, const char *source, const char *to,
		struct source_way *ret_way)
{
	struct ep_address address;

	assert_int_equal(ep_address_parse(to, &address), 0);
	return ways_find(ways, source, &address, ret_way);
}

static void an_unchanged_way_is_asked_for_once(void **state)
{
	struct ways *ways = ways_create();
	int line = tun_net_make("line0", OWN);
	struct source_way way;

	(void)state;
	assert_non_null(ways);
	assert_int_equal(find(ways, "line0", "192.0.2.1", &way), 0);
	asked = 0;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(find(ways, "line0", "192.0.2.1", &way), 0);
		assert_int_equal(way.interface, if_nametoindex("line0"));
		assert_int_equal(way.address.family, 0);
	}
	assert_in_range(asked, 0, 3); /* a second may pass on a busy machine */
	assert_int_equal(find(ways, "line0", "192.0.2.2", &way), 0);
	assert_int_equal(find(ways, OWN, "192.0.2.1", &way), 0);
	assert_int_equal(way.interface, if_nametoindex("line0"));
	assert_int_equal(way.address.family, 4);
	assert_in_range(asked, 2, 6);
	close(line);
	ways_destroy(ways);
}

static void a_line_that_goes_and_comes_is_seen_at_once(void **state)
{
	struct ways *ways = ways_create();
	struct source_way way;
	unsigned before = 0;

	(void)state;
	assert_non_null(ways);
	for (unsigned i = 0; i < 5; i++) {
		int line = tun_net_make("line0", OWN);

		assert_int_equal(find(ways, "line0", "192.0.2.1", &way), 0);
		assert_int_not_equal(way.interface, before);
		before = way.interface;
		assert_int_equal(find(ways, OWN, "192.0.2.1", &way), 0);
		assert_int_equal(way.interface, before);
		close(line);
		assert_int_equal(find(ways, "line0", "192.0.2.1", &way),
				 -ENODEV);
		assert_int_equal(find(ways, OWN, "192.0.2.1", &way),
				 -EADDRNOTAVAIL);
	}
	ways_destroy(ways);
}

static void more_ways_than_places(void **state)
{
	struct ways *ways = ways_create();
	int line = tun_net_make("line0", OWN);
	struct source_way way;
	struct ep_address to;

	(void)state;
	assert_non_null(ways);
	assert_int_equal(ep_address_parse("192.0.2.1", &to), 0);
	for (unsigned i = 0; i < 4000; i++) {
		to.bytes[2] = (uint8_t)(i >> 8);
		to.bytes[3] = (uint8_t)i;
		assert_int_equal(ways_find(ways, "line0", &to, &way), 0);
		assert_int_equal(ways_find(ways, "nosuch0", &to, &way),
				 -ENODEV);
	}
	close(line);
	ways_destroy(ways);
}

/* Of loopback the routing table decides; of the other family nothing can be. */
static void ways_that_are_none(void **state)
{
	struct ways *ways = ways_create();
	struct source_way way;

	(void)state;
	assert_non_null(ways);
	assert_int_equal(find(ways, "127.0.0.2", "127.0.0.1", &way), 0);
	assert_int_equal(way.interface, 0);
	assert_int_equal(find(ways, "127.0.0.2", "::1", &way), -EADDRNOTAVAIL);
	assert_int_equal(find(ways, "198.51.100.9", "127.0.0.1", &way),
			 -EADDRNOTAVAIL);
	assert_int_equal(find(ways, "a-name-longer-than-any", "::1", &way),
			 -ENODEV);
	ways_destroy(ways);
	ways_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unchanged_way_is_asked_for_once),
		cmocka_unit_test(a_line_that_goes_and_comes_is_seen_at_once),
		cmocka_unit_test(more_ways_than_places),
		cmocka_unit_test(ways_that_are_none),
	};

	own_net_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
