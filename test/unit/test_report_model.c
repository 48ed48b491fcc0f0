/* What a report is made of, from real stores, against what was put into them:
 * which stores, windows, cells, order. */
#include "lib/report_desk.h"
#include "report/gather/sketch.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- several stores --- */

static void two_stores_of_a_site_are_one(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "old-box");
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_add(w, desk_series(w), T0 + MIN, 10 * MS);
	desk_end(w);
	desk_begin(w, "b.db", "new-box");
	desk_add(w, desk_series(w), T0 + 2 * MIN, 30 * MS);
	desk_end(w);
	desk_read(w);
	assert_int_equal(w->model.n_sites, 1);
	assert_int_equal(w->model.n_circuits, 1);
	assert_int_equal(w->model.n_series, 1);
	assert_int_equal(w->model.samples, 3);
	assert_int_equal(w->model.series[0].now.rtt.n, 3);
	assert_string_equal(w->model.agents, "2 agents");
	assert_string_equal(w->model.source, "2 stores");
	assert_int_equal(desk_lines(w, "site,circuit,target", false).n, 1);
	/* No jitter from one box to the other. */
	assert_int_equal(w->model.series[0].now.jitter_n, 1);
}

static void branches_without_a_name_are_told_apart(void **state)
{
	struct desk *w = *state;
	struct lines lines;

	desk_begin(w, "a.db", "box-2");
	desk_add(w, desk_series_at(w, NULL, NULL, "exchange"), T0, 10 * MS);
	desk_end(w);
	desk_begin(w, "b.db", "box-10");
	desk_add(w, desk_series_at(w, "", NULL, "exchange"), T0, 30 * MS);
	desk_end(w);
	desk_read(w);
	lines = desk_lines(w, "site", false);
	assert_int_equal(lines.n, 2);
	assert_string_equal(lines.at[0].keys[0], "box-2");
	assert_string_equal(lines.at[1].keys[0], "box-10");
	assert_int_equal(w->model.n_sites, 2);
}

static void one_branch_without_a_name_has_none(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "box");
	desk_add(w, desk_series_at(w, NULL, NULL, "exchange"), T0, 10 * MS);
	desk_end(w);
	desk_read(w);
	assert_string_equal(w->model.sites[0].name, "");
	assert_string_equal(model_site_label(&w->model, 0), "(no site)");
	assert_string_equal(model_circuit_label(&w->model, 0), "default route");
	assert_string_equal(w->model.agents, "box");
}

static void a_directory_is_its_stores(void **state)
{
	struct desk *w = *state;
	char other[160];
	FILE *f;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_end(w);
	desk_begin(w, "b.db", "b");
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_end(w);
	snprintf(other, sizeof(other), "%s/notes.txt", w->kit->dir);
	f = fopen(other, "w");
	assert_non_null(f);
	fclose(f);
	w->stores[0] = w->kit->dir; /* and b.db once more */
	desk_read(w);
	assert_int_equal(w->model.samples, 2);
}

static void a_directory_without_stores_is_an_error(void **state)
{
	struct desk *w = *state;
	char *text;

	desk_name(w, "");
	text = desk_written(w, REPORT_TEXT, -ENODATA);
	desk_has(text, "files that end in .db");
	free(text);
}

static void what_cannot_be_read_is_left_out(void **state)
{
	struct desk *w = *state;
	FILE *f = fopen(desk_name(w, "broken.db"), "w");

	assert_non_null(f);
	for (int i = 0; i < 5000; i++)
		fputs("no database ", f);
	fclose(f);
	desk_name(w, "missing.db");
	desk_begin(w, "b.db", "b");
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_end(w);
	desk_read(w);
	assert_int_equal(w->model.samples, 1);
	assert_string_equal(w->model.source, "1 of 3 stores");
}

static void none_that_can_be_read_is_an_error(void **state)
{
	struct desk *w = *state;
	char *text;

	desk_name(w, "missing-1.db");
	desk_name(w, "missing-2.db");
	text = desk_written(w, REPORT_CSV, -ENOENT);
	desk_has(text, "none of 2 stores can be read");
	desk_has(text, "missing-2.db");
	free(text);
}

static void nothing_is_said_with_what_there_is(void **state)
{
	struct desk *w = *state;
	char *text;

	desk_begin(w, "a.db", "a");
	desk_end(w);
	desk_begin(w, "b.db", "b");
	desk_end(w);
	text = desk_written(w, REPORT_JSON, -ENODATA);
	desk_has(text, "2 stores: no samples yet");
	free(text);
	w->options.n_stores = 0;
	desk_begin(w, "c.db", "c");
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_end(w);
	w->options.since_ns = T0 + HOUR;
	text = desk_written(w, REPORT_TEXT, -ENODATA);
	desk_has(text, "from 2026-09-21 14:13:20 to 2026-09-21 14:13:20 UTC");
	free(text);
}

