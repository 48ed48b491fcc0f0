/* Steps in noise: made ones, and those of 20 real traces that people labelled. */
#include "events/change.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#ifndef DATA_DIR
#define DATA_DIR "test/data"
#endif

/* Repeatable noise of about a normal kind, mean 0, spread 1. */
static double noise(uint64_t *seed)
{
	double sum = 0;

	for (int i = 0; i < 12; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) +
			1442695040888963407;
		sum += (double)(*seed >> 11) / (double)(UINT64_C(1) << 53);
	}
	return sum - 6;
}

static void a_step_is_found_soon_and_where_it_began(void **state)
{
	struct change c = { 0 };
	struct change_step step;
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_false(change_add(&c, 12 + 0.2 * noise(&seed), &step));
	for (int i = 1;; i++) {
		assert_true(i < 12);
		if (!change_add(&c, 26 + 0.2 * noise(&seed), &step))
			continue;
		assert_int_equal(step.ago, i);
		break;
	}
	assert_true(fabs(step.before_ms - 12) < 0.5);
	assert_true(step.after_ms > 14 && step.after_ms < 27);
	for (int i = 0; i < 100; i++)
		change_add(&c, 26 + 0.2 * noise(&seed), &step);
	assert_true(fabs(change_level_ms(&c) - 26) < 0.5);
}

static void spikes_are_no_change(void **state)
{
	struct change c = { 0 };
	struct change_step step;
	uint64_t seed = 2;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		double ms = 12 + 0.2 * noise(&seed) + (i % 37 == 20 ? 300 : 0);

		assert_false(change_add(&c, ms, &step));
	}
}

static void less_than_anybody_cares_for_is_no_change(void **state)
{
	struct change c = { 0 };
	struct change_step step;
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 2000; i++)
		assert_false(change_add(
			&c, 5 + (i / 100 % 2) * 0.1 + 0.01 * noise(&seed),
			&step));
}

static void figures_that_are_none_do_no_harm(void **state)
{
	static const double odd[] = { 0, 1e-9, 1e12, 0, 5, 1e12, 0 };
	struct change c = { 0 };
	struct change_step step;

	(void)state;
	for (int i = 0; i < 500; i++)
		if (change_add(&c, odd[i % 7], &step))
			assert_true(step.ago >= CHANGE_LEAST);
	assert_true(isfinite(change_level_ms(&c)));
}

/* --- labelled traces --- */

#define WINDOW    2 /* figures that a detection may be off by */
#define TRACE_MAX 16384

struct score {
	unsigned labels, found, right;
};

/* As their authors count: in order, each label and each detection once. */
static void match(const unsigned *labels, unsigned n_labels,
		  const unsigned *found, unsigned n_found, struct score *s)
{
	unsigned j = 0;

	s->labels += n_labels;
	s->found += n_found;
	for (unsigned i = 0; i < n_labels; i++) {
		while (j < n_found && found[j] + WINDOW < labels[i])
			j++;
		if (j < n_found && found[j] <= labels[i] + WINDOW) {
			s->right++;
			j++;
		}
	}
}

struct trace {
	char name[16];
	struct change change;
	unsigned n, n_heard, n_labels, n_found;
	unsigned heard[TRACE_MAX]; /* which of all the figures are */
	unsigned labels[TRACE_MAX], found[TRACE_MAX];
};

static void take(struct trace *t, double ms, int label)
{
	struct change_step step;

	assert_true(t->n < TRACE_MAX);
	if (label)
		t->labels[t->n_labels++] = t->n;
	if (ms >= 0) {
		t->heard[t->n_heard++] = t->n;
		if (change_add(&t->change, ms, &step))
			t->found[t->n_found++] =
				t->heard[t->n_heard - step.ago];
	}
	t->n++;
}

static void end(struct trace *t, struct score *s)
{
	match(t->labels, t->n_labels, t->found, t->n_found, s);
	memset(t, 0, sizeof(*t));
}

/* The best that looks at a whole trace at once (PELT, Poisson cost) has 0.507
 * of both together, 0.383 precision and 0.748 recall. */
static void people_see_the_same_changes(void **state)
{
	struct trace *t = calloc(1, sizeof(*t));
	gzFile in = gzopen(DATA_DIR "/rtt-changes.csv.gz", "rb");
	struct score s = { 0 };
	double precision, recall, both;
	char line[128], *end_of;

	(void)state;
	assert_non_null(t);
	assert_non_null(in);
	while (gzgets(in, line, sizeof(line))) {
		char *comma = strchr(line, ',');
		double ms;

		assert_non_null(comma);
		*comma = '\0';
		if (strcmp(line, t->name) != 0) {
			end(t, &s);
			snprintf(t->name, sizeof(t->name), "%.15s", line);
		}
		ms = strtod(comma + 1, &end_of);
		assert_int_equal(*end_of, ',');
		take(t, ms, end_of[1] == '1');
	}
	end(t, &s);
	gzclose(in);
	free(t);
	precision = (double)s.right / s.found;
	recall = (double)s.right / s.labels;
	both = 2 * precision * recall / (precision + recall);
	printf("# labels %u found %u right %u precision %.3f recall %.3f "
	       "F1 %.3f\n",
	       s.labels, s.found, s.right, precision, recall, both);
	assert_int_equal(s.labels, 481);
	assert_true(both > 0.55);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_is_found_soon_and_where_it_began),
		cmocka_unit_test(spikes_are_no_change),
		cmocka_unit_test(less_than_anybody_cares_for_is_no_change),
		cmocka_unit_test(figures_that_are_none_do_no_harm),
		cmocka_unit_test(people_see_the_same_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
