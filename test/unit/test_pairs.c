#include "base/arena.h"
#include "lib/report_model.h"
#include "report/judging/paired.h"
#include "report/judging/pairs.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS    UINT64_C(1000000)
#define S     UINT64_C(1000000000)
#define BEGIN MODEL_BEGIN_NS

/* Three circuits to one target, and the default route to another. */
struct world {
	struct model model;
	struct pairs *pairs;
	uint64_t chance;
};

static const struct pairs_key keys[] = {
	{ "Utrecht", "exchange", "tcp", "fibre" },
	{ "Utrecht", "exchange", "tcp", "lte" },
	{ "Utrecht", "exchange", "tcp", "dsl" },
	{ "Utrecht", "bing", "tcp", "" },
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	report_model_init(&w->model);
	report_model_site(&w->model, "Utrecht", 52.09, 5.12);
	for (uint32_t i = 0; i < 4; i++) {
		report_model_circuit(&w->model, 0, keys[i].circuit);
		report_model_series(&w->model, i, keys[i].target, "tcp", "");
	}
	w->pairs = pairs_create(PAIRS_BYTES);
	w->chance = 1;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	pairs_destroy(w->pairs);
	report_model_finish(&w->model);
	free(w);
	return 0;
}

static void add(struct world *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(pairs_add(w->pairs, i, &keys[i]), 0);
}

static void see(struct world *w, uint32_t series, uint64_t sent_ns, double ms)
{
	assert_int_equal(
		pairs_see(w->pairs, series, sent_ns, (uint64_t)(ms * 1e6)), 0);
}

static const struct model_pair *fill(struct world *w, size_t n)
{
	assert_int_equal(pairs_fill(w->pairs, &w->model, NULL, 0), 0);
	assert_int_equal(w->model.n_pairs, n);
	return w->model.pairs;
}

/* --- chance --- */

static double uniform(uint64_t *chance)
{
	*chance = *chance * UINT64_C(6364136223846793005) +
		  UINT64_C(1442695040888963407);
	return ((double)(*chance >> 11) + 0.5) / 9007199254740992.0;
}

static double gauss(uint64_t *chance)
{
	double r = sqrt(-2 * log(uniform(chance)));

	return r * cos(6.283185307179586 * uniform(chance));
}

static void expect_near(double value, double wanted, double by)
{
	if (!(fabs(value - wanted) <= by))
		fail_msg("%g is not %g, give or take %g", value, wanted, by);
}

/* --- which samples belong together --- */

/* The circuits' phases differ, the round trip tells the moment: were a sample
 * paired with another's, the difference would vary. */
static void samples_of_one_moment_are_paired(void **state)
{
	struct world *w = *state;
	const struct model_pair *p;

	add(w, 2);
	for (uint64_t i = 0; i < 200; i++) {
		double ms = 20 + (double)(i * i % 17);

		see(w, 0, BEGIN + i * 10 * S, ms);
		see(w, 1, BEGIN + i * 10 * S + 4 * S, ms + 3);
	}
	p = fill(w, 1);
	assert_int_equal(p->a, 1);
	assert_int_equal(p->b, 0);
	assert_true(p->n == 199); /* the first came before any interval */
	expect_near(p->p50.value, 3e6, 8);
	expect_near(p->p50.low, 3e6, 8);
	expect_near(p->p90.high, 3e6, 8);
}

/* What comes 2 s before has a partner until something comes 1 s behind. */
static void the_nearest_is_taken_whatever_came_first(void **state)
{
	struct world *w = *state;
	const struct model_pair *p;

	add(w, 2);
	for (uint64_t i = 1; i <= 100; i++) {
		see(w, 1, BEGIN + i * 10 * S - 2 * S, 500);
		see(w, 0, BEGIN + i * 10 * S, 33);
		see(w, 1, BEGIN + i * 10 * S + S, 13);
	}
	p = fill(w, 1);
	assert_true(p->n == 100);
	expect_near(p->p50.value, 20e6, 8);
	expect_near(p->p90.value, 20e6, 8);
}

static void a_lost_sample_leaves_its_partner_alone(void **state)
{
	struct world *w = *state;

	add(w, 2);
	for (uint64_t i = 0; i < 300; i++) {
		if (i % 3 != 0)
			see(w, 0, BEGIN + i * 10 * S, 20);
		if (i % 5 != 0)
			see(w, 1, BEGIN + i * 10 * S + S, 25);
	}
	assert_true(fill(w, 1)->n == 160);
}

static void what_was_not_at_one_moment_is_not_compared(void **state)
{
	struct world *w = *state;

	add(w, 2);
	for (uint64_t i = 0; i < 200; i++)
		see(w, 0, BEGIN + i * S, 20);
	for (uint64_t i = 0; i < 200; i++)
		see(w, 1, BEGIN + (i + 300) * S, 25);
	fill(w, 0);
}

static void few_pairs_are_no_comparison(void **state)
{
	struct world *w = *state;

	add(w, 2);
	for (uint64_t i = 0; i < PAIRS_MIN; i++) {
		if (i > 0)
			see(w, 0, BEGIN + i * 10 * S, 20);
		see(w, 1, BEGIN + i * 10 * S + S, 25);
	}
	fill(w, 0);
	see(w, 0, BEGIN + 9000 * S, 20);
	see(w, 1, BEGIN + 9000 * S, 25);
	fill(w, 1);
}

