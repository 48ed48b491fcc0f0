/* What is known of a site and its circuits, told when: on a clock that the test
 * tells. */
#include "edgeprobe/clock.h"
#include "facts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S    EP_NS_PER_S
#define DAY  (86400 * S)
#define ROWS 16

struct rows {
	unsigned n;
	char bodies[ROWS][1024];
};

static void on_row(const char *body, void *arg)
{
	struct rows *rows = arg;

	assert_true(rows->n < ROWS);
	snprintf(rows->bodies[rows->n++], sizeof(rows->bodies[0]), "%s", body);
}

static const char *const pops[] = { "AMS", "FRA" };
static struct config_circuit lines[] = {
	{ .name = (char *)"fibre",
	  .provider = (char *)"KPN",
	  .prefix = (char *)"203.0.113.0/24",
	  .connection = (char *)"corp \"eu\"",
	  .primary_location = (char *)"Amsterdam",
	  .backup_location = (char *)"Frankfurt" },
	{ .name = (char *)"lte" },
};

static struct config some(void)
{
	return (struct config){
		.site = { .name = (char *)"Amsterdam office",
			  .country = (char *)"NL",
			  .metro = (char *)"Amsterdam",
			  .latitude = 52.37,
			  .longitude = -4,
			  .expected_pops = (const char **)pops,
			  .n_expected_pops = 2 },
		.circuits = lines,
		.n_circuits = 2,
	};
}

static struct config none(void)
{
	return (struct config){ .site = { .latitude = (double)NAN,
					  .longitude = (double)NAN } };
}

static struct facts_where at(const char *address, const char *place, double km)
{
	struct facts_where w = { .place = place, .km = km };

	assert_int_equal(ep_address_parse(address, &w.address), 0);
	return w;
}

static void all_is_said_at_the_start(void **state)
{
	struct config config = some();
	struct rows rows = { 0 };
	struct facts *f = facts_create(&config, on_row, &rows);

	(void)state;
	facts_tick(f, 7 * S);
	assert_int_equal(rows.n, 3);
	assert_string_equal(rows.bodies[0],
			    "\"part\":\"site\",\"site\":\"Amsterdam office\","
			    "\"country\":\"NL\",\"metro\":\"Amsterdam\","
			    "\"latitude\":52.37,\"longitude\":-4,"
			    "\"expected_pops\":\"AMS,FRA\"");
	assert_string_equal(rows.bodies[2],
			    "\"part\":\"circuit\",\"circuit\":\"lte\"");
	assert_string_equal(rows.bodies[1],
			    "\"part\":\"circuit\",\"circuit\":\"fibre\","
			    "\"provider\":\"KPN\","
			    "\"prefix\":\"203.0.113.0/24\","
			    "\"connection\":\"corp \\\"eu\\\"\","
			    "\"primary_location\":\"Amsterdam\","
			    "\"backup_location\":\"Frankfurt\"");
	facts_destroy(f);
}

static void again_each_day(void **state)
{
	struct config config = some();
	struct rows rows = { 0 };
	struct facts *f = facts_create(&config, on_row, &rows);

	(void)state;
	facts_tick(f, 7 * S);
	facts_tick(f, DAY);
	assert_int_equal(rows.n, 3);
	facts_tick(f, DAY + 7 * S);
	assert_int_equal(rows.n, 6);
	facts_again(f);
	facts_tick(f, DAY + 8 * S);
	assert_int_equal(rows.n, 9);
	facts_destroy(f);
}

static void where_nothing_is_known_nothing_is_said(void **state)
{
	struct config config = none();
	struct rows rows = { 0 };
	struct facts *f = facts_create(&config, on_row, &rows);
	struct facts_where w = at("198.51.100.7", NULL, (double)NAN);

	(void)state;
	facts_tick(f, 7 * S);
	assert_int_equal(rows.n, 0);
	facts_learn(f, 0, FACTS_EGRESS, &w);
	facts_tick(f, 8 * S);
	facts_tick(f, 67 * S);
	assert_int_equal(rows.n, 1);
	assert_string_equal(rows.bodies[0],
			    "\"part\":\"circuit\","
			    "\"egress_address\":\"198.51.100.7\"");
	facts_destroy(f);
}

