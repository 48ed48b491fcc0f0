#include "base/arena.h"
#include "lib/report_model.h"
#include "report/judging/runs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S     UINT64_C(1000000000)
#define MIN   (60 * S)
#define BEGIN MODEL_BEGIN_NS

/* Two circuits; the first has two series, to Exchange and to another, the
 * second one. */
struct world {
	struct model model;
	struct runs *runs;
	uint64_t now_ns;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t site, circuit;

	report_model_init(&w->model);
	site = report_model_site(&w->model, "Utrecht", 52.09, 5.12);
	circuit = report_model_circuit(&w->model, site, "fibre");
	report_model_series(&w->model, circuit, "bing", "https",
			    "Microsoft 365");
	report_model_series(&w->model, circuit, "outlook", "https", "Exchange");
	circuit = report_model_circuit(&w->model, site, "lte");
	report_model_series(&w->model, circuit, "bing", "https",
			    "Microsoft 365");
	w->runs = runs_create();
	w->now_ns = BEGIN;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	runs_destroy(w->runs);
	report_model_finish(&w->model);
	free(w);
	return 0;
}

/* "AAB": two answers of AMS, one of LON; ' ' is a pause of two hours. One every
 * 10 s. */
static void answer(struct world *w, uint32_t series, const char *story)
{
	for (; *story != '\0'; story++) {
		const char *pop = *story == 'A'   ? "AMS"
				  : *story == 'B' ? "LON"
						  : "FRA";

		if (*story == ' ') {
			w->now_ns += 120 * MIN;
			continue;
		}
		assert_int_equal(
			runs_see(w->runs, series, w->now_ns, w->now_ns, pop, 1),
			0);
		w->now_ns += 10 * S;
	}
}

/* "AMS 5, LON 3" */
static void expect_runs(struct world *w, uint32_t circuit, const char *wanted)
{
	const struct model_circuit *c = &w->model.circuits[circuit];
	char said[400] = "";
	size_t n = 0;

	assert_int_equal(runs_fill(w->runs, &w->model, NULL, 0), 0);
	for (size_t i = 0; i < c->n_runs; i++) {
		assert_true(c->runs[i].from_ns <= c->runs[i].to_ns);
		n += (size_t)snprintf(&said[n], sizeof(said) - n, "%s%s %llu",
				      i == 0 ? "" : ", ", c->runs[i].pop,
				      (unsigned long long)c->runs[i].n);
	}
	assert_string_equal(said, wanted);
}

static void one_place_is_one_run(void **state)
{
	struct world *w = *state;
	const struct model_circuit *c = &w->model.circuits[0];

	answer(w, 1, "AAAAA");
	expect_runs(w, 0, "AMS 5");
	assert_true(c->runs[0].from_ns == BEGIN);
	assert_true(c->runs[0].to_ns == BEGIN + 40 * S);
	expect_runs(w, 1, "");
}

static void two_from_elsewhere_are_no_run(void **state)
{
	answer(*state, 1, "AAAABBAAABCAAAA");
	expect_runs(*state, 0, "AMS 15");
}

static void three_in_a_row_are_one_from_their_first(void **state)
{
	struct world *w = *state;

	answer(w, 1, "AAAABBBBCCAA");
	expect_runs(w, 0, "AMS 4, LON 8");
	assert_true(w->model.circuits[0].runs[1].from_ns == BEGIN + 40 * S);
	assert_true(w->model.circuits[0].runs[0].to_ns == BEGIN + 30 * S);
}

static void taking_turns_is_no_flapping(void **state)
{
	answer(*state, 1, "AAAABABABABABABABBAABBAA");
	expect_runs(*state, 0, "AMS 24");
}

static void a_stray_beginning_is_part_of_what_follows(void **state)
{
	struct world *w = *state;

	answer(w, 1, "BBAAAA");
	expect_runs(w, 0, "AMS 6");
	assert_true(w->model.circuits[0].runs[0].from_ns == BEGIN);
}

static void two_answers_are_all_there_is(void **state)
{
	answer(*state, 1, "BA");
	expect_runs(*state, 0, "LON 2");
}

static void a_long_pause_ends_a_run(void **state)
{
	answer(*state, 1, "AAAAAA AAAA BBAA");
	expect_runs(*state, 0, "AMS 6, AMS 4, LON 4");
}

static void probing_every_two_hours_is_no_pause(void **state)
{
	answer(*state, 1, "A A A A A B B B B");
	expect_runs(*state, 0, "AMS 5, LON 4");
}

static void other_services_have_front_doors_of_their_own(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 10; i++) {
		answer(w, 0, "BBBBB");
		answer(w, 1, "A");
	}
	answer(w, 2, "CCC");
	expect_runs(w, 0, "AMS 10");
	expect_runs(w, 1, "FRA 3");
}

static void without_exchange_the_most_answers_count(void **state)
{
	struct world *w = *state;

	w->model.series[1].service = "Azure";
	answer(w, 1, "AAAA");
	answer(w, 0, "BBBBB");
	expect_runs(w, 0, "LON 5");
}