static void a_clock_that_is_set_back_does_no_harm(void **state)
{
	struct world *w = *state;

	add(w, 2);
	for (uint64_t pass = 0; pass < 2; pass++)
		for (uint64_t i = 0; i < 100; i++) {
			see(w, 0, BEGIN + i * 10 * S, 20);
			see(w, 1, BEGIN + i * 10 * S + S, 25);
		}
	assert_true(fill(w, 1)->n == 200);
}

/* --- which series belong together --- */

static void three_circuits_are_three_pairs(void **state)
{
	struct world *w = *state;
	const struct model_pair *p;

	add(w, 4);
	for (uint64_t i = 0; i < 100; i++)
		for (uint32_t c = 0; c < 4; c++)
			see(w, c, BEGIN + i * 10 * S + c * S,
			    (const double[]){ 20, 50, 30, 90 }[c]);
	p = fill(w, 3);
	expect_near(p[0].p50.value, 30e6, 8);
	expect_near(p[1].p50.value, 20e6, 8);
	expect_near(p[2].p50.value, 10e6, 8);
	assert_true(p[0].a == 1 && p[0].b == 0);
	assert_true(p[2].a == 2 && p[2].b == 0);
}

static void a_series_has_other_numbers_in_other_stores(void **state)
{
	static const uint32_t index_of[] = { 1, 0, MODEL_NONE, 0, 1 };
	struct world *w = *state;

	assert_int_equal(pairs_add(w->pairs, 0, &keys[1]), 0);
	assert_int_equal(pairs_add(w->pairs, 1, &keys[0]), 0);
	assert_int_equal(pairs_add(w->pairs, 3, &keys[0]), 0);
	assert_int_equal(pairs_add(w->pairs, 4, &keys[1]), 0);
	for (uint64_t i = 0; i < 100; i++) {
		see(w, i < 50 ? 1 : 3, BEGIN + i * 10 * S, 20);
		see(w, i < 50 ? 0 : 4, BEGIN + i * 10 * S + S, 25);
		see(w, 2, BEGIN + i * 10 * S, 1);
		see(w, 4000, BEGIN + i * 10 * S, 1);
	}
	assert_int_equal(pairs_fill(w->pairs, &w->model, index_of, 5), 0);
	assert_int_equal(w->model.n_pairs, 1);
	assert_true(w->model.pairs[0].a == 1 && w->model.pairs[0].b == 0);
	assert_true(w->model.pairs[0].n == 100);
	assert_int_equal(pairs_fill(w->pairs, &w->model, index_of, 1), 0);
	assert_int_equal(w->model.n_pairs, 0);
}

static void a_ninth_circuit_is_left_out(void **state)
{
	static const char *const names[] = { "1", "2", "3", "4", "5",
					     "6", "7", "8", "9" };
	struct world *w = *state;

	for (uint32_t i = 0; i < 9; i++) {
		struct pairs_key key = keys[0];

		key.circuit = names[i];
		assert_int_equal(pairs_add(w->pairs, i, &key), 0);
		assert_int_equal(pairs_add(w->pairs, i, &key), 0);
	}
	see(w, 8, BEGIN, 3);
	see(w, 7, BEGIN, 3);
	fill(w, 0);
}

static void pairs_of_a_source_that_pairs(void **state)
{
	struct world *w = *state;
	const struct model_pair *p;

	add(w, 4);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(
			pairs_take(w->pairs, (const uint32_t[]){ 1, 0 },
				   (const uint64_t[]){ 30 * MS, 20 * MS }, 7),
			0);
		/* Neither a pair nor known: nothing happens. */
		pairs_take(w->pairs, (const uint32_t[]){ 1, 1 },
			   (const uint64_t[]){ 30 * MS, 20 * MS }, 7);
		pairs_take(w->pairs, (const uint32_t[]){ 1, 3 },
			   (const uint64_t[]){ 30 * MS, 20 * MS }, 7);
		pairs_take(w->pairs, (const uint32_t[]){ 1, 77 },
			   (const uint64_t[]){ 30 * MS, 20 * MS }, 7);
	}
	p = fill(w, 1);
	assert_true(p->a == 1 && p->b == 0 && p->n == 700);
	expect_near(p->p50.value, 10e6, 8);
}

static void nothing_at_all(void **state)
{
	struct world *w = *state;

	fill(w, 0);
	add(w, 4);
	fill(w, 0);
	pairs_destroy(NULL);
}

/* --- figures --- */

/* A day at 1 Hz: 28 ms and 14 ms, a tail on the slower line, noise that both
 * share. */
