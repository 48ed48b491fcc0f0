/* Which row a probe's sample became, while there are many of them. */
#include "edgeprobe/clock.h"
#include "items.h"
#include "remembered.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PER_SECOND 1000
#define LANE       ((uint64_t)1 << MEASURING_LANE_SHIFT)

static struct item item = {
	.plan = { .interval_ns = EP_NS_PER_S, .count = PER_SECOND },
};
static const struct items items = { &item, 1 };

/* With this timeout, so many of the last ones at least. */
static void remember(uint64_t timeout_ns, uint64_t least)
{
	uint64_t n = 4 * least, found = 0;
	struct remembered r;
	uint32_t series = 0;

	item.target.timeout_ns = timeout_ns;
	remembered_init(&r, &items);
	for (uint64_t id = 1; id <= n; id++)
		remembered_put(&r, id, 1000 + id, (uint32_t)id % 7 + 1);
	for (uint64_t id = 1; id <= n; id++) {
		uint64_t seq = remembered_seq(&r, id, 1000 + n, &series);

		if (seq == 0)
			continue;
		assert_int_equal(seq, 1000 + id);
		assert_int_equal(series, id % 7 + 1);
		found++;
	}
	assert_true(found >= least && found < n);
	for (uint64_t id = n; id > n - least; id--)
		assert_true(remembered_seq(&r, id, 1000 + n, &series) != 0);
	assert_true(remembered_seq(&r, n, 1000 + n, &series) != 0);
	assert_int_equal(remembered_seq(&r, n + 1, 1000 + n, &series), 0);
	remembered_finish(&r);
}

static void what_may_still_be_told_of_is_found(void **state)
{
	(void)state;
	remember(0, PER_SECOND * 10);
	remember(3 * EP_NS_PER_S, PER_SECOND * 10);
	remember(30 * EP_NS_PER_S, PER_SECOND * 60);
}

static void each_address_of_a_name_is_a_sample(void **state)
{
	(void)state;
	item.each_address = true;
	remember(3 * EP_NS_PER_S, PER_SECOND * 10 * EP_NTH_MAX);
	item.each_address = false;
}

static void lanes_count_each_for_itself(void **state)
{
	struct remembered r;
	uint32_t series = 0;

	(void)state;
	remembered_init(&r, &items);
	remembered_put(&r, 5, 10, 1);
	remembered_put(&r, 5 | 2 * LANE, 11, 2);
	assert_int_equal(remembered_seq(&r, 5, 11, &series), 10);
	assert_int_equal(series, 1);
	assert_int_equal(remembered_seq(&r, 5 | 2 * LANE, 11, &series), 11);
	assert_int_equal(series, 2);
	assert_int_equal(remembered_seq(&r, 5 | LANE, 11, &series), 0);
	assert_int_equal(remembered_seq(&r, 4, 11, &series), 0);
	remembered_finish(&r);
}

/* A store of years has more rows than half a number can count. */
static void numbers_are_whole_again(void **state)
{
	static const uint64_t edges[] = { UINT64_C(1) << 32, UINT64_C(7)
								     << 32 };
	struct remembered r;
	uint32_t series = 0;

	(void)state;
	remembered_init(&r, &items);
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		for (uint64_t seq = edges[i] - 3; seq <= edges[i] + 3; seq++) {
			remembered_put(&r, seq, seq, 1);
			assert_int_equal(
				remembered_seq(&r, seq, edges[i] + 9, &series),
				seq);
		}
	remembered_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_still_be_told_of_is_found),
		cmocka_unit_test(each_address_of_a_name_is_a_sample),
		cmocka_unit_test(lanes_count_each_for_itself),
		cmocka_unit_test(numbers_are_whole_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
