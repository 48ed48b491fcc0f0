/* The report from a real store, against what was put into it. */
#include "lib/store_kit.h"
#include "report/report.h"
#include "store/store.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS    1000000
#define T0_NS (UINT64_C(1790000000) * 1000000000)

struct world {
	struct kit *kit;
	char path[128];
	struct store *store;
	uint32_t exchange_tcp, exchange_https, gateway_icmp;
};

static uint32_t series(struct world *w, const char *target, const char *probe,
		       const char *circuit)
{
	struct series s = { .target = target,
			    .probe = probe,
			    .host = "host.example",
			    .site = "Amsterdam, \"west\"",
			    .circuit = circuit };
	uint32_t id;

	assert_int_equal(store_series(w->store, &s, &id, NULL), 0);
	return id;
}

static void add(struct world *w, uint32_t id, unsigned second,
		enum ep_outcome outcome, int64_t rtt_ns)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = T0_NS + second * UINT64_C(1000000000);
	s.outcome = (uint8_t)outcome;
	s.rtt_ns = rtt_ns;
	if (outcome == EP_LOST)
		s.reason = EP_REASON_TIMEOUT;
	if (outcome == EP_FAILED)
		s.reason = EP_REASON_DNS_TIMEOUT;
	store_add_sample(w->store, id, &s);
}

static void add_https(struct world *w, unsigned second, const char *pop)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = T0_NS + second * UINT64_C(1000000000);
	s.rtt_ns = 5 * MS;
	s.dns_ns = 2 * MS;
	s.https.connect_ns = 5 * MS;
	s.https.tls_ns = 11 * MS;
	s.https.first_byte_ns = 6 * MS;
	s.https.total_ns = 24 * MS;
	s.https.http_status = 200;
	snprintf(s.https.pop, sizeof(s.https.pop), "%s", pop);
	store_add_sample(w->store, w->exchange_https, &s);
}

static void add_missed(struct world *w, unsigned second, uint32_t missed)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = T0_NS + second * UINT64_C(1000000000);
	s.outcome = EP_FAILED;
	s.reason = EP_REASON_MISSED;
	s.missed = missed;
	store_add_sample(w->store, w->gateway_icmp, &s);
}

static void add_kept(struct world *w, unsigned second)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = T0_NS + second * UINT64_C(1000000000);
	s.flags = EP_FLAG_KEPT;
	s.https.first_byte_ns = 3 * MS;
	s.https.total_ns = 4 * MS;
	s.https.srtt_ns = 2 * MS;
	s.https.min_rtt_ns = 1 * MS;
	s.https.http_status = 200;
	store_add_sample(w->store, w->exchange_https, &s);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *kit = NULL;

	assert_int_equal(kit_setup(&kit), 0);
	w->kit = kit;
	kit_open(w->kit, 0);
	w->store = w->kit->store;
	snprintf(w->path, sizeof(w->path), "%s", w->kit->path);
	w->exchange_tcp = series(w, "exchange", "tcp", "fibre");
	w->exchange_https = series(w, "exchange", "https", "fibre");
	w->gateway_icmp = series(w, "gateway", "icmp", NULL);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *kit = w->kit;

	assert_int_equal(kit_teardown(&kit), 0);
	free(w);
	return 0;
}

/* 10, 14, lost, 20, 26, failed: jitter (4 + 6) / 2, loss 1 of 5. */
static void fill(struct world *w)
{
	add(w, w->exchange_tcp, 1, EP_REPLIED, 10 * MS);
	add(w, w->exchange_tcp, 2, EP_REPLIED, 14 * MS);
	add(w, w->exchange_tcp, 3, EP_LOST, EP_ABSENT);
	add(w, w->exchange_tcp, 4, EP_REPLIED, 20 * MS);
	add(w, w->exchange_tcp, 5, EP_REFUSED, 26 * MS);
	add(w, w->exchange_tcp, 6, EP_FAILED, EP_ABSENT);
	add_https(w, 7, "AMS");
	add_https(w, 8, "AMS");
	add_https(w, 9, "DUB");
	add(w, w->gateway_icmp, 10, EP_REPLIED, 250000);
	add_missed(w, 11, 30);
	assert_int_equal(store_commit(w->store, NULL), 0);
}

