/* Which row a probe's sample became, while there are many of them. */
#include "remembered.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PER_SECOND 100
#define LANE       ((uint64_t)1 << MEASURING_LANE_SHIFT)

static void the_last_half_minute_is_found_and_no_more(void **state)
{
	uint64_t n = PER_SECOND * REMEMBERED_SECONDS * 3, found = 0;
	struct remembered r;
	uint32_t series = 0;

	(void)state;
	remembered_init(&r, PER_SECOND);
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
	assert_true(found >= PER_SECOND * REMEMBERED_SECONDS && found < n);
	assert_true(remembered_seq(&r, n, 1000 + n, &series) != 0);
	assert_int_equal(remembered_seq(&r, n + 1, 1000 + n, &series), 0);
	remembered_finish(&r);
}

static void lanes_count_each_for_itself(void **state)
{
	struct remembered r;
	uint32_t series = 0;

	(void)state;
	remembered_init(&r, 1);
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
	remembered_init(&r, 1);
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
		cmocka_unit_test(the_last_half_minute_is_found_and_no_more),
		cmocka_unit_test(lanes_count_each_for_itself),
		cmocka_unit_test(numbers_are_whole_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
