/* Edge locations, distances, and Microsoft's own figures for what is good. */
#include "edge/judge.h"
#include "edge/pop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void codes_lead_to_cities(void **state)
{
	static const char *const pairs[][2] = {
		{ "AMS", "Amsterdam" },   { "AM", "Amsterdam" },
		{ "SAN", "San Antonio" }, { "BL", "Ashburn" },
		{ "CDG", "Paris" },       { "FRA", "Frankfurt" },
		{ "AKL", "Auckland" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct edge_pop *pop = edge_pop_find(pairs[i][0]);

		assert_non_null(pop);
		if (strcmp(pairs[i][0], "BL") != 0)
			assert_string_equal(pop->city, pairs[i][1]);
	}
	assert_string_equal(edge_pop_find("BY1")->code, "BY");
	assert_string_equal(edge_pop_find("BY31")->code, "BY");
	assert_null(edge_pop_find(""));
	assert_null(edge_pop_find("QQQ"));
	assert_null(edge_pop_find("AMSX"));
	assert_null(edge_pop_find("1"));
	assert_null(edge_pop_find("ams"));
}

static void the_table_is_sorted_and_sane(void **state)
{
	size_t n;
	const struct edge_pop *pops = edge_pops(&n);

	(void)state;
	assert_true(n >= 128);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(edge_pop_find(pops[i].code), &pops[i]);
		assert_in_range(strlen(pops[i].code), 2, 3);
		assert_true(strlen(pops[i].city) > 1);
		assert_true(strlen(pops[i].country) > 1);
		assert_true(fabs(pops[i].latitude) <= 66);
		assert_true(fabs(pops[i].longitude) <= 180);
		if (i > 0)
			assert_true(strcmp(pops[i - 1].code, pops[i].code) < 0);
	}
}

/* Against distances that geodesists publish, within 0.6 %: a sphere is not the
 * earth. */
static void distances_are_those_of_the_great_circle(void **state)
{
	struct edge_place ams = { 52.37, 4.90 }, nowhere = { nan(""), nan("") };
	struct edge_place sydney = { -33.87, 151.21 };
	struct edge_place new_york = { 40.71, -74.01 };
	struct edge_place fiji = { -17.7, 178.0 }, samoa = { -13.8, -171.8 };
	double km;

	(void)state;
	km = edge_distance_km(ams, new_york);
	assert_true(fabs(km - 5862) < 5862 * 0.006);
	km = edge_distance_km(ams, sydney);
	assert_true(fabs(km - 16650) < 16650 * 0.006);
	/* across the date line it is not far */
	assert_true(edge_distance_km(fiji, samoa) < 1300);
	assert_true(edge_distance_km(ams, ams) < 0.001);
	assert_true(isnan(edge_distance_km(ams, nowhere)));
}

static void light_in_glass_sets_the_floor(void **state)
{
	(void)state;
	/* 1,000 km: 9.79 ms there and back */
	assert_in_range(edge_floor_ns(1000), 9780000, 9810000);
	assert_int_equal(edge_floor_ns(0), 0);
	assert_int_equal(edge_floor_ns(nan("")), 0);
}

static void the_nearest_is_found(void **state)
{
	struct edge_place utrecht = { 52.09, 5.12 }, nowhere = { nan(""), 0 };
	double km = 0;
	const struct edge_pop *pop = edge_pop_nearest(utrecht, &km);

	(void)state;
	assert_string_equal(pop->city, "Amsterdam");
	assert_true(km > 30 && km < 40);
	assert_null(edge_pop_nearest(nowhere, &km));
}

static void scores_are_those_of_the_table(void **state)
{
	static const double table[][2] = {
		{ 0, 100 },  { 10, 100 }, { 17.5, 90 }, { 25, 80 },
		{ 100, 60 }, { 150, 50 }, { 200, 40 },  { 300, 20 },
		{ 325, 10 }, { 350, 0 },  { 9000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_true(fabs(edge_exchange_score(table[i][0]) -
				 table[i][1]) < 1e-9);
	assert_true(isnan(edge_exchange_score(nan(""))));
	assert_string_equal(edge_score_meaning(80), "meets recommendations");
	assert_string_equal(edge_score_meaning(79.9), "acceptable");
	assert_string_equal(edge_score_meaning(0), "a common complaint");
	assert_string_equal(edge_score_meaning(nan("")), "unknown");
}

static void verdicts_name_their_rule_and_source(void **state)
{
	const struct edge_rule *rule;

	(void)state;
	for (unsigned id = 0; id < EDGE_RULES; id++) {
		for (unsigned v = 0; v < 2; v++) {
			rule = edge_rule((enum edge_rule_id)id,
					 (enum edge_vantage)v);
			assert_true(rule->good < rule->poor);
			assert_non_null(strstr(rule->source, "20"));
			assert_int_equal(edge_rule_find(rule->name), id);
			assert_int_equal(edge_judge(rule, rule->good),
					 EDGE_GOOD);
			assert_int_equal(edge_judge(rule, rule->poor),
					 EDGE_WARNING);
			assert_int_equal(edge_judge(rule, rule->poor * 1.01),
					 EDGE_BAD);
			assert_int_equal(edge_judge(rule, nan("")),
					 EDGE_UNKNOWN);
		}
	}
	assert_int_equal(edge_rule_find("nonsense"), EDGE_RULES);
	assert_true(edge_rule(EDGE_TEAMS_RTT, EDGE_FROM_EDGE)->good == 60);
	assert_true(edge_rule(EDGE_TEAMS_RTT, EDGE_FROM_CLIENT)->good == 100);
	assert_string_equal(edge_verdict_name(EDGE_BAD), "bad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_lead_to_cities),
		cmocka_unit_test(the_table_is_sorted_and_sane),
		cmocka_unit_test(distances_are_those_of_the_great_circle),
		cmocka_unit_test(light_in_glass_sets_the_floor),
		cmocka_unit_test(the_nearest_is_found),
		cmocka_unit_test(scores_are_those_of_the_table),
		cmocka_unit_test(verdicts_name_their_rule_and_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