static char *report(struct world *w, struct report_options *o, int want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *store = w->path;
	struct ep_err err = { 0 };

	o->stores = &store;
	o->n_stores = 1;
	assert_int_equal(report_write(o, out, &err), want);
	fclose(out);
	if (want < 0)
		assert_true(strlen(err.text) > 10);
	return text;
}

static void has(const char *text, const char *part)
{
	const char *whole = text == NULL ? "" : text;

	if (strstr(whole, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, whole);
}

static void csv_has_the_figures(void **state)
{
	struct report_options o = { .format = REPORT_CSV };
	struct world *w = *state;
	char *text;

	fill(w);
	text = report(w, &o, 0);
	has(text, "target,probe,sent,answered,replied,refused,unreachable,"
		  "lost,failed,missed,late,loss_percent,rtt_min_us,");
	has(text, "exchange,tcp,6,4,3,1,0,1,1,0,0,20,10000,");
	has(text, ",26000,17500,5000,"); /* max, mean, jitter */
	has(text, "timeout:1 dns_timeout:1\n");
	has(text, "AMS:2 DUB:1,\n");
	has(text, "gateway,icmp,1,1,1,0,0,0,0,30,0,0,250,250,250,250,250,250,");
	free(text);
}

static void json_is_one_document(void **state)
{
	struct report_options o = { .format = REPORT_JSON };
	struct world *w = *state;
	char *text;

	fill(w);
	text = report(w, &o, 0);
	has(text, "\"by\":[\"target\",\"probe\"]");
	has(text, "\"samples\":11");
	has(text, "{\"target\":\"exchange\",\"probe\":\"https\",\"sent\":3,");
	has(text, "\"pops\":{\"AMS\":2,\"DUB\":1}");
	has(text, "\"tls_p50_us\":11000");
	has(text, "\"reasons\":{\"timeout\":1,\"dns_timeout\":1}");
	free(text);
}

static void text_says_what_went_wrong(void **state)
{
	struct report_options o = { .format = REPORT_TEXT };
	struct world *w = *state;
	char *text;

	fill(w);
	text = report(w, &o, 0);
	has(text, "20.0%");
	has(text, "AMS 67%, DUB 33%");
	has(text, "no name server answered in time");
	has(text, "30  missed");
	assert_null(strchr(text, '\033')); /* no colour unless asked for */
	for (char *line = text, *end; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end - line > 100 || (end > line && end[-1] == ' '))
			fail_msg("long, or blank at its end: %.*s",
				 (int)(end - line), line);
	}
	free(text);
	o.colour = true;
	text = report(w, &o, 0);
	assert_non_null(strchr(text, '\033'));
	free(text);
}

static void keys_group(void **state)
{
	struct report_options o = { .format = REPORT_CSV };
	struct world *w = *state;
	char *text;

	fill(w);
	assert_int_equal(report_parse_by("site,circuit", &o, NULL), 0);
	text = report(w, &o, 0);
	has(text, "\"Amsterdam, \"\"west\"\"\",fibre,9,");
	has(text, "\"Amsterdam, \"\"west\"\"\",,1,");
	free(text);
	assert_int_equal(report_parse_by("pop,target", &o, NULL), 0);
	text = report(w, &o, 0);
	has(text, "AMS,exchange,2,");
	has(text, "DUB,exchange,1,");
	has(text, ",exchange,6,");
	free(text);
}

