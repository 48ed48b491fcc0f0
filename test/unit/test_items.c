/* What a configuration becomes: one item a target, kind, circuit and family. */
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "items.h"
#include "lib/load_config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int all(const struct ep_kind *kind)
{
	(void)kind;
	return 1;
}

static int only_icmp(const struct ep_kind *kind)
{
	return strcmp(kind->name, "icmp") == 0;
}

static const char text[] =
	"{ \"agent\": \"a\", \"site\": { \"name\": \"S\", \"country\": \"NL\" "
	"},"
	"\"circuits\": ["
	" { \"name\": \"fibre\", \"provider\": \"KPN\","
	"   \"source\": \"eth0\", \"dns\": [\"192.0.2.53\"] },"
	" { \"name\": \"lte\", \"source\": \"192.0.2.7\" } ],"
	"\"targets\": ["
	" { \"name\": \"both\", \"host\": \"example.com\", \"family\": "
	"\"both\","
	"   \"interval\": \"2s\", \"count\": 3 },"
	" { \"name\": \"literal\", \"host\": \"2001:db8::1\","
	"   \"family\": \"both\", \"probes\": [\"icmp\"] },"
	" { \"name\": \"lines\", \"host\": \"example.com\","
	"   \"probes\": [\"tcp\"], \"circuits\": [\"fibre\", \"lte\"] } ] }";

static const char no_circuits[] =
	"{ \"targets\": [ { \"name\": \"x\", \"host\": \"example.com\","
	" \"probes\": [\"tcp\"] } ] }";

static void load(const char *what, struct config *config)
{
	const char *const texts[] = { what };
	struct buf problems;
	int r = load_config(texts, 1, config, &problems);

	if (r < 0)
		fail_msg("%s", problems.data);
	buf_finish(&problems);
}

