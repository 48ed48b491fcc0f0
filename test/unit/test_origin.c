/* Where a branch comes from, and whether that is far: of samples made for it. */
#include "edge/place.h"
#include "edgeprobe/clock.h"
#include "origin.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0 UINT64_C(1767225600000000000)

static struct edge_hub hubs[] = {
	{ (char *)"Everything", (char *)"203.0.0.0/8,2001:db8::/32", 52, 5 },
	{ (char *)"Frankfurt hub", (char *)"203.0.113.0/24", 50.11, 8.68 },
	{ (char *)"Ashburn hub", (char *)"203.0.114.0/23,203.0.113.128/25",
	  39.04, -77.49 },
	{ (char *)"Again", (char *)"203.0.113.0/24", 0, 0 },
};
static struct config_circuit lines[] = {
	{ .name = (char *)"dsl", .provider = (char *)"KPN" },
	{ .name = (char *)"lte" },
};

static struct config config(void)
{
	return (struct config){
		.site = { .latitude = 52.37, .longitude = 4.9 },
		.circuits = lines,
		.n_circuits = 2,
		.hubs = hubs,
		.n_hubs = 4,
	};
}

static const char *hub_of(const char *text)
{
	const struct edge_hub *hub;
	struct ep_address address;

	assert_int_equal(ep_address_parse(text, &address), 0);
	hub = edge_hub_find(hubs, 4, &address);
	return hub ? hub->name : "-";
}

static void the_longest_prefix_wins(void **state)
{
	(void)state;
	assert_string_equal(hub_of("203.0.113.7"), "Frankfurt hub");
	assert_string_equal(hub_of("203.0.113.127"), "Frankfurt hub");
	assert_string_equal(hub_of("203.0.113.128"), "Ashburn hub");
	assert_string_equal(hub_of("203.0.115.255"), "Ashburn hub");
	assert_string_equal(hub_of("203.0.116.0"), "Everything");
	assert_string_equal(hub_of("2001:db8::1"), "Everything");
	assert_string_equal(hub_of("2001:db9::1"), "-");
	assert_string_equal(hub_of("204.0.0.1"), "-");
}

struct world {
	struct config config;
	struct facts *facts;
	struct origin *origin;
	char text[8192]; /* of events, then of facts */
};

static void add(struct world *w, const char *body)
{
	size_t len = strlen(w->text);

	snprintf(w->text + len, sizeof(w->text) - len, "%s\n", body);
}

static void on_row(const char *body, void *arg)
{
	add(arg, body);
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->config = config();
	w->facts = facts_create(&w->config, on_row, w);
	w->origin = origin_create(&w->config, w->facts, on_row, w);
	assert_non_null(w->origin);
}

static void end(struct world *w)
{
	origin_destroy(w->origin);
	facts_destroy(w->facts);
}

/* Three answers that say so. */
static void come_from(struct world *w, const char *circuit, const char *address)
{
	struct item item = { .series = { .target = "relay",
					 .probe = "stun",
					 .circuit = circuit } };
	uint32_t id = circuit == NULL ? 0 : strcmp(circuit, "dsl") ? 1 : 2;

	for (unsigned i = 0; i < 3; i++) {
		struct ep_sample sample;

		ep_sample_init(&sample);
		sample.sent_ns = T0;
		assert_int_equal(ep_address_parse(address, &sample.mapped), 0);
		/* texts outlive the samples */
		item.series.circuit = circuit;
		origin_see(w->origin, id, &item, &sample);
	}
}

static void has(const struct world *w, const char *wanted)
{
	if (!strstr(w->text, wanted))
		fail_msg("no %s in %s", wanted, w->text);
}

static void an_egress_beyond_the_ocean_is_far(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	come_from(&w, "dsl", "203.0.113.7");
	assert_string_equal(w.text, "");
	come_from(&w, "dsl", "203.0.114.7");
	has(&w, "\"event\":\"egress_changed\"");
	has(&w, "\"event\":\"egress_far\",\"level\":\"warning\","
		"\"state\":\"open\",\"circuit\":\"dsl\",\"provider\":\"KPN\","
		"\"egress_address\":\"203.0.114.7\","
		"\"place\":\"Ashburn hub\",\"km\":62");
	w.text[0] = '\0';
	come_from(&w, "dsl", "203.0.115.7"); /* as far */
	assert_null(strstr(w.text, "egress_far"));
	come_from(&w, "dsl", "203.0.113.9");
	has(&w, "\"event\":\"egress_far\",\"level\":\"info\","
		"\"state\":\"closed\",\"circuit\":\"dsl\",\"provider\":\"KPN\","
		"\"egress_address\":\"203.0.113.9\","
		"\"place\":\"Frankfurt hub\",\"km\":36");
	end(&w);
}

static void what_is_not_known_is_not_far(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	come_from(&w, NULL, "198.51.100.7");
	assert_string_equal(w.text, "");
	come_from(&w, NULL, "203.0.114.7");
	has(&w, "\"state\":\"open\",\"egress_address\"");
	w.text[0] = '\0';
	come_from(&w, NULL, "198.51.100.7");
	has(&w, "\"state\":\"closed\",\"egress_address\":\"198.51.100.7\"\n");
	end(&w);
}

static void a_site_of_no_place_has_no_distance(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.config.site.latitude = w.config.site.longitude = (double)NAN;
	come_from(&w, "lte", "203.0.114.7");
	assert_string_equal(w.text, "");
	facts_tick(w.facts, EP_NS_PER_S);
	has(&w, "\"circuit\":\"lte\",\"egress_address\":\"203.0.114.7\","
		"\"egress_place\":\"Ashburn hub\"\n");
	end(&w);
}

static void what_is_learnt_is_a_fact(void **state)
{
	struct ep_address address;
	struct world w;

	(void)state;
	begin(&w);
	come_from(&w, "lte", "203.0.113.7");
	assert_int_equal(ep_address_parse("203.0.114.53", &address), 0);
	origin_learn(w.origin, 1, FACTS_RESOLVER, &address);
	has(&w, "\"event\":\"resolver_far\",\"level\":\"warning\","
		"\"state\":\"open\",\"circuit\":\"lte\","
		"\"resolver_address\":\"203.0.114.53\"");
	facts_tick(w.facts, EP_NS_PER_S);
	has(&w, "\"circuit\":\"lte\",\"egress_address\":\"203.0.113.7\","
		"\"egress_place\":\"Frankfurt hub\",\"egress_km\":36");
	has(&w, "\"resolver_place\":\"Ashburn hub\",\"resolver_km\":62");
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(an_egress_beyond_the_ocean_is_far),
		cmocka_unit_test(what_is_not_known_is_not_far),
		cmocka_unit_test(a_site_of_no_place_has_no_distance),
		cmocka_unit_test(what_is_learnt_is_a_fact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