/* Between two fresh ones: it breaks no chain of jitter, and is in no figure. */
static void kept_connections_are_apart(void **state)
{
	struct report_options o = { .format = REPORT_JSON };
	struct world *w = *state;
	char *text;

	add_https(w, 1, "AMS");
	add_kept(w, 2);
	add_https(w, 3, "AMS");
	add_kept(w, 4);
	assert_int_equal(store_commit(w->store, NULL), 0);
	text = report(w, &o, 0);
	has(text, "{\"target\":\"exchange\",\"probe\":\"https\",\"sent\":2,");
	has(text, "\"jitter_us\":0,\"dns_p50_us\":2000,");
	has(text, "\"first_byte_p50_us\":6000,\"first_byte_p90_us\":6000,"
		  "\"total_p50_us\":24000,\"total_p90_us\":24000,"
		  "\"reasons\"");
	has(text, "{\"target\":\"exchange\",\"probe\":\"https kept\","
		  "\"sent\":2,\"answered\":2,");
	has(text, "\"loss_percent\":0,\"first_byte_p50_us\":3000,"
		  "\"first_byte_p90_us\":3000,\"total_p50_us\":4000,"
		  "\"total_p90_us\":4000,\"srtt_p50_us\":2000,");
	free(text);
	o.format = REPORT_TEXT;
	text = report(w, &o, 0);
	has(text, "https kept");
	free(text);
	o.format = REPORT_JSON;
	assert_int_equal(report_parse_by("target", &o, NULL), 0);
	text = report(w, &o, 0);
	has(text, "{\"target\":\"exchange\",\"sent\":4,\"answered\":4,");
	has(text, "\"first_byte_p50_us\":6000,");
	free(text);
}

static void add_loaded(struct world *w, unsigned second, int64_t rtt_ns)
{
	struct ep_sample s;

	ep_sample_init(&s);
	s.sent_ns = T0_NS + second * UINT64_C(1000000000);
	s.flags = EP_FLAG_LOADED;
	s.rtt_ns = rtt_ns;
	store_add_sample(w->store, w->exchange_tcp, &s);
}

/* It was sent and answered; its time is that of a full line. */
static void a_full_line_is_apart(void **state)
{
	struct report_options o = { .format = REPORT_JSON };
	struct world *w = *state;
	char *text;

	add(w, w->exchange_tcp, 1, EP_REPLIED, 10 * MS);
	add_loaded(w, 2, 90 * MS);
	add(w, w->exchange_tcp, 3, EP_REPLIED, 10 * MS);
	add(w, w->exchange_tcp, 4, EP_REPLIED, 11 * MS);
	assert_int_equal(store_commit(w->store, NULL), 0);
	text = report(w, &o, 0);
	has(text, "\"sent\":4,\"answered\":4,");
	has(text, "\"rtt_max_us\":11000,");
	has(text, "\"jitter_us\":1000,");
	has(text, "\"loaded_p50_us\":90000,");
	free(text);
}

static void bad_keys_are_refused(void **state)
{
	static const char *const bad[] = {
		"",       "colour",      "target,", ",target", "target,target",
		"Target", "target probe"
	};
	struct report_options o = { .n_by = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ep_err err = { 0 };

		assert_int_equal(report_parse_by(bad[i], &o, &err), -EINVAL);
		has(err.text, "site, circuit, provider");
		assert_int_equal(o.n_by, 7);
	}
}

static void a_window_cuts(void **state)
{
	struct report_options o = { .format = REPORT_CSV };
	struct world *w = *state;
	char *text;

	fill(w);
	o.since_ns = T0_NS + 2 * UINT64_C(1000000000);
	o.until_ns = T0_NS + 5 * UINT64_C(1000000000);
	text = report(w, &o, 0);
	has(text, "exchange,tcp,3,2,2,0,0,1,");
	assert_null(strstr(text, "gateway"));
	free(text);
}

static void nothing_is_said_so(void **state)
{
	struct report_options o = { .format = REPORT_TEXT };
	struct world *w = *state;
	char *text = report(w, &o, -ENODATA);

	assert_string_equal(text, "");
	free(text);
	fill(w);
	o.until_ns = T0_NS;
	text = report(w, &o, -ENODATA);
	free(text);
	snprintf(w->path, sizeof(w->path), "%s/none.db", w->kit->dir);
	text = report(w, &o, -ENOENT);
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(csv_has_the_figures),        TEST(json_is_one_document),
		TEST(text_says_what_went_wrong),  TEST(keys_group),
		TEST(kept_connections_are_apart), TEST(a_full_line_is_apart),
		TEST(bad_keys_are_refused),       TEST(a_window_cuts),
		TEST(nothing_is_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
