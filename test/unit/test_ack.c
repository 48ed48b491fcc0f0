#include "delivery/ack.h"
#include "lib/seeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct ack_parts parts;

static enum ack_class of_engine(enum ack_engine engine, unsigned status,
				const char *type, const char *body)
{
	struct answer a = {
		.status = status,
		.content_type = type,
		.body = body,
		.body_len = strlen(body),
		.engine = engine,
		.rows = 3,
	};

	return ack_classify(&a, &parts);
}

static enum ack_class of(unsigned status, const char *type, const char *body)
{
	return of_engine(ACK_ANY, status, type, body);
}

static void each_status_has_its_class(void **state)
{
	static const struct {
		unsigned first, last;
		enum ack_class class;
	} cases[] = {
		{ 100, 199, ACK_ENDPOINT }, { 200, 202, ACK_DONE },
		{ 203, 203, ACK_ENDPOINT }, { 204, 204, ACK_DONE },
		{ 205, 399, ACK_ENDPOINT }, { 400, 400, ACK_BAD_DATA },
		{ 401, 407, ACK_ENDPOINT }, { 408, 408, ACK_UNSURE },
		{ 409, 412, ACK_ENDPOINT }, { 413, 413, ACK_TOO_LARGE },
		{ 414, 414, ACK_ENDPOINT }, { 415, 415, ACK_BAD_DATA },
		{ 416, 421, ACK_ENDPOINT }, { 422, 422, ACK_BAD_DATA },
		{ 423, 424, ACK_ENDPOINT }, { 425, 425, ACK_UNSURE },
		{ 426, 428, ACK_ENDPOINT }, { 429, 429, ACK_BUSY },
		{ 430, 499, ACK_ENDPOINT }, { 500, 501, ACK_UNSURE },
		{ 502, 504, ACK_BUSY },     { 505, 599, ACK_UNSURE },
		{ 600, 999, ACK_ENDPOINT },
	};
	unsigned next = 100;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cases[i].first, next);
		for (; next <= cases[i].last; next++)
			assert_int_equal(of(next, NULL, ""), cases[i].class);
	}
	assert_int_equal(next, 1000);
}

