/* What agents say beside samples, as a report has it: facts of sites and
 * circuits, events, and the forms that show them. */
#include "base/json.h"
#include "lib/report_desk.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMED "\"part\":\"site\",\"site\":\"Berlin\""
#define EVENT(event, state, more)                                              \
	"\"event\":\"" event "\",\"level\":\"warning\",\"state\":\"" state     \
	"\",\"target\":\"exchange\",\"probe\":\"tcp\",\"circuit\":"            \
	"\"fibre\"" more

/* --- facts --- */

static void the_newest_facts_count(void **state)
{
	struct desk *w = *state;
	const struct model_circuit *c;
	struct lines lines;

	desk_begin(w, "a.db", "a");
	desk_note(w, ROW_SELF, T0 - 26 * HOUR,
		  NAMED ",\"metro\":\"too long ago\"");
	desk_note(w, ROW_SELF, T0 - 20 * HOUR,
		  NAMED ",\"metro\":\"Berlin\",\"latitude\":52.5,"
			"\"longitude\":13.4,\"expected_pops\":\"BER,FRA\"");
	desk_note(w, ROW_SELF, T0 - 20 * HOUR,
		  "\"part\":\"circuit\",\"circuit\":\"fibre\",\"provider\":"
		  "\"old\","
		  "\"connection\":\"old\",\"egress_address\":\"203.0.113.7\","
		  "\"egress_place\":\"Berlin\",\"egress_km\":3,"
		  "\"egress_asn\":64500,\"egress_provider\":\"EXAMPLE-NET\"");
	desk_note(w, ROW_SELF, T0 + S,
		  "\"part\":\"circuit\",\"circuit\":\"fibre\",\"provider\":"
		  "\"DTAG\","
		  "\"connection\":\"peering "
		  "1\",\"primary_location\":\"Frankfurt\"");
	desk_note(w, ROW_SELF, T0 + S, "\"part\":\"keeping\",\"period_us\":1");
	desk_note(w, ROW_SELF, T0 + S, "\"part\":\"site\" this is no JSON");
	desk_add(w, desk_series(w), T0 + 2 * S, 10 * MS);
	desk_add(w, desk_series_at(w, "Berlin", "lte", "exchange"), T0,
		 40 * MS);
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + HOUR;
	desk_read(w);
	desk_near(w->model.sites[0].latitude, 52.5, 1e-9);
	desk_near(w->model.sites[0].longitude, 13.4, 1e-9);
	assert_string_equal(w->model.sites[0].metro, "Berlin");
	assert_string_equal(w->model.sites[0].country, "de");
	assert_string_equal(w->model.sites[0].expected_pops, "BER,FRA");
	c = &w->model.circuits[0];
	assert_string_equal(c->provider, "DTAG");
	assert_string_equal(c->connection, "peering 1");
	assert_string_equal(c->primary_location, "Frankfurt");
	assert_string_equal(c->observed_provider, "AS64500 EXAMPLE-NET");
	assert_string_equal(c->egress_address, "203.0.113.7"); /* not yet known
								* anew */
	desk_near(c->egress_km, 3, 1e-9);
	assert_true(isnan(c->resolver_km));
	lines = desk_lines(w, "connection", false);
	assert_int_equal(lines.n, 2);
	assert_string_equal(lines.at[0].keys[0], "");
	assert_string_equal(lines.at[1].keys[0], "peering 1");
}

static void a_site_without_coordinates_has_none(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_end(w);
	desk_read(w);
	assert_true(isnan(w->model.sites[0].latitude));
	assert_true(isnan(w->model.sites[0].longitude));
	assert_string_equal(w->model.sites[0].market, "Europe");
}

/* --- events --- */

static const struct model_event *event_at(struct desk *w, size_t i)
{
	assert_true(i < w->model.n_events);
	return &w->model.events[i];
}