static void every_combination_is_an_item(void **state)
{
	struct config config;
	struct items items;

	(void)state;
	load(text, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	/* Over both circuits: 3 kinds x 2 families; 1; 1. */
	assert_int_equal(items.n, 2 * (6 + 1 + 1));
	assert_int_equal(items.items[0].target.family, 4);
	assert_int_equal(items.items[1].target.family, 6);
	assert_int_equal(items.items[12].target.family, 6);
	for (size_t i = 0; i < items.n; i++)
		assert_string_equal(items.items[i].series.site, "S");
	items_finish(&items);
	assert_int_equal(items_init(&items, &config, only_icmp), 0);
	assert_int_equal(items.n, 2 * (2 + 1));
	items_finish(&items);
	config_finish(&config);
}

static void a_circuit_is_carried_along(void **state)
{
	struct config config;
	struct items items;
	const struct item *fibre, *lte;

	(void)state;
	load(text, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	fibre = &items.items[14];
	lte = &items.items[15];
	assert_string_equal(fibre->series.circuit, "fibre");
	assert_string_equal(fibre->series.provider, "KPN");
	assert_string_equal(fibre->target.source, "eth0");
	assert_string_equal(fibre->dns, "192.0.2.53");
	assert_string_equal(fibre->dns_source, "eth0");
	assert_string_equal(lte->target.source, "192.0.2.7");
	assert_null(lte->dns);
	assert_null(lte->dns_source); /* the host's servers, by any line */
	assert_false(item_same_servers(fibre, lte));
	assert_true(item_same_servers(fibre, &items.items[0]));
	assert_string_equal(items.items[0].series.circuit, "fibre");
	assert_true(fibre->target.flow != lte->target.flow);
	items_finish(&items);
	config_finish(&config);
}

/* Names are asked of a circuit's own servers, or of all others'. */
static void who_asks_for_a_name(void **state)
{
	static const struct item others;
	struct config config;
	struct items items;
	const struct item *fibre;

	(void)state;
	load(text, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	fibre = &items.items[0];
	assert_true(items_ask_for(&items, fibre, "example.com", 4));
	assert_true(items_ask_for(&items, fibre, "example.com", 6));
	assert_true(items_ask_for(&items, fibre, "example.com", 0));
	assert_false(items_ask_for(&items, fibre, "example.co", 4));
	assert_false(items_ask_for(&items, fibre, "example.com.x", 4));
	/* over lte, from an IPv4 address: "lines" asks for no other family */
	assert_true(items_ask_for(&items, &others, "example.com", 4));
	assert_true(items_ask_for(&items, &others, "example.com", 6));
	assert_false(items_ask_for(&items, &others, "example.com", 0));
	items_finish(&items);
	config_finish(&config);
}

static void without_circuits_the_routing_table_decides(void **state)
{
	struct config config;
	struct items items;

	(void)state;
	load(no_circuits, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	assert_int_equal(items.n, 1);
	assert_null(items.items[0].series.circuit);
	assert_null(items.items[0].target.source);
	assert_null(items.items[0].dns);
	items_finish(&items);
	config_finish(&config);
}

static void a_round_fits_its_interval(void **state)
{
	struct config config;
	struct items items;

	(void)state;
	load(text, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	assert_int_equal(items.items[0].plan.count, 3);
	assert_true(items.items[0].plan.spacing_ns == 100 * EP_NS_PER_MS);
	for (size_t i = 0; i < items.n; i++) {
		const struct plan_item *p = &items.items[i].plan;

		assert_true(p->phase_ns < p->interval_ns);
		assert_true(p->count * p->spacing_ns <= p->interval_ns);
	}
	/* 12 items x 3 in 2 s, and 4 at the default interval of 10 s */
	assert_true(items_rate(&items) > 18.39 && items_rate(&items) < 18.41);
	items_finish(&items);
	config_finish(&config);
}

static const char ways[] =
	"{ \"defaults\": { \"kept\": true, \"fresh_flow\": 4 },"
	"\"targets\": ["
	" { \"name\": \"one\", \"host\": \"a.example\","
	"   \"probes\": [\"tcp\", \"https\"] },"
	" { \"name\": \"all\", \"host\": \"b.example\", \"kept\": false,"
	"   \"probes\": [\"icmp\"], \"addresses\": \"all\","
	"   \"dont_fragment\": true } ] }";

static void fresh_flows_and_kept_connections_are_ways(void **state)
{
	struct config config;
	struct items items;
	const struct item *tcp, *kept, *icmp;

	(void)state;
	load(ways, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	assert_int_equal(items.n, 4);
	tcp = &items.items[0];
	kept = &items.items[2];
	icmp = &items.items[3];
	assert_int_equal(tcp->fresh_every, 4);
	assert_false(item_way(tcp, false, 0)->fresh_flow);
	assert_true(item_way(tcp, true, 0)->fresh_flow);
	assert_false(tcp->target.kept);
	assert_false(items.items[1].target.kept);
	assert_true(kept->target.kept);
	assert_int_equal(kept->fresh_every, 0);
	/* A connection stays where it leads to as long as that is there. */
	assert_int_equal(kept->target.pick, EP_PICK_STABLE);
	assert_int_equal(items.items[1].target.pick, EP_PICK_FIRST);
	assert_true(kept->target.flow != items.items[1].target.flow);
	assert_int_equal(item_way(icmp, false, 3)->pick, EP_PICK_NTH);
	assert_int_equal(item_way(icmp, false, 3)->nth, 3);
	assert_int_equal(item_way(icmp, true, 3)->nth, 3);
	assert_true(item_way(icmp, true, 3)->fresh_flow);
	assert_true(item_way(icmp, true, 3)->dont_fragment);
	items_finish(&items);
	config_finish(&config);
}

static void a_random_target_has_a_random_plan(void **state)
{
	struct config config;
	struct items items;

	(void)state;
	load("{ \"targets\": ["
	     " { \"host\": \"a.example\", \"probes\": [\"icmp\", \"tcp\"],"
	     "   \"schedule\": \"poisson\" },"
	     " { \"host\": \"b.example\", \"probes\": [\"icmp\"] } ] }",
	     &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	assert_int_equal(items.items[0].plan.kind, PLAN_POISSON);
	assert_int_equal(items.items[1].plan.kind, PLAN_POISSON);
	assert_true(items.items[0].plan.seed != items.items[1].plan.seed);
	assert_int_equal(items.items[2].plan.kind, PLAN_PERIODIC);
	items_finish(&items);
	config_finish(&config);
}

/* As the packets of a call follow one another. */
static void a_round_is_as_dense_as_configured(void **state)
{
	static const char dense[] =
		"{ \"defaults\": { \"spacing\": \"20ms\" }, \"targets\": ["
		" { \"host\": \"192.0.2.1\", \"probes\": [\"stun\"],"
		"   \"interval\": \"15s\", \"count\": 100 } ] }";
	const struct plan_item *p;
	struct config config;
	struct items items;

	(void)state;
	load(dense, &config);
	assert_int_equal(items_init(&items, &config, all), 0);
	p = &items.items[0].plan;
	assert_int_equal(p->count, 100);
	assert_true(p->spacing_ns == 20 * EP_NS_PER_MS);
	assert_true(p->interval_ns == 15 * EP_NS_PER_S);
	items_finish(&items);
	config_finish(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_an_item),
		cmocka_unit_test(a_circuit_is_carried_along),
		cmocka_unit_test(who_asks_for_a_name),
		cmocka_unit_test(without_circuits_the_routing_table_decides),
		cmocka_unit_test(a_round_fits_its_interval),
		cmocka_unit_test(a_round_is_as_dense_as_configured),
		cmocka_unit_test(fresh_flows_and_kept_connections_are_ways),
		cmocka_unit_test(a_random_target_has_a_random_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