/* --- windows and cells --- */

static void the_window_before_is_apart(void **state)
{
	struct desk *w = *state;
	char *text;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series(w), T0 - 3 * MIN,
		 90 * MS); /* before that window */
	desk_add(w, desk_series(w), T0 - 2 * MIN, 20 * MS);
	desk_add(w, desk_series(w), T0 - 1, 20 * MS);
	desk_add(w, desk_series(w), T0, 30 * MS);
	desk_add(w, desk_series(w), T0 + MIN, 30 * MS);
	desk_add(w, desk_series(w), T0 + 2 * MIN, 90 * MS); /* after */
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + 2 * MIN;
	w->options.compare = true;
	desk_read(w);
	assert_int_equal(w->model.samples, 2);
	assert_int_equal(w->model.series[0].now.rtt.n, 2);
	assert_int_equal(w->model.series[0].before.rtt.n, 2);
	desk_near(w->model.series[0].before.rtt.p50, 20 * MS, 1);
	assert_int_equal(w->model.sites[0].before.rtt.n, 2);
	assert_int_equal(desk_lines(w, "target", true).n, 1);
	text = desk_written(w, REPORT_CSV, 0);
	desk_has(text, ",pops,reasons,before_p50_us,change_percent\n");
	desk_has(text, ",20000,50\n");
	free(text);
	text = desk_written(w, REPORT_TEXT, 0);
	desk_has(text, "+50%");
	free(text);
	w->options.compare = false;
	text = desk_written(w, REPORT_CSV, 0);
	desk_has(text, ",pops,reasons\n");
	free(text);
}

static void what_was_before_only_is_no_series(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series_at(w, "Berlin", "gone", "exchange"), T0 - MIN,
		 20 * MS);
	desk_add(w, desk_series(w), T0, 20 * MS);
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + 2 * MIN;
	w->options.compare = true;
	desk_read(w);
	assert_int_equal(w->model.n_series, 1);
	assert_int_equal(w->model.n_circuits, 1);
	assert_string_equal(w->model.circuits[0].name, "fibre");
}

static void cells_hold_their_bucket(void **state)
{
	struct desk *w = *state;
	const struct model_cell *cells;

	desk_begin(w, "a.db", "a");
	for (unsigned i = 0; i < 100; i++)
		desk_add(w, desk_series(w), T0 + i * S / 20,
			 (int64_t)(i + 1) * MS);
	desk_add(w, desk_series(w), T0 + 15 * S, -1);
	desk_fail(w, desk_series(w), T0 + 15 * S);
	desk_add(w, desk_series(w), T0 + 15 * S, 8 * MS);
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + 12 * 60 * S;
	desk_read(w);
	assert_int_equal(w->model.bucket_ns, 10 * S);
	assert_int_equal(w->model.n_buckets, 72);
	cells = w->model.series[0].cells;
	assert_int_equal(cells[0].asked, 100);
	assert_int_equal(cells[0].lost + cells[0].failed, 0);
	desk_near((double)cells[0].p5, 5 * MS, 0.01 * 5 * MS);
	desk_near((double)cells[0].p25, 25 * MS, 0.01 * 25 * MS);
	desk_near((double)cells[0].p50, 50 * MS, 0.01 * 50 * MS);
	desk_near((double)cells[0].p95, 95 * MS, 0.01 * 95 * MS);
	assert_int_equal(cells[1].asked, 2);
	assert_int_equal(cells[1].lost, 1);
	assert_int_equal(cells[1].failed, 1);
	desk_near((double)cells[1].p95, 8 * MS, 0.01 * 8 * MS);
	assert_int_equal(cells[2].asked, 0);
	assert_true(cells[2].p50 == 0);
}

/* As the store of a second agent does: its rows begin anew. */
static void a_bucket_is_opened_again(void **state)
{
	struct desk *w = *state;
	const struct model_cell *cells;

	for (unsigned store = 0; store < 2; store++) {
		desk_begin(w, store == 0 ? "a.db" : "b.db", "agent");
		for (unsigned i = 0; i < 500; i++)
			desk_add(w, desk_series(w), T0 + i * S / 10,
				 store == 0 ? 10 * MS : 40 * MS);
		desk_end(w);
	}
	w->options.since_ns = T0;
	w->options.until_ns = T0 + 50 * S;
	desk_read(w);
	cells = w->model.series[0].cells;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(cells[i].asked, 200);
		desk_near((double)cells[i].p25, 10 * MS, 0.01 * 10 * MS);
		desk_near((double)cells[i].p75, 40 * MS, 0.01 * 40 * MS);
	}
}

