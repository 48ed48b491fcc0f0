/* Rows that samples make. */
#include "events/events.h"

#include "edgeprobe/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START (UINT64_C(1767225600) * EP_NS_PER_S)

struct told {
	char bodies[32][512];
	unsigned n;
};

static void on_body(const char *body, void *arg)
{
	struct told *t = arg;

	assert_true(t->n < 32);
	snprintf(t->bodies[t->n++], sizeof(t->bodies[0]), "%s", body);
}

static struct events *make(struct told *told)
{
	struct events_options options = { 52.37, 4.90, watch_defaults };
	struct events *e = events_create(&options, on_body, told);

	assert_non_null(e);
	memset(told, 0, sizeof(*told));
	return e;
}

static void see(struct events *e, uint32_t id, const struct series *series,
		unsigned second, enum ep_outcome outcome, const char *pop)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = START + second * EP_NS_PER_S;
	sample.outcome = (uint8_t)outcome;
	if (outcome == EP_REPLIED)
		sample.rtt_ns = 12000000;
	memcpy(sample.https.pop, pop, strlen(pop) + 1);
	events_see(e, id, series, &sample);
}

static void a_row_says_what_and_where(void **state)
{
	const struct series series = { .target = "exch\"ange",
				       .probe = "https",
				       .circuit = "fibre",
				       .provider = "KPN" };
	struct told told;
	struct events *e = make(&told);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		see(e, 0, &series, i, EP_REPLIED, "AMS");
	for (unsigned i = 5; i < 10; i++)
		see(e, 0, &series, i, EP_REPLIED, "FRA");
	assert_int_equal(told.n, 1);
	assert_string_equal(
		told.bodies[0],
		"\"event\":\"pop_changed\",\"level\":\"info\",\"state\":"
		"\"changed\",\"target\":\"exch\\\"ange\",\"probe\":\"https\","
		"\"circuit\":\"fibre\",\"provider\":\"KPN\","
		"\"since_us\":1767225607000000,\"from_pop\":\"AMS\","
		"\"from_city\":\"Amsterdam\",\"from_km\":0,\"to_pop\":\"FRA\","
		"\"to_city\":\"Frankfurt\",\"to_km\":364");
	for (unsigned i = 0; i < 20; i++)
		see(e, 0, &series, 20 + i, EP_LOST, "");
	assert_int_equal(told.n, 2);
	assert_non_null(strstr(told.bodies[1],
			       "\"event\":\"unreachable\",\"level\":"
			       "\"warning\",\"state\":\"open\""));
	assert_non_null(strstr(
		told.bodies[1],
		"\"since_us\":1767225620000000,\"duration_us\":10000000"));
	assert_int_equal(events_open(e), 1);
	for (unsigned i = 0; i < 3; i++)
		see(e, 0, &series, 60 + i, EP_REPLIED, "FRA");
	assert_int_equal(told.n, 3);
	assert_int_equal(events_open(e), 0);
	events_destroy(e);
}

/* The host answers TCP: that it does not answer ICMP is no outage. */
static void silence_of_icmp_beside_tcp_is_none(void **state)
{
	const struct series icmp = { .target = "a", .probe = "icmp" };
	const struct series tcp = { .target = "a", .probe = "tcp" };
	const struct series other = { .target = "a",
				      .probe = "icmp",
				      .circuit = "lte" };
	struct told told;
	struct events *e = make(&told);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		see(e, 0, &icmp, i, EP_REPLIED, "");
		see(e, 300, &tcp, i, EP_REPLIED, "");
		see(e, 7, &other, i, EP_REPLIED, "");
	}
	for (unsigned i = 5; i < 30; i++) {
		see(e, 0, &icmp, i, EP_LOST, "");
		see(e, 300, &tcp, i, EP_REPLIED, "");
	}
	assert_int_equal(told.n, 0);
	for (unsigned i = 5; i < 30; i++)
		see(e, 7, &other, i, EP_LOST, "");
	assert_int_equal(told.n, 1);
	assert_non_null(strstr(told.bodies[0], "\"circuit\":\"lte\""));
	events_destroy(e);
}

static void many_series_are_kept_apart(void **state)
{
	static char names[3000][8];
	static struct series series[3000];
	struct told told;
	struct events *e = make(&told);

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(names[i], sizeof(names[i]), "t%u", i);
		series[i] = (struct series){ .target = names[i],
					     .probe = i % 2 ? "tcp" : "icmp" };
	}
	for (unsigned second = 0; second < 20; second++)
		for (uint32_t i = 0; i < 3000; i++)
			see(e, i, &series[i], second,
			    i == 1777 ? EP_LOST : EP_REPLIED, "");
	assert_int_equal(told.n, 1);
	assert_non_null(strstr(told.bodies[0], "\"target\":\"t1777\""));
	assert_int_equal(events_open(e), 1);
	events_destroy(e);
	events_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_says_what_and_where),
		cmocka_unit_test(silence_of_icmp_beside_tcp_is_none),
		cmocka_unit_test(many_series_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