static void an_acknowledgement_has_a_shape(void **state)
{
	static const struct {
		unsigned status;
		const char *type, *body;
		enum ack_class class;
	} cases[] = {
		/* ClickHouse, Azure Monitor, Fluent Bit, Vector, nginx */
		{ 200, "text/plain; charset=UTF-8", "", ACK_DONE },
		{ 200, "text/tab-separated-values", "", ACK_DONE },
		{ 204, NULL, "", ACK_DONE },
		{ 201, "application/json", "{}", ACK_DONE },
		{ 200, "application/json; charset=utf-8", "{\"ok\":1}",
		  ACK_DONE },
		{ 202, "application/problem+json", "{}", ACK_DONE },
		{ 200, "text/plain", "ok\n", ACK_DONE },
		{ 200, "application/octet-stream", "ok", ACK_DONE },
		{ 200, NULL, "ok", ACK_DONE },
		{ 200, "", "ok", ACK_DONE },
		{ 200, "application/json", " \r\n\t", ACK_DONE },
		{ 204, "text/html", "", ACK_DONE },
		/* login pages, block pages, wrong servers */
		{ 200, "text/html", "<html><form>", ACK_ENDPOINT },
		{ 200, "Text/HTML;charset=utf-8", "", ACK_ENDPOINT },
		{ 200, "text/html", "ok", ACK_ENDPOINT },
		{ 200, "application/xhtml+xml", "ok", ACK_ENDPOINT },
		{ 200, "text/plain", "<!DOCTYPE html>", ACK_ENDPOINT },
		{ 200, "application/json", "\n\n <html>", ACK_ENDPOINT },
		{ 200, NULL, "\xef\xbb\xbf<HTML>", ACK_ENDPOINT },
		{ 200, NULL, "Please sign in: <HtMl>", ACK_ENDPOINT },
		{ 200, "text/plain", "x <!doctype html", ACK_ENDPOINT },
		{ 200, "text/plain", "<form>", ACK_ENDPOINT },
		{ 200, "application/json", "\r\n<meta>", ACK_ENDPOINT },
		{ 200, "application/xml", "<a/>", ACK_ENDPOINT },
		{ 200, "application/xml", "ok", ACK_ENDPOINT },
		{ 200, "image/gif", "GIF89a", ACK_ENDPOINT },
		{ 203, "application/json", "{}", ACK_ENDPOINT },
		{ 206, "application/json", "{}", ACK_ENDPOINT },
		/* what else is said does not change a refusal */
		{ 503, "text/html", "<html>", ACK_BUSY },
		{ 400, "text/html", "<html>", ACK_BAD_DATA },
		{ 302, NULL, "", ACK_ENDPOINT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (of(cases[i].status, cases[i].type, cases[i].body) !=
		    cases[i].class)
			fail_msg("case %zu: %u %s", i, cases[i].status,
				 cases[i].body);
}

static void unread_headers_acknowledge_nothing(void **state)
{
	struct answer a = { .status = 200, .body = "", .headers_cut = true };

	(void)state;
	assert_int_equal(ack_classify(&a, &parts), ACK_ENDPOINT);
	a.status = 204;
	assert_int_equal(ack_classify(&a, &parts), ACK_ENDPOINT);
	a.status = 503;
	assert_int_equal(ack_classify(&a, &parts), ACK_BUSY);
}

static void no_failure_is_an_acknowledgement(void **state)
{
	static const enum ack_class classes[] = {
		[ACK_FAIL_NAME] = ACK_ENDPOINT,  [ACK_FAIL_CONNECT] = ACK_BUSY,
		[ACK_FAIL_PROXY] = ACK_ENDPOINT, [ACK_FAIL_TLS] = ACK_ENDPOINT,
		[ACK_FAIL_BROKEN] = ACK_BUSY,    [ACK_FAIL_TIMEOUT] = ACK_BUSY,
		[ACK_FAIL_LOCAL] = ACK_ENDPOINT,
	};
	struct answer a = { .status = 200, .body = "" };

	(void)state;
	for (size_t i = 1; i < COUNT(classes); i++) {
		a.failure = (enum ack_failure)i;
		assert_int_equal(ack_classify(&a, &parts), classes[i]);
	}
}

/* --- engines that say more --- */

#define JSON "application/json; charset=utf-8"

struct engine_case {
	unsigned status;
	const char *body;
	enum ack_class class;
	uint64_t rejected;
};

static void expect_cases(enum ack_engine engine,
			 const struct engine_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct engine_case *c = &cases[i];

		if (of_engine(engine, c->status, JSON, c->body) != c->class)
			fail_msg("case %zu: %u %s", i, c->status, c->body);
		assert_int_equal(parts.rejected, c->rejected);
		if (c->class != ACK_BAD_DATA)
			assert_int_equal(parts.n_runs, 0);
	}
}

static void otlp_says_what_it_did_not_take(void **state)
{
	static const struct engine_case cases[] = {
		{ 200, "{}", ACK_DONE, 0 },
		{ 200, " {\n}\n", ACK_DONE, 0 },
		{ 200, "{\"partialSuccess\":{}}", ACK_DONE, 0 },
		{ 200, "{\"partialSuccess\":null}", ACK_DONE, 0 },
		{ 200, "", ACK_DONE, 0 }, /* Prometheus */
		{ 204, "", ACK_DONE, 0 },
		{ 200,
		  "{\"partialSuccess\":{\"rejectedLogRecords\":\"7\","
		  "\"errorMessage\":\"<html>\"}}",
		  ACK_DONE, 7 },
		{ 200,
		  "{\"partialSuccess\":{\"rejectedLogRecords\":\"7\","
		  "\"errorMessage\":\"too old\"}}",
		  ACK_DONE, 7 },
		{ 200, "{\"partialSuccess\":{\"rejectedDataPoints\":7}}",
		  ACK_DONE, 7 },
		{ 200, "{\"partialSuccess\":{\"errorMessage\":\"hm\"}}",
		  ACK_DONE, 0 },
		{ 200, "{\"partialSuccess\":{\"rejectedLogRecords\":-1}}",
		  ACK_DONE, 0 },
		{ 200, "{\"partialSuccess\":[]}", ACK_ENDPOINT, 0 },
		{ 200, "{\"message\":\"sign in\"}", ACK_ENDPOINT, 0 },
		{ 200, "[]", ACK_ENDPOINT, 0 },
		{ 200, "ok", ACK_ENDPOINT, 0 },
		{ 200, "{\"partialSuccess\":{}", ACK_ENDPOINT, 0 },
		{ 200, "{} {}", ACK_ENDPOINT, 0 },
		{ 400, "{\"code\":3,\"message\":\"bad\"}", ACK_BAD_DATA, 0 },
		{ 429, "{}", ACK_BUSY, 0 },
		{ 500, "{}", ACK_UNSURE, 0 },
		{ 503, "{}", ACK_BUSY, 0 },
	};

	(void)state;
	expect_cases(ACK_OTLP, cases, COUNT(cases));
}

#define ITEM(status) "{\"create\":{\"_id\":\"x\",\"status\":" #status "}}"
#define BULK(items)  "{\"took\":3,\"errors\":true,\"items\":[" items "]}"

static void bulk_items_count_each(void **state)
{
	static const struct engine_case cases[] = {
		{ 200, "{\"took\":3,\"errors\":false,\"items\":[]}", ACK_DONE,
		  0 },
		{ 200, "{\"errors\":false}", ACK_DONE, 0 },
		/* it came before */
		{ 200, BULK(ITEM(409) "," ITEM(201) "," ITEM(409)), ACK_DONE,
		  0 },
		{ 200, BULK(ITEM(409) "," ITEM(429) "," ITEM(400)), ACK_BUSY,
		  0 },
		{ 200, BULK(ITEM(201) "," ITEM(503) "," ITEM(201)), ACK_BUSY,
		  0 },
		{ 200, BULK(ITEM(201) "," ITEM(500) "," ITEM(400)), ACK_UNSURE,
		  0 },
		{ 200, BULK(ITEM(201) "," ITEM(403) "," ITEM(429)),
		  ACK_ENDPOINT, 0 },
		{ 200, BULK(ITEM(404) "," ITEM(404) "," ITEM(404)),
		  ACK_ENDPOINT, 0 },
		{ 200, BULK(ITEM(400) "," ITEM(400) "," ITEM(400)),
		  ACK_BAD_DATA, 0 },
		/* not one for each of three rows */
		{ 200, BULK(ITEM(201) "," ITEM(400)), ACK_ENDPOINT, 0 },
		{ 200, BULK(""), ACK_ENDPOINT, 0 },
		{ 200, BULK("1,2,3"), ACK_ENDPOINT, 0 },
		{ 200, BULK("{},{},{}"), ACK_ENDPOINT, 0 },
		{ 200, "{\"errors\":true}", ACK_ENDPOINT, 0 },
		{ 200, "{\"errors\":true,\"items\":{}}", ACK_ENDPOINT, 0 },
		{ 200, "{\"errors\":\"false\"}", ACK_ENDPOINT, 0 },
		{ 200, "{\"took\":3}", ACK_ENDPOINT, 0 },
		{ 200, "{}", ACK_ENDPOINT, 0 },
		{ 200, "", ACK_ENDPOINT, 0 },
		{ 204, "", ACK_ENDPOINT, 0 },
		{ 400, "{\"error\":{\"type\":\"x\"},\"status\":400}",
		  ACK_BAD_DATA, 0 },
		{ 429, "{}", ACK_BUSY, 0 },
		{ 413, "", ACK_TOO_LARGE, 0 },
	};

	(void)state;
	expect_cases(ACK_BULK, cases, COUNT(cases));
}

static void bulk_says_which_rows(void **state)
{
	static const struct {
		const char *body;
		unsigned n;
		uint32_t runs[3];
	} cases[] = {
		{ BULK(ITEM(201) "," ITEM(400) "," ITEM(201)), 3, { 1, 1, 1 } },
		{ BULK(ITEM(400) "," ITEM(409) "," ITEM(201)), 3, { 0, 1, 2 } },
		{ BULK(ITEM(201) "," ITEM(400) "," ITEM(422)), 2, { 1, 2 } },
		{ BULK(ITEM(400) "," ITEM(400) "," ITEM(400)), 0, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(of_engine(ACK_BULK, 200, JSON, cases[i].body),
				 ACK_BAD_DATA);
		assert_int_equal(parts.n_runs, cases[i].n);
		assert_memory_equal(parts.runs, cases[i].runs,
				    cases[i].n * sizeof(uint32_t));
	}
}

/* More runs than are kept: those that are kept are the first, whole. */
static void bulk_runs_are_bounded(void **state)
{
	char body[8192] = "{\"errors\":true,\"items\":[";
	struct answer a = { .status = 200, .body = body, .engine = ACK_BULK };
	size_t len = strlen(body);

	(void)state;
	for (a.rows = 0; a.rows < 100; a.rows++)
		len += (size_t)snprintf(body + len, sizeof(body) - len,
					"%s{\"create\":{\"status\":%d}}",
					a.rows ? "," : "",
					a.rows % 2 ? 400 : 201);
	a.body_len =
		len + (size_t)snprintf(body + len, sizeof(body) - len, "]}");
	assert_int_equal(ack_classify(&a, &parts), ACK_BAD_DATA);
	assert_int_equal(parts.n_runs, ACK_RUNS_MAX);
	for (unsigned i = 0; i < ACK_RUNS_MAX; i++)
		assert_int_equal(parts.runs[i], 1);
}

static void splunk_has_codes(void **state)
{
	static const struct engine_case cases[] = {
		{ 200, "{\"text\":\"Success\",\"code\":0}", ACK_DONE, 0 },
		{ 200, "{\"text\":\"Success\",\"code\":0,\"ackId\":3}",
		  ACK_DONE, 0 },
		{ 200, "{\"text\":\"HEC is healthy\",\"code\":17}",
		  ACK_ENDPOINT, 0 },
		{ 200, "{\"text\":\"Success\"}", ACK_ENDPOINT, 0 },
		{ 200, "{}", ACK_ENDPOINT, 0 },
		{ 200, "", ACK_ENDPOINT, 0 },
		{ 204, "", ACK_ENDPOINT, 0 },
		{ 200, "ok", ACK_ENDPOINT, 0 },
		{ 403, "{\"text\":\"Token disabled\",\"code\":1}", ACK_ENDPOINT,
		  0 },
		{ 401, "{\"code\":2}", ACK_ENDPOINT, 0 },
		{ 400, "{\"text\":\"No data\",\"code\":5}", ACK_BAD_DATA, 0 },
		{ 400, "{\"code\":6,\"invalid-event-number\":1}", ACK_BAD_DATA,
		  0 },
		{ 400, "{\"text\":\"Incorrect index\",\"code\":7}",
		  ACK_ENDPOINT, 0 },
		{ 500, "{\"code\":8}", ACK_UNSURE, 0 },
		{ 503, "{\"code\":9}", ACK_BUSY, 0 },
		{ 400, "{\"code\":10}", ACK_ENDPOINT, 0 },
		{ 400, "{\"code\":12}", ACK_BAD_DATA, 0 },
		{ 400, "{\"code\":21}", ACK_ENDPOINT, 0 },
		{ 400, "{\"code\":4711}", ACK_BAD_DATA, 0 },
		{ 400, "<html>", ACK_BAD_DATA, 0 },
		{ 429, "", ACK_BUSY, 0 },
		{ 413, "", ACK_TOO_LARGE, 0 },
	};

	(void)state;
	expect_cases(ACK_HEC, cases, COUNT(cases));
}

/* The rest of it was not read. */
static void a_long_answer_of_an_engine(void **state)
{
	static const struct {
		enum ack_engine engine;
		const char *body;
		enum ack_class class;
	} cases[] = {
		{ ACK_OTLP, "{\"partialSuccess\":{\"errorMessage\":\"aaa",
		  ACK_DONE },
		{ ACK_OTLP, "{\"a\":\"aaaaaaaa", ACK_ENDPOINT },
		{ ACK_OTLP, "aaaaaaaaaaaaaaaa", ACK_ENDPOINT },
		{ ACK_BULK, "{\"took\":3,\"errors\":false,\"items\":[{",
		  ACK_DONE },
		{ ACK_BULK, "{\"took\":3,\"errors\":true,\"items\":[{",
		  ACK_TOO_LARGE },
		{ ACK_BULK, "{\"items\":[{", ACK_ENDPOINT },
		{ ACK_HEC, "{\"text\":\"Success\",\"code\":0,\"a\":\"",
		  ACK_ENDPOINT },
		{ ACK_ANY, "aaaaaaaaaaaaaaaa", ACK_DONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer a = {
			.status = 200,
			.body = cases[i].body,
			.body_len = strlen(cases[i].body),
			.body_cut = true,
			.engine = cases[i].engine,
			.rows = 3,
		};

		if (ack_classify(&a, &parts) != cases[i].class)
			fail_msg("case %zu: %s", i, cases[i].body);
	}
}

/* --- the fuzzer's seeds: test/fuzz/fuzz_ack.c --- */

static void seeds_of_the_fuzzer(void **state)
{
	(void)state;
	seeds_replay(SEED_DIR, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_has_its_class),
		cmocka_unit_test(an_acknowledgement_has_a_shape),
		cmocka_unit_test(unread_headers_acknowledge_nothing),
		cmocka_unit_test(no_failure_is_an_acknowledgement),
		cmocka_unit_test(otlp_says_what_it_did_not_take),
		cmocka_unit_test(bulk_items_count_each),
		cmocka_unit_test(bulk_says_which_rows),
		cmocka_unit_test(bulk_runs_are_bounded),
		cmocka_unit_test(splunk_has_codes),
		cmocka_unit_test(a_long_answer_of_an_engine),
		cmocka_unit_test(seeds_of_the_fuzzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