static void an_open_window_is_what_there_is(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "a");
	for (unsigned i = 0; i < 5000; i++)
		desk_add(w, desk_series(w), T0 + i * S, 10 * MS);
	desk_end(w);
	desk_read(w);
	assert_int_equal(w->model.since_ns, T0);
	assert_int_equal(w->model.until_ns, T0 + 4999 * S + 1);
	assert_int_equal(w->model.bucket_ns, 10 * S);
	assert_int_equal(w->model.series[0].cells[499].asked, 10);
}

static void a_grid_has_bounds(void **state)
{
	static const struct {
		uint64_t length_ns, bucket_ns;
		size_t n_series;
		unsigned n_buckets;
	} grids[] = {
		{ 1, 10 * S, 1, 1 },
		{ HOUR, 10 * S, 1, 360 },
		{ 6 * HOUR, 30 * S, 1, 720 },
		{ 24 * HOUR, 2 * MIN, 100, 720 },
		{ 24 * HOUR + 1, 3 * MIN, 100, 481 },
		{ 30 * 24 * HOUR, HOUR, 1, 720 },
		{ 30 * 24 * HOUR, 8 * HOUR, 1200, 90 },
		{ 1000 * 24 * HOUR, 48 * HOUR, 1, 500 },
		{ HOUR, HOUR, 1000000, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(grids) / sizeof(grids[0]); i++) {
		struct source_grid grid = source_grid(
			T0, T0 + grids[i].length_ns, grids[i].n_series);

		assert_int_equal(grid.bucket_ns, grids[i].bucket_ns);
		assert_int_equal(grid.n_buckets, grids[i].n_buckets);
	}
}

static void a_sketch_is_coarse(void **state)
{
	static const double median = 0.5;
	static struct sketch s;
	float found;

	(void)state;
	for (uint64_t ns = 10000; ns < 200 * HOUR / 3600; ns += ns / 7) {
		sketch_clear(&s);
		sketch_add(&s, ns * 3, 1);
		sketch_add(&s, ns, 2);
		sketch_percentiles(&s, &median, 1, &found);
		desk_near((double)found, (double)ns, 0.008 * (double)ns);
	}
	sketch_clear(&s);
	sketch_percentiles(&s, &median, 1, &found);
	assert_true(found == 0);
	sketch_add(&s, 0, 1);
	sketch_add(&s, UINT64_MAX, 1);
	assert_int_equal(s.n, 2);
}

/* --- order --- */

static void numbers_in_names_count(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series_at(w, "s10", "b", "t"), T0, MS);
	desk_add(w, desk_series_at(w, "s2", "b", "t10"), T0, MS);
	desk_add(w, desk_series_at(w, "s2", "b", "t9"), T0, MS);
	desk_add(w, desk_series_at(w, "s2", "a", "t"), T0, MS);
	desk_end(w);
	desk_read(w);
	assert_string_equal(w->model.sites[0].name, "s2");
	assert_string_equal(w->model.sites[1].name, "s10");
	assert_string_equal(w->model.circuits[0].name, "a");
	assert_int_equal(w->model.circuits[2].site, 1);
	assert_string_equal(w->model.series[1].target, "t9");
	assert_string_equal(w->model.series[2].target, "t10");
	assert_string_equal(w->model.series[0].service, "Exchange");
	assert_int_equal(w->model.series[3].circuit, 2);
	assert_int_equal(w->model.now[MODEL_BY_MARKET].n, 1);
	assert_string_equal(w->model.now[MODEL_BY_MARKET].at[0].keys[0],
			    "Europe");
	assert_int_equal(w->model.now[MODEL_BY_TARGET].n, 3);
	assert_int_equal(w->model.sites[0].headline, MODEL_TCP);
	assert_int_equal(w->model.sites[0].now.rtt.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(two_stores_of_a_site_are_one),
		DESK_TEST(branches_without_a_name_are_told_apart),
		DESK_TEST(one_branch_without_a_name_has_none),
		DESK_TEST(a_directory_is_its_stores),
		DESK_TEST(a_directory_without_stores_is_an_error),
		DESK_TEST(what_cannot_be_read_is_left_out),
		DESK_TEST(none_that_can_be_read_is_an_error),
		DESK_TEST(nothing_is_said_with_what_there_is),
		DESK_TEST(the_window_before_is_apart),
		DESK_TEST(what_was_before_only_is_no_series),
		DESK_TEST(cells_hold_their_bucket),
		DESK_TEST(a_bucket_is_opened_again),
		DESK_TEST(an_open_window_is_what_there_is),
		DESK_TEST(a_grid_has_bounds),
		DESK_TEST(a_sketch_is_coarse),
		DESK_TEST(numbers_in_names_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