static void an_event_lasts_from_open_to_closed(void **state)
{
	struct desk *w = *state;
	const struct model_event *e;

	desk_begin(w, "a.db", "a");
	desk_note(w, ROW_EVENT, T0 - 2 * HOUR,
		  EVENT("loss_degraded", "open", ",\"loss_percent\":7"));
	desk_note(w, ROW_EVENT, T0 - HOUR, /* over before the window */
		  EVENT("loss_degraded", "closed", ",\"loss_percent\":0"));
	desk_note(w, ROW_EVENT, T0 + 5 * MIN,
		  EVENT("latency_degraded", "open",
			",\"since_us\":1790000060000000,\"rtt_us\":30000,"
			"\"baseline_us\":14200"));
	desk_note(w, ROW_EVENT, T0 + 6 * MIN,
		  EVENT("latency_degraded", "update",
			",\"rtt_us\":41000,\"baseline_us\":14200"));
	desk_note(w, ROW_EVENT, T0 + 9 * MIN,
		  EVENT("latency_degraded", "closed",
			",\"rtt_us\":14000,\"baseline_us\":14200"));
	desk_note(w, ROW_EVENT, T0 + 10 * MIN,
		  EVENT("unreachable", "open", ""));
	desk_add(w, desk_series(w), T0 + MIN, 10 * MS);
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + HOUR;
	desk_read(w);
	assert_int_equal(w->model.n_events, 2);
	e = event_at(w, 0);
	assert_string_equal(e->event, "latency_degraded");
	assert_string_equal(e->text,
			    "exchange by tcp over fibre: 41 ms instead of 14");
	assert_string_equal(e->state, "closed");
	assert_int_equal(e->time_ns, T0 + 5 * MIN);
	assert_int_equal(e->since_ns, T0 + MIN);
	assert_int_equal(e->until_ns, T0 + 9 * MIN);
	assert_int_equal(e->site, 0);
	assert_int_equal(e->circuit, 0);
	assert_string_equal(event_at(w, 1)->event, "unreachable");
	assert_int_equal(event_at(w, 1)->until_ns, 0);
}

static void events_end_with_their_agent(void **state)
{
	struct desk *w = *state;

	desk_begin(w, "a.db", "a");
	desk_note(w, ROW_EVENT, T0, EVENT("unreachable", "open", ""));
	desk_note(
		w, ROW_EVENT, T0,
		"\"event\":\"credential_expiring\",\"level\":\"info\","
		"\"state\":\"expiring\",\"destination\":\"d\",\"days_left\":3");
	desk_note(w, ROW_BOOT, T0 + 5 * MIN,
		  "\"version\":\"9.9\",\"reason\":\"start\"");
	desk_add(w, desk_series(w), T0 + MIN, 10 * MS);
	desk_end(w);
	desk_begin(w, "b.db", "b"); /* of another agent: not its business */
	desk_note(w, ROW_EVENT, T0 + MIN, EVENT("unreachable", "closed", ""));
	desk_add(w, desk_series_at(w, "Bonn", NULL, "exchange"), T0 + MIN,
		 10 * MS);
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + HOUR;
	desk_read(w);
	assert_int_equal(w->model.n_events, 3);
	assert_int_equal(event_at(w, 0)->until_ns, T0 + 5 * MIN);
	assert_string_equal(event_at(w, 1)->state, "closed");
	assert_int_equal(event_at(w, 1)->site, 1);
	assert_int_equal(event_at(w, 1)->circuit, MODEL_NONE);
	assert_string_equal(event_at(w, 2)->text,
			    "the agent started, version 9.9");
	assert_int_equal(event_at(w, 2)->circuit, MODEL_NONE);
}

static void events_are_told_in_words(void **state)
{
	static const struct {
		const char *body, *text;
	} told[] = {
		{ EVENT("latency_improved", "changed",
			",\"rtt_us\":9400,\"baseline_us\":41000"),
		  "exchange by tcp over fibre: down to 9.4 ms from 41" },
		{ EVENT("loss_degraded", "open", ",\"loss_percent\":2.34"),
		  "exchange by tcp over fibre: 2.3 % lost" },
		{ EVENT("unreachable", "open", ""),
		  "exchange by tcp over fibre: no answer" },
		{ EVENT("pop_changed", "changed",
			",\"from_pop\":\"AMS\",\"from_city\":\"Amsterdam\","
			"\"from_km\":12,\"to_pop\":\"XYZ\""),
		  "exchange by tcp over fibre: answered from XYZ instead of "
		  "Amsterdam (AMS, 12 km away)" },
		{ EVENT("pop_changed", "open",
			",\"to_pop\":\"FRA\",\"to_city\":\"Frankfurt\","
			"\"expected\":\"unexpected\""),
		  "exchange by tcp over fibre: answered from Frankfurt (FRA), "
		  "which is unexpected" },
		{ EVENT("interception", "open",
			",\"text\":\"Something is there.\""),
		  "exchange by tcp over fibre: Something is there." },
		{ "\"event\":\"circuit_changed\",\"level\":\"warning\","
		  "\"state\":\"down\",\"circuit\":\"fibre\","
		  "\"reason\":\"no_carrier\"",
		  "circuit fibre is down: no_carrier" },
		{ "\"event\":\"circuit_thinned\",\"level\":\"info\","
		  "\"state\":\"thinned\",\"circuit\":\"fibre\",\"share\":0.4",
		  "circuit fibre: 40 % of the probes are sent, to keep its "
		  "budget of bytes" },
		{ "\"event\":\"addresses_changed\",\"level\":\"info\","
		  "\"state\":\"changed\",\"host\":\"a.example\"",
		  "a.example has other addresses" },
		{ "\"event\":\"some_thing_new\",\"level\":\"info\","
		  "\"state\":\"changed\"",
		  "some thing new" },
	};
	const size_t n = sizeof(told) / sizeof(told[0]);
	struct desk *w = *state;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series(w), T0, 10 * MS);
	for (size_t i = 0; i < n; i++)
		desk_note(w, ROW_EVENT, T0 + i * S, told[i].body);
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + HOUR;
	desk_read(w);
	assert_int_equal(w->model.n_events, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(event_at(w, i)->text, told[i].text);
}