static void the_saving_of_a_day_is_found(void **state)
{
	struct world *w = *state;
	const struct model_pair *p;

	add(w, 2);
	for (uint64_t i = 0; i < 20000; i++) {
		double shared = 0.5 * gauss(&w->chance);
		double tail = uniform(&w->chance) < 0.2 ? 20 : 0;

		see(w, 0, BEGIN + i * S, 14 + shared);
		see(w, 1, BEGIN + i * S + S / 3,
		    28 + tail + shared + 0.2 * gauss(&w->chance));
	}
	p = fill(w, 1);
	assert_true(p->a == 1 && p->b == 0);
	assert_true(p->n == 20000);
	/* the median of 28 with a fifth of its samples 20 above: the 62.5 %
	 * point of the rest */
	expect_near(p->p50.value, 14e6 + 0.319 * 0.539e6, 0.05e6);
	assert_true(p->p50.low > 13.9e6 && p->p50.high < 14.4e6);
	expect_near(p->p90.value, 34e6 - 1.2816 * 0.5e6, 0.15e6);
	assert_true(p->p90.low < 34e6 - 1.2816 * 0.5e6 &&
		    p->p90.high > 34e6 - 1.2816 * 0.5e6);
}

static void the_interval_does_not_depend_on_the_run(void **state)
{
	struct world *w = *state;
	struct model_pair first;

	add(w, 2);
	for (uint64_t i = 0; i < 500; i++) {
		see(w, 0, BEGIN + i * S, 14 + gauss(&w->chance));
		see(w, 1, BEGIN + i * S, 14.1 + gauss(&w->chance));
	}
	first = *fill(w, 1);
	assert_memory_equal(&first, fill(w, 1), sizeof(first));
}

static void little_room_thins_samples_out_evenly(void **state)
{
	struct world *w = *state;
	struct paired p = { .n = 0 };
	size_t budget = 100 * sizeof(struct paired_sample);

	(void)w;
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(
			paired_add(&p, (struct paired_sample){ (float)i, 0 }, 1,
				   &budget),
			0);
	assert_true(p.seen == 100000);
	assert_in_range(p.n, 32, 64);
	for (size_t i = 0; i < p.n; i++) {
		double wanted = 100000.0 * ((double)i + 0.5) / (double)p.n;

		expect_near((double)p.samples[i].a_ns, wanted, 4000);
	}
	paired_finish(&p);
}

struct trial {
	double memory; /* of the noise: its correlation with the one before */
	unsigned n;
	double a_ms, b_ms;
};

/* How many of 60 intervals hold the truth, of both percentiles. */
static void count_hits(const struct trial *t, unsigned ret_hits[2])
{
	static const double shares[] = { 0.5, 0.9 };
	const double truth[] = { t->a_ms, t->a_ms + 1.28155 * t->b_ms };
	double fresh = sqrt(1 - t->memory * t->memory);
	uint64_t chance = 7;

	ret_hits[0] = ret_hits[1] = 0;
	for (unsigned trial = 0; trial < 60; trial++) {
		double a = gauss(&chance), b = gauss(&chance);
		struct paired p = { .n = 0 };
		struct model_interval got[2];
		size_t budget = PAIRS_BYTES;

		for (unsigned i = 0; i < t->n; i++) {
			struct paired_sample s = {
				(float)(1e6 * (20 + t->a_ms + a + a * t->b_ms)),
				(float)(1e6 * (20 + b)),
			};

			paired_add(&p, s, 1, &budget);
			a = t->memory * a + fresh * gauss(&chance);
			b = t->memory * b + fresh * gauss(&chance);
		}
		assert_int_equal(paired_compare(&p, shares, got), 0);
		for (unsigned s = 0; s < 2; s++)
			ret_hits[s] += got[s].low <= truth[s] * 1e6 &&
				       truth[s] * 1e6 <= got[s].high;
		paired_finish(&p);
	}
}

/* 95 % are promised; 60 trials show that with 2.8 % of error. */
static void nineteen_of_twenty_intervals_hold_the_truth(void **state)
{
	static const struct trial trials[] = {
		{ 0, 60, 14, 1 },
		{ 0, 150, 14, 1 },
		{ 0, 150, 0, 0 },
		{ 0.8, 300, 14, 0.5 },
	};
	unsigned hits[2];

	(void)state;
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		count_hits(&trials[i], hits);
		assert_in_range(hits[0], 53, 60);
		assert_in_range(hits[1], 53, 60);
	}
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(samples_of_one_moment_are_paired),
		IN_WORLD(the_nearest_is_taken_whatever_came_first),
		IN_WORLD(a_lost_sample_leaves_its_partner_alone),
		IN_WORLD(what_was_not_at_one_moment_is_not_compared),
		IN_WORLD(few_pairs_are_no_comparison),
		IN_WORLD(a_clock_that_is_set_back_does_no_harm),
		IN_WORLD(three_circuits_are_three_pairs),
		IN_WORLD(a_series_has_other_numbers_in_other_stores),
		IN_WORLD(a_ninth_circuit_is_left_out),
		IN_WORLD(pairs_of_a_source_that_pairs),
		IN_WORLD(nothing_at_all),
		IN_WORLD(the_saving_of_a_day_is_found),
		IN_WORLD(the_interval_does_not_depend_on_the_run),
		IN_WORLD(little_room_thins_samples_out_evenly),
		cmocka_unit_test(nineteen_of_twenty_intervals_hold_the_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