static void stores_that_follow_one_another_are_one_story(void **state)
{
	static const uint32_t index_of[] = { 1, MODEL_NONE, 1, 1, 99 };
	struct world *w = *state;
	const struct model_circuit *c = &w->model.circuits[0];

	answer(w, 2, "AAAA");
	answer(w, 1, "BBBB"); /* of nothing in the model */
	answer(w, 0, "AAABBB");
	w->now_ns -= 30 * S; /* two agents at once: the larger one counts */
	answer(w, 3, "CCCCC");
	assert_int_equal(runs_fill(w->runs, &w->model, index_of, 5), 0);
	assert_int_equal(c->n_runs, 2);
	assert_string_equal(c->runs[0].pop, "AMS");
	assert_true(c->runs[0].n == 7);
	assert_string_equal(c->runs[1].pop, "LON");
}

static void many_changes_are_bounded(void **state)
{
	struct world *w = *state;
	const struct model_circuit *c = &w->model.circuits[0];
	static const char *const stories[] = { "AAA", "BBBB", "CCC" };
	uint64_t n = 0;

	for (int i = 0; i < 3000; i++)
		answer(w, 1, stories[i % 3]);
	assert_int_equal(runs_fill(w->runs, &w->model, NULL, 0), 0);
	assert_in_range(c->n_runs, 2, RUNS_MAX);
	for (size_t i = 0; i < c->n_runs; i++) {
		n += c->runs[i].n;
		assert_true(i == 0 ||
			    c->runs[i].from_ns > c->runs[i - 1].to_ns);
	}
	assert_true(n == 10000);
	assert_true(c->runs[0].from_ns == BEGIN);
}

static void many_at_once_and_nothing(void **state)
{
	struct world *w = *state;

	runs_see(w->runs, 1, BEGIN, BEGIN + MIN, "AMS", 100);
	runs_see(w->runs, 1, BEGIN + 2 * MIN, BEGIN + 2 * MIN, "LON", 2);
	runs_see(w->runs, 1, BEGIN + 3 * MIN, BEGIN + 3 * MIN, "", 9);
	runs_see(w->runs, 1, BEGIN + 3 * MIN, BEGIN + 3 * MIN, NULL, 9);
	runs_see(w->runs, 1, BEGIN + 3 * MIN, BEGIN + 3 * MIN, "LON", 0);
	runs_see(w->runs, 1, BEGIN, BEGIN, "LON", 50); /* too late */
	runs_see(w->runs, 1, BEGIN + 4 * MIN, BEGIN + 5 * MIN, "FRA", 50);
	expect_runs(w, 0, "AMS 102, FRA 50");
}

static void nothing_at_all(void **state)
{
	struct model empty = { .arena = arena_create() };
	struct world *w = *state;

	expect_runs(w, 0, "");
	assert_int_equal(runs_fill(w->runs, &empty, NULL, 0), 0);
	arena_destroy(empty.arena);
	runs_destroy(NULL);
}

/* --- locations --- */