/* And what is the same is no news, however often it is learnt. */
static void what_is_learnt_is_said_soon(void **state)
{
	struct config config = some();
	struct rows rows = { 0 };
	struct facts *f = facts_create(&config, on_row, &rows);
	struct facts_where a = at("198.51.100.7", "Frankfurt", 365.4);
	struct facts_where b = at("2001:db8::53", "Dublin", 759.8);

	(void)state;
	facts_tick(f, 7 * S);
	facts_learn(f, 1, FACTS_EGRESS, &a);
	facts_learn(f, 1, FACTS_RESOLVER, &b);
	facts_tick(f, 11 * S);
	assert_int_equal(rows.n, 3);
	facts_tick(f, 12 * S);
	assert_int_equal(rows.n, 4);
	assert_string_equal(rows.bodies[3],
			    "\"part\":\"circuit\",\"circuit\":\"lte\","
			    "\"egress_address\":\"198.51.100.7\","
			    "\"egress_place\":\"Frankfurt\",\"egress_km\":365,"
			    "\"resolver_address\":\"2001:db8::53\","
			    "\"resolver_place\":\"Dublin\","
			    "\"resolver_km\":760");
	facts_learn(f, 1, FACTS_EGRESS, &a);
	facts_tick(f, 500 * S);
	assert_int_equal(rows.n, 4);
	facts_destroy(f);
}

/* Of an address, so that it is forgotten with it; but not with where it is. */
static void whose_network_it_is_is_said_beside_the_provider(void **state)
{
	const struct edge_asn asn = { 4294967295, "EXAMPLE \"E\", NL" };
	const struct edge_asn nameless = { 64500, "" };
	struct config config = some();
	struct rows rows = { 0 };
	struct facts *f = facts_create(&config, on_row, &rows);
	struct facts_where a = at("198.51.100.7", NULL, (double)NAN);
	struct facts_where again = at("198.51.100.7", "hub", (double)NAN);
	struct facts_where b = at("198.51.100.8", NULL, (double)NAN);

	(void)state;
	facts_tick(f, 1 * S);
	assert_null(facts_egress(f, 1));
	facts_learn(f, 1, FACTS_EGRESS, &a);
	assert_true(ep_address_equal(facts_egress(f, 1), &a.address));
	facts_learn(f, 1, FACTS_EGRESS, &again);
	facts_tick(f, 6 * S);
	facts_belongs(f, 1, &asn);
	facts_tick(f, 10 * S);
	assert_int_equal(rows.n, 4);
	facts_tick(f, 11 * S);
	assert_int_equal(rows.n, 5);
	assert_string_equal(rows.bodies[4],
			    "\"part\":\"circuit\",\"circuit\":\"lte\","
			    "\"egress_address\":\"198.51.100.7\","
			    "\"egress_place\":\"hub\","
			    "\"egress_asn\":4294967295,"
			    "\"egress_provider\":\"EXAMPLE \\\"E\\\", NL\"");
	facts_belongs(f, 1, &asn);
	facts_tick(f, 100 * S);
	assert_int_equal(rows.n, 5);
	facts_learn(f, 1, FACTS_EGRESS, &b);
	facts_tick(f, 101 * S);
	assert_int_equal(rows.n, 6);
	assert_null(strstr(rows.bodies[5], "egress_asn"));
	facts_belongs(f, 1, &nameless);
	facts_tick(f, 160 * S);
	assert_int_equal(rows.n, 6);
	facts_tick(f, 161 * S);
	assert_int_equal(rows.n, 7);
	assert_string_equal(rows.bodies[6],
			    "\"part\":\"circuit\",\"circuit\":\"lte\","
			    "\"egress_address\":\"198.51.100.8\","
			    "\"egress_asn\":64500");
	facts_destroy(f);
}

static void one_that_changes_all_the_time_is_said_once_a_minute(void **state)
{
	struct config config = some();
	struct rows rows = { 0 };
	struct facts *f = facts_create(&config, on_row, &rows);
	struct facts_where two[] = { at("198.51.100.7", NULL, (double)NAN),
				     at("198.51.100.8", NULL, (double)NAN) };

	(void)state;
	facts_tick(f, 1 * S);
	for (unsigned s = 1; s <= 300; s++) {
		facts_learn(f, 0, FACTS_EGRESS, &two[s & 1]);
		facts_tick(f, s * S);
	}
	assert_int_equal(rows.n, 3 + 1 + 4);
	facts_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_said_at_the_start),
		cmocka_unit_test(again_each_day),
		cmocka_unit_test(where_nothing_is_known_nothing_is_said),
		cmocka_unit_test(what_is_learnt_is_said_soon),
		cmocka_unit_test(
			whose_network_it_is_is_said_beside_the_provider),
		cmocka_unit_test(
			one_that_changes_all_the_time_is_said_once_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
