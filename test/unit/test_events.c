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
	char bodies[32][1024];
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
		"\"since_us\":1767225605000000,\"from_pop\":\"AMS\","
		"\"from_city\":\"Amsterdam\",\"from_km\":0,\"to_pop\":\"FRA\","
		"\"to_city\":\"Frankfurt\",\"to_km\":364,"
		"\"nearest_pop\":\"AMS\",\"nearest_city\":\"Amsterdam\","
		"\"nearest_km\":0");
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

static void an_edge_location_that_is_not_expected(void **state)
{
	const char *const expected[] = { "AMS", "LON" };
	struct events_options options = { (double)NAN, (double)NAN,
					  watch_defaults };
	const struct series series = { .target = "a", .probe = "https" };
	struct told told = { .n = 0 };
	struct events *e;

	(void)state;
	options.limits.pops = expected;
	options.limits.n_pops = 2;
	e = events_create(&options, on_body, &told);
	assert_non_null(e);
	for (unsigned i = 0; i < 5; i++)
		see(e, 0, &series, i, EP_REPLIED, "FRA");
	for (unsigned i = 5; i < 8; i++)
		see(e, 0, &series, i, EP_REPLIED, "LTS"); /* in London, too */
	assert_int_equal(told.n, 2);
	assert_string_equal(
		told.bodies[0],
		"\"event\":\"pop_changed\",\"level\":\"warning\",\"state\":"
		"\"open\",\"target\":\"a\",\"probe\":\"https\","
		"\"since_us\":1767225600000000,\"duration_us\":2000000,"
		"\"to_pop\":\"FRA\",\"to_city\":\"Frankfurt\","
		"\"expected\":\"unexpected\"");
	assert_string_equal(
		told.bodies[1],
		"\"event\":\"pop_changed\",\"level\":\"info\",\"state\":"
		"\"closed\",\"target\":\"a\",\"probe\":\"https\","
		"\"since_us\":1767225600000000,\"duration_us\":7000000,"
		"\"from_pop\":\"FRA\",\"from_city\":\"Frankfurt\","
		"\"to_pop\":\"LTS\",\"to_city\":\"London\","
		"\"expected\":\"configured\"");
	assert_int_equal(events_open(e), 0);
	events_destroy(e);
}

static void see_tls(struct events *e, const struct series *series,
		    unsigned second, unsigned flags, const char *issuer)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = START + second * EP_NS_PER_S;
	sample.outcome = EP_REPLIED;
	sample.rtt_ns = 900000;
	sample.flags = (uint16_t)flags;
	sample.https.tls_first_byte_ns = 24100000;
	snprintf(sample.https.pop, sizeof(sample.https.pop), "FRA");
	snprintf(sample.https.tls_issuer, sizeof(sample.https.tls_issuer), "%s",
		 issuer);
	events_see(e, 0, series, &sample);
}

static void interception_says_why(void **state)
{
	const struct series series = { .target = "a", .probe = "https" };
	const unsigned all =
		EP_FLAG_TLS_ISSUER | EP_FLAG_NEARBY | EP_FLAG_BELOW_LIGHT;
	struct told told;
	struct events *e = make(&told);

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		see_tls(e, &series, i, all, "A \"Proxy\"");
	for (unsigned i = 9; i < 18; i++)
		see_tls(e, &series, i, 0, "DigiCert Inc");
	assert_int_equal(told.n, 2);
	assert_string_equal(
		told.bodies[0],
		"\"event\":\"interception\",\"level\":\"warning\",\"state\":"
		"\"open\",\"target\":\"a\",\"probe\":\"https\","
		"\"since_us\":1767225600000000,\"duration_us\":2000000,"
		"\"evidence\":\"tls_issuer_unexpected,tcp_answered_nearby,"
		"below_light\",\"tls_issuer\":\"A "
		"\\\"Proxy\\\"\",\"rtt_us\":900,"
		"\"tls_first_byte_us\":24100,\"pop\":\"FRA\",\"text\":"
		"\"The certificate is signed by A \\\"Proxy\\\", which signs "
		"for "
		"no host like this. TCP is answered after 0.9 ms, TLS on the "
		"same connection after 24.1 ms: something nearer answers for "
		"the server. 0.9 ms is less than light needs to Frankfurt, "
		"which is where the answer says that it is from.\"");
	assert_non_null(strstr(told.bodies[1],
			       "\"state\":\"closed\",\"target\":\"a\","));
	assert_non_null(
		strstr(told.bodies[1], "\"tls_issuer\":\"DigiCert Inc\""));
	assert_null(strstr(told.bodies[1], "\"text\""));
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

/* A firewall that lets no UDP through. */
static void silence_of_stun_is_none_unless_it_spoke(void **state)
{
	const struct series media = { .target = "m", .probe = "stun" };
	const struct series other = { .target = "n", .probe = "stun" };
	struct told told;
	struct events *e = make(&told);

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		see(e, 0, &media, i, EP_LOST, "");
	assert_int_equal(told.n, 0);
	see(e, 1, &other, 0, EP_REPLIED, "");
	for (unsigned i = 1; i < 30; i++)
		see(e, 1, &other, i, EP_LOST, "");
	assert_int_equal(told.n, 1);
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
		cmocka_unit_test(an_edge_location_that_is_not_expected),
		cmocka_unit_test(interception_says_why),
		cmocka_unit_test(silence_of_icmp_beside_tcp_is_none),
		cmocka_unit_test(silence_of_stun_is_none_unless_it_spoke),
		cmocka_unit_test(many_series_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