static void places_are_found_in_free_texts(void **state)
{
	static const struct {
		const char *pop, *primary, *backup;
		enum model_location location;
	} cases[] = {
		{ "AMS", "", "", MODEL_UNREGISTERED },
		{ "AMS", "Amsterdam", "London", MODEL_PRIMARY },
		{ "AM", "Amsterdam", "London", MODEL_PRIMARY },
		{ "LTS", "Amsterdam", "London", MODEL_BACKUP },
		{ "FRA", "Amsterdam", "London", MODEL_NEITHER },
		{ "FRA", "Amsterdam", "", MODEL_NEITHER },
		{ "AMS", "amsterdam, Netherlands", "", MODEL_PRIMARY },
		{ "AMS", "Equinix AM3, Amsterdam", "", MODEL_PRIMARY },
		{ "AMS", "AMS-IX Amsterdam", "", MODEL_PRIMARY },
		{ "AMS", "AM", "", MODEL_PRIMARY },
		{ "AMS", "ams", "", MODEL_PRIMARY },
		{ "AMS", "AMS, Netherlands", "", MODEL_PRIMARY },
		{ "AMS", "Rotterdam", "", MODEL_UNKNOWN_POP },
		{ "XYZ", "Amsterdam", "", MODEL_UNKNOWN_POP },
		{ "XYZ", "XYZ", "", MODEL_PRIMARY },
		{ "LON", "London, Canada", "", MODEL_UNKNOWN_POP },
		{ "LON", "London, United Kingdom", "", MODEL_PRIMARY },
		{ "FRA", "Frankfurt am Main", "", MODEL_PRIMARY },
		{ "DUS", "D\xc3\xbcsseldorf", "", MODEL_PRIMARY },
		{ "ZRH", "Z\xc3\x9cRICH", "", MODEL_PRIMARY },
		{ "GRU", "S\xc3\xa3o Paulo, Brazil", "", MODEL_PRIMARY },
		{ "SAN", "San Francisco", "", MODEL_UNKNOWN_POP },
		{ "NYC", "Newark", "New York City", MODEL_BACKUP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (runs_location(cases[i].pop, cases[i].primary,
				  cases[i].backup) != cases[i].location)
			fail_msg("%s, %s, %s", cases[i].pop, cases[i].primary,
				 cases[i].backup);
}

static void hostile_texts_are_nowhere(void **state)
{
	static char long_text[5000];
	static const char *const texts[] = {
		",",   ",,,,", " ",        "\xc3", "\xc3\xc3\xc3", "\xff\xfe",
		"(((", "A",    "Amsterda", "%s%n", "--",           "eeee",
	};

	(void)state;
	memset(long_text, 'e', sizeof(long_text) - 1);
	assert_int_equal(runs_location("AMS", long_text, ""),
			 MODEL_UNKNOWN_POP);
	memset(long_text, ' ', sizeof(long_text) - 1);
	assert_int_equal(runs_location("AMS", long_text, long_text),
			 MODEL_UNKNOWN_POP);
	assert_int_equal(runs_location(long_text, "Amsterdam", "London"),
			 MODEL_UNKNOWN_POP);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(runs_location("AMS", texts[i], ""),
				 MODEL_UNKNOWN_POP);
}

static struct model_circuit *located(struct world *w, const char *primary,
				     const char *backup)
{
	struct model_circuit *c = &w->model.circuits[0];

	c->primary_location = primary;
	c->backup_location = backup;
	assert_int_equal(runs_fill(w->runs, &w->model, NULL, 0), 0);
	assert_int_equal(runs_locate(c, w->model.arena), 0);
	return c;
}

static void a_failover_lasts_until_the_primary_answers(void **state)
{
	const struct model_circuit *c;

	answer(*state, 1, "AAAABBBCCCCAAA");
	c = located(*state, "Amsterdam", "London");
	assert_int_equal(c->location, MODEL_PRIMARY);
	assert_true(c->location_since_ns == BEGIN + 110 * S);
	assert_int_equal(c->n_failovers, 1);
	assert_true(c->failovers[0].from_ns == BEGIN + 40 * S);
	assert_true(c->failovers[0].back_ns == BEGIN + 110 * S);
	assert_true(c->failovers[0].last_ns == BEGIN + 100 * S);
	assert_string_equal(c->failovers[0].pop, "FRA");
	assert_int_equal(c->failovers[0].location, MODEL_NEITHER);
}

static void a_failover_is_not_over(void **state)
{
	const struct model_circuit *c;

	answer(*state, 1, "AAABBBAAABBB");
	c = located(*state, "Amsterdam", "London");
	assert_int_equal(c->location, MODEL_BACKUP);
	assert_true(c->location_since_ns == BEGIN + 90 * S);
	assert_int_equal(c->n_failovers, 2);
	assert_true(c->failovers[1].from_ns == BEGIN + 90 * S);
	assert_true(c->failovers[1].back_ns == 0);
	assert_true(c->failovers[1].last_ns == BEGIN + 110 * S);
}

static void what_is_not_registered_does_not_fail_over(void **state)
{
	const struct model_circuit *c;

	answer(*state, 1, "AAABBBAAABBB");
	c = located(*state, "", "");
	assert_int_equal(c->location, MODEL_UNREGISTERED);
	assert_int_equal(c->n_failovers, 0);
	c = located(*state, "Nowhere", "");
	assert_int_equal(c->location, MODEL_UNKNOWN_POP);
	assert_int_equal(c->n_failovers, 0);
	c = located(*state, "", "London");
	assert_int_equal(c->location, MODEL_BACKUP);
	assert_int_equal(c->n_failovers, 0);
}

static void nobody_answered(void **state)
{
	const struct model_circuit *c = located(*state, "Amsterdam", "London");

	assert_int_equal(c->location, MODEL_UNKNOWN_POP);
	assert_true(c->location_since_ns == 0);
	assert_int_equal(c->n_failovers, 0);
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(one_place_is_one_run),
		IN_WORLD(two_from_elsewhere_are_no_run),
		IN_WORLD(three_in_a_row_are_one_from_their_first),
		IN_WORLD(taking_turns_is_no_flapping),
		IN_WORLD(a_stray_beginning_is_part_of_what_follows),
		IN_WORLD(two_answers_are_all_there_is),
		IN_WORLD(a_long_pause_ends_a_run),
		IN_WORLD(probing_every_two_hours_is_no_pause),
		IN_WORLD(other_services_have_front_doors_of_their_own),
		IN_WORLD(without_exchange_the_most_answers_count),
		IN_WORLD(stores_that_follow_one_another_are_one_story),
		IN_WORLD(many_changes_are_bounded),
		IN_WORLD(many_at_once_and_nothing),
		IN_WORLD(nothing_at_all),
		cmocka_unit_test(places_are_found_in_free_texts),
		cmocka_unit_test(hostile_texts_are_nowhere),
		IN_WORLD(a_failover_lasts_until_the_primary_answers),
		IN_WORLD(a_failover_is_not_over),
		IN_WORLD(what_is_not_registered_does_not_fail_over),
		IN_WORLD(nobody_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
