#include "report/lines/stats.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Nearest rank on a sorted copy: what the histogram has to agree with. */
static uint64_t sorted_percentile(const uint64_t *v, size_t n, double p)
{
	size_t rank = (size_t)(p * (double)n);

	if ((double)rank < p * (double)n)
		rank++;
	return v[rank == 0 ? 0 : rank - 1];
}

static void percentiles_agree_with_sorting(void **state)
{
	static const double ps[] = { 0, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t v[20000];
	struct stats s = { 0 };
	uint64_t x = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v[i] = (UINT64_C(1) << (x % 40)) + (x >> 20) % 1000000;
		assert_int_equal(stats_add(&s, v[i]), 0);
	}
	qsort(v, 20000, sizeof(v[0]), compare);
	for (size_t i = 0; i < sizeof(ps) / sizeof(ps[0]); i++) {
		uint64_t want = sorted_percentile(v, 20000, ps[i]);
		uint64_t got = stats_percentile(&s, ps[i]);
		uint64_t diff = got > want ? got - want : want - got;

		assert_true((double)diff <= 0.001 * (double)want + 1);
	}
	assert_true(s.min_ns == v[0] && s.max_ns == v[19999]);
	stats_finish(&s);
}

static void one_value_is_every_percentile(void **state)
{
	struct stats s = { 0 };

	(void)state;
	stats_add(&s, 11842317);
	assert_true(stats_percentile(&s, 0.01) == 11842317);
	assert_true(stats_percentile(&s, 0.5) == 11842317);
	assert_true(stats_percentile(&s, 1) == 11842317);
	assert_true(stats_mean_ns(&s) > 11842316.9);
	stats_finish(&s);
}

static void none_is_zero(void **state)
{
	struct stats s = { 0 };

	(void)state;
	assert_true(stats_percentile(&s, 0.5) == 0);
	assert_true(stats_mean_ns(&s) == 0);
}

static void the_largest_value_fits(void **state)
{
	struct stats s = { 0 };

	(void)state;
	assert_int_equal(stats_add(&s, UINT64_MAX), 0);
	assert_int_equal(stats_add(&s, 0), 0);
	assert_true(stats_percentile(&s, 1) == UINT64_MAX);
	stats_finish(&s);
}

static void merging_is_adding_all(void **state)
{
	struct stats a = { 0 }, b = { 0 }, all = { 0 };

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		stats_add(i % 2 ? &a : &b, i * 17001);
		stats_add(&all, i * 17001);
	}
	assert_int_equal(stats_merge(&a, &b), 0);
	assert_true(a.n == all.n && a.min_ns == all.min_ns &&
		    a.max_ns == all.max_ns);
	for (int p = 0; p <= 100; p++)
		assert_true(stats_percentile(&a, p / 100.0) ==
			    stats_percentile(&all, p / 100.0));
	stats_finish(&a);
	stats_finish(&b);
	stats_finish(&all);
}

static void jitter_skips_over_losses(void **state)
{
	struct jitter j;

	(void)state;
	jitter_init(&j);
	assert_true(jitter_mean_ns(&j) == 0);
	jitter_add(&j, 10);
	jitter_add(&j, 14); /* 4 */
	jitter_add(&j, 12); /* 2 */
	jitter_break(&j);   /* lost */
	jitter_add(&j, 100);
	jitter_add(&j, 103); /* 3 */
	assert_int_equal(j.n, 3);
	assert_true(jitter_mean_ns(&j) == 3.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_agree_with_sorting),
		cmocka_unit_test(one_value_is_every_percentile),
		cmocka_unit_test(none_is_zero),
		cmocka_unit_test(the_largest_value_fits),
		cmocka_unit_test(merging_is_adding_all),
		cmocka_unit_test(jitter_skips_over_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
