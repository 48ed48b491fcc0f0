/* Random schedules: their gaps are drawn from a fixed seed, so that what holds
 * of them once holds always. */
#include "edgeprobe/clock.h"
#include "schedule/plan.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS
#define S  EP_NS_PER_S

#define GAPS 50000

static struct plan_item item_of(uint64_t interval_ns, uint64_t seed)
{
	return (struct plan_item){ .kind = PLAN_POISSON,
				   .interval_ns = interval_ns,
				   .count = 1,
				   .seed = seed };
}

static struct plan *begin(const struct plan_item *item, uint64_t now_ns)
{
	struct plan *plan = plan_create();

	assert_non_null(plan);
	assert_int_equal(plan_add(plan, item), 0);
	plan_start(plan, now_ns);
	return plan;
}

/* The due times of one that is never late. */
static void run(const struct plan_item *item, uint64_t now_ns, uint64_t *ret_at,
		unsigned n)
{
	struct plan *plan = begin(item, now_ns);
	struct plan_due due;

	for (unsigned i = 0; i < n; i++) {
		ret_at[i] = plan_next_ns(plan);
		assert_true(plan_take(plan, ret_at[i], &due));
		assert_int_equal(due.missed, 0);
		assert_true(due.due_ns == ret_at[i]);
	}
	plan_destroy(plan);
}

/* In means, sorted. */
static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void gaps_of(const struct plan_item *item, double *ret_gaps, unsigned n)
{
	uint64_t *at = calloc(n, sizeof(*at)), before = 5 * S;

	assert_non_null(at);
	run(item, before, at, n);
	for (unsigned i = 0; i < n; i++) {
		ret_gaps[i] =
			(double)(at[i] - before) / (double)item->interval_ns;
		before = at[i];
	}
	free(at);
}

/* Kolmogorov and Smirnov: the largest distance between what was drawn and the
 * exponential distribution, in units of 1 / sqrt(n). */
static double distance(const double *sorted, unsigned n)
{
	double most = 0;

	for (unsigned i = 0; i < n; i++) {
		double wanted = 1 - exp(-sorted[i]);

		most = fmax(most, fabs(wanted - (double)i / n));
		most = fmax(most, fabs(wanted - (double)(i + 1) / n));
	}
	return most * sqrt(n);
}

static void gaps_are_exponential(void **state)
{
	struct plan_item item = item_of(700 * MS, 42);
	double *gaps = calloc(GAPS, sizeof(*gaps)), sum = 0;

	(void)state;
	assert_non_null(gaps);
	gaps_of(&item, gaps, GAPS);
	for (unsigned i = 0; i < GAPS; i++)
		sum += gaps[i];
	/* five standard deviations of the mean */
	assert_true(fabs(sum / GAPS - 1) < 5 / sqrt(GAPS));
	qsort(gaps, GAPS, sizeof(*gaps), compare);
	assert_true(distance(gaps, GAPS) < 1.63); /* one in a hundred is more */
	assert_true(gaps[0] >= PLAN_GAP_LEAST * 0.999);
	assert_true(gaps[GAPS - 1] <= PLAN_GAP_MOST);
	assert_true(gaps[GAPS - 1] > 8); /* the tail is there */
	free(gaps);
}

/* How a gap is followed says nothing about how long it is. */
static void gaps_do_not_know_each_other(void **state)
{
	struct plan_item item = item_of(700 * MS, 43);
	double *gaps = calloc(GAPS, sizeof(*gaps)), sum = 0;

	(void)state;
	assert_non_null(gaps);
	gaps_of(&item, gaps, GAPS);
	for (unsigned i = 1; i < GAPS; i++)
		sum += (gaps[i] - 1) * (gaps[i - 1] - 1);
	assert_true(fabs(sum / GAPS) < 5 / sqrt(GAPS));
	free(gaps);
}

static void seed_and_start_say_all(void **state)
{
	struct plan_item item = item_of(S, 7), other = item_of(S, 8);
	uint64_t first[100], again[100], later[100], apart[100];
	unsigned same_later = 0, same_apart = 0;

	(void)state;
	run(&item, 1000, first, 100);
	run(&item, 1000, again, 100);
	run(&item, 2000, later, 100);
	run(&other, 1000, apart, 100);
	assert_memory_equal(first, again, sizeof(first));
	for (unsigned i = 0; i < 100; i++) {
		same_later += first[i] - 1000 == later[i] - 2000;
		same_apart += first[i] == apart[i];
	}
	assert_int_equal(same_later, 0);
	assert_int_equal(same_apart, 0);
}

static void a_round_stays_as_it_is_inside(void **state)
{
	struct plan_item item = item_of(S, 9);
	uint64_t at[3000];

	(void)state;
	item.count = 3;
	item.spacing_ns = 100 * MS;
	run(&item, 0, at, 3000);
	for (unsigned i = 0; i < 3000; i += 3) {
		assert_int_equal(at[i + 1] - at[i], 100 * MS);
		assert_int_equal(at[i + 2] - at[i + 1], 100 * MS);
		assert_true(i == 0 || at[i] > at[i - 1]);
	}
	/* the interval is the mean: five deviations of 0.8 s */
	assert_true(fabs((double)(at[2997] - at[0]) / S - 999) <
		    5 * 0.8 * sqrt(999));
}

/* The same gaps as without the stall: one row for all that went by. */
static void a_stall_is_declared(void **state)
{
	struct plan_item item = item_of(S, 11);
	uint64_t at[200], sent = 0, missed = 0;
	struct plan *plan = begin(&item, 0);
	struct plan_due due;
	unsigned before = 0;

	(void)state;
	run(&item, 0, at, 200);
	for (; plan_next_ns(plan) < 20 * S; sent++)
		assert_true(plan_take(plan, plan_next_ns(plan), &due));
	assert_true(plan_take(plan, 80 * S, &due));
	missed = due.missed;
	assert_true(missed > 30 && due.due_ns == at[sent]);
	assert_false(plan_take(plan, 80 * S, &due));
	while (at[before] < 80 * S)
		before++;
	assert_int_equal(sent + missed, before);
	assert_true(plan_next_ns(plan) == at[before]);
	plan_destroy(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_are_exponential),
		cmocka_unit_test(gaps_do_not_know_each_other),
		cmocka_unit_test(seed_and_start_say_all),
		cmocka_unit_test(a_round_stays_as_it_is_inside),
		cmocka_unit_test(a_stall_is_declared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