/* --- forms --- */

static const struct json *member(const struct json *array, size_t i)
{
	const struct json *item = json_first(array);

	while (i-- > 0 && item != NULL)
		item = json_next(item);
	assert_non_null(item);
	return item;
}

static void json_has_the_model(void **state)
{
	struct desk *w = *state;
	const struct json *root, *circuit;
	struct json_fault fault;
	struct json_doc *doc;
	char *text;
	double n;

	desk_begin(w, "a.db", "a");
	desk_note(w, ROW_SELF, T0,
		  NAMED ",\"latitude\":52.5,\"longitude\":13.4");
	desk_note(w, ROW_EVENT, T0 + S, EVENT("unreachable", "open", ""));
	for (unsigned i = 0; i < 50; i++)
		desk_add(w, desk_series(w), T0 + i * S, 10 * MS);
	desk_end(w);
	text = desk_written(w, REPORT_JSON, 0);
	assert_int_equal(json_parse(text, strlen(text), false, &doc, &fault),
			 0);
	root = json_root(doc);
	assert_string_equal(json_text(json_get(root, "agents")), "a");
	assert_true(json_number(
		json_get(member(json_get(root, "sites"), 0), "latitude"), &n));
	desk_near(n, 52.5, 1e-9);
	circuit = member(json_get(root, "circuits"), 0);
	assert_string_equal(json_text(json_get(circuit, "circuit")), "fibre");
	assert_true(json_number(json_get(circuit, "rtt_p50_us"), &n));
	desk_near(n, 10000, 10);
	assert_string_equal(
		json_text(
			json_get(member(json_get(root, "events"), 0), "text")),
		"exchange by tcp over fibre: no answer");
	json_destroy(doc);
	free(text);
}

static void text_says_what_happened(void **state)
{
	struct desk *w = *state;
	char *text;

	desk_begin(w, "a.db", "a");
	desk_note(w, ROW_EVENT, T0, EVENT("unreachable", "open", ""));
	desk_add(w, desk_series(w), T0, 10 * MS);
	desk_end(w);
	text = desk_written(w, REPORT_TEXT, 0);
	desk_has(text, "\nWhat happened");
	desk_has(text, "2026-09-21 14:13  still   exchange by tcp over fibre: "
		       "no answer\n");
	desk_has(text, "\nCircuits");
	for (const char *c = text; (c = strchr(c, '\n')) != NULL; c++)
		assert_true(c == text || c[-1] != ' ');
	free(text);
}

/* One trouble of a circuit shows in all that is measured over it. */
static void text_tells_once_what_began_at_once(void **state)
{
	static const char *const targets[] = { "exchange", "teams", "entra" };
	struct desk *w = *state;
	char body[256];
	char *text;

	desk_begin(w, "a.db", "a");
	desk_add(w, desk_series(w), T0, 10 * MS);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(body, sizeof(body),
			 "\"event\":\"unreachable\",\"level\":\"warning\","
			 "\"state\":\"open\",\"target\":\"%s\","
			 "\"probe\":\"tcp\",\"circuit\":\"fibre\"",
			 targets[i]);
		desk_note(w, ROW_EVENT, T0 + i * MIN, body);
	}
	desk_note(w, ROW_EVENT, T0 + HOUR,
		  EVENT("loss_degraded", "open", ",\"loss_percent\":3"));
	desk_end(w);
	w->options.since_ns = T0;
	w->options.until_ns = T0 + 2 * HOUR;
	text = desk_written(w, REPORT_TEXT, 0);
	desk_has(text, "exchange by tcp over fibre: no answer, and 2 more");
	assert_null(strstr(text, "teams by tcp"));
	desk_has(text, "exchange by tcp over fibre: 3.0 % lost\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(the_newest_facts_count),
		DESK_TEST(a_site_without_coordinates_has_none),
		DESK_TEST(an_event_lasts_from_open_to_closed),
		DESK_TEST(events_end_with_their_agent),
		DESK_TEST(events_are_told_in_words),
		DESK_TEST(json_has_the_model),
		DESK_TEST(text_says_what_happened),
		DESK_TEST(text_tells_once_what_began_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
