#include "delivery/retry.h"

#include "edgeprobe/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S            EP_NS_PER_S

static uint64_t wait_ns(unsigned failures, uint64_t random)
{
	return retry_wait_ns(&retry_defaults, failures, RETRY_NO_AFTER, random);
}

/* The largest wait after n failures: floor + base * 2^(n-1), then the cap. */
static void the_wait_doubles_up_to_the_cap(void **state)
{
	static const uint64_t ranges[] = { 2, 4, 8, 16, 32, 64, 128, 256 };

	(void)state;
	for (unsigned i = 0; i < COUNT(ranges); i++) {
		assert_int_equal(wait_ns(i + 1, 0), 1 * S);
		assert_int_equal(wait_ns(i + 1, ranges[i] * S),
				 (1 + ranges[i]) * S);
		assert_int_equal(wait_ns(i + 1, ranges[i] * S + 1), 1 * S);
	}
	assert_int_equal(wait_ns(9, 299 * S), 300 * S);
	assert_int_equal(wait_ns(9, 299 * S + 1), 1 * S);
	assert_int_equal(wait_ns(UINT32_MAX, 299 * S), 300 * S);
	assert_int_equal(wait_ns(0, 2 * S), 3 * S);
}

/* Jitter that is added before the cap vanishes at the cap. */
static void waits_at_the_cap_are_spread(void **state)
{
	uint64_t seed = 1, low = UINT64_MAX, high = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t ns;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		ns = wait_ns(50, seed >> 3);
		assert_in_range(ns, 1 * S, 300 * S);
		low = ns < low ? ns : low;
		high = ns > high ? ns : high;
	}
	assert_true(low < 10 * S && high > 290 * S);
}

static void retry_after_is_kept_and_spread_upwards(void **state)
{
	static const struct {
		uint64_t after, least, most;
	} cases[] = {
		{ 7, 7000, 8400 },          { 0, 1000, 1200 },
		{ 60, 60000, 72000 },       { 3600, 3600000, 4320000 },
		{ 3601, 3600000, 4320000 }, { 1000000000, 3600000, 4320000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t after_ns = cases[i].after * S;
		uint64_t spread = (cases[i].most - cases[i].least) * 1000000;

		assert_int_equal(retry_wait_ns(&retry_defaults, 1, after_ns, 0),
				 cases[i].least * 1000000);
		assert_int_equal(
			retry_wait_ns(&retry_defaults, 30, after_ns, spread),
			cases[i].most * 1000000);
	}
}

static void both_forms_of_the_header(void **state)
{
	static const char now[] = "Wed, 21 Oct 2015 07:28:00 GMT";
	static const struct {
		const char *value, *date;
		uint64_t seconds; /* UINT64_MAX: none */
	} cases[] = {
		{ "7", NULL, 7 },
		{ "0", NULL, 0 },
		{ " 120 \t", NULL, 120 },
		{ "0000000000000000000000000000005", NULL, 5 },
		{ "99999999999999999999999999", NULL, 1000000000 },
		{ "7s", NULL, UINT64_MAX },
		{ "7.5", NULL, UINT64_MAX },
		{ "1 2", NULL, UINT64_MAX },
		{ "-1", now, UINT64_MAX },
		{ "", now, UINT64_MAX },
		{ NULL, now, UINT64_MAX },
		{ "soon", now, UINT64_MAX },
		{ "Wed, 21 Oct 2015 07:30:00 GMT", now, 120 },
		{ "Wed, 21 Oct 2015 07:28:00 GMT", now, 0 },
		{ "Wed, 21 Oct 2015 07:00:00 GMT", now, 0 },
		{ "Wednesday, 21-Oct-15 07:28:30 GMT", now, 30 },
		{ "Wed Oct 21 07:29:00 2015", now, 60 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", now, 1000000000 },
		/* Without the server's clock a date says nothing. */
		{ "Wed, 21 Oct 2015 07:30:00 GMT", NULL, UINT64_MAX },
		{ "Wed, 21 Oct 2015 07:30:00 GMT", "never", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t ns = retry_after_ns(cases[i].value, cases[i].date);

		if (cases[i].seconds == UINT64_MAX)
			assert_true(ns == RETRY_NO_AFTER);
		else
			assert_int_equal(ns, cases[i].seconds * S);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wait_doubles_up_to_the_cap),
		cmocka_unit_test(waits_at_the_cap_are_spread),
		cmocka_unit_test(retry_after_is_kept_and_spread_upwards),
		cmocka_unit_test(both_forms_of_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
