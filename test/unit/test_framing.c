#include "delivery/framing.h"

#include "lib/framed.h"
#include "lib/strict_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Everything that a scanner for quotes and braces may trip over. */
static const struct identity who = { "ag\"},{\\ent", "0123456789abcdef" };

static struct record note(uint64_t seq)
{
	return (struct record){
		.type = ROW_EVENT,
		.seq = seq,
		.time_ns = 1767225600000358000,
		.body = "\"event\":\"},{\\\"seq\\\":9,\",\"n\":{\"a\":[]}",
	};
}

static void fill(struct frame *f, const char *encoding, uint64_t rows)
{
	frame_init(f, framing_find(encoding), rows, 1 << 20);
	for (uint64_t i = 0; i < rows; i++) {
		struct record r = note(100 + i);

		assert_int_equal(frame_add(f, &who, &r), 0);
	}
	assert_int_equal(frame_end(f, &who), 0);
}

static void the_table_is_found_by_name(void **state)
{
	(void)state;
	assert_string_equal(framing_of(NULL, "https://x/")->name, "ndjson");
	assert_string_equal(framing_find("ndjson")->content_type,
			    "application/x-ndjson");
	assert_string_equal(framing_find("json-array")->content_type,
			    "application/json");
	assert_null(framing_find("xml"));
	assert_null(framing_find(""));
	assert_null(framing_of("xml", "https://x/"));
}

/* Content type, and who is expected to answer. */
static void each_encoding_has_its_engine(void **state)
{
	static const struct {
		const char *name, *type, *scheme;
		enum ack_engine engine;
	} cases[FRAMED_NAMES] = {
		{ "ndjson", "application/x-ndjson", "Bearer", ACK_ANY },
		{ "json-array", "application/json", "Bearer", ACK_ANY },
		{ "otlp-logs", "application/json", "Bearer", ACK_OTLP },
		{ "otlp-metrics", "application/json", "Bearer", ACK_OTLP },
		{ "elastic-bulk", "application/x-ndjson", "ApiKey", ACK_BULK },
		{ "splunk-hec", "application/json", "Splunk", ACK_HEC },
		{ "vm-import", "application/x-ndjson", "Bearer", ACK_ANY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct framing *f =
			framing_of(cases[i].name, "https://x/");

		assert_string_equal(f->content_type, cases[i].type);
		assert_string_equal(f->scheme, cases[i].scheme);
		assert_int_equal(f->engine, cases[i].engine);
		assert_non_null(strstr(FRAMING_NAMES, cases[i].name));
		assert_ptr_equal(f, framing_find(framed_names[i]));
		/* The store keeps it with the batch. */
		assert_true(strlen(f->name) < 16);
	}
}

static void otlp_json_is_what_the_path_says(void **state)
{
	static const struct {
		const char *url, *name;
	} cases[] = {
		{ "https://otel/v1/logs", "otlp-logs" },
		{ "https://otel:4318/v1/logs?x=/v1/metrics", "otlp-logs" },
		{ "https://prom/api/v1/otlp/v1/metrics", "otlp-metrics" },
		{ "https://otel/v1/logs/", NULL },
		{ "https://otel/?/v1/logs", NULL },
		{ "https://otel/v1/traces", NULL },
		{ "https://otel", NULL },
		{ "file:///v1/logs/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct framing *f = framing_of("otlp-json", cases[i].url);

		if (!cases[i].name)
			assert_null(f);
		else
			assert_string_equal(f->name, cases[i].name);
	}
}

static void lines_are_objects_each(void **state)
{
	struct frame f;
	char *at;

	(void)state;
	fill(&f, "ndjson", 3);
	at = f.body.data;
	for (int i = 0; i < 3; i++) {
		size_t len = strcspn(at, "\n");

		assert_true(strict_json(at, len));
		assert_int_equal(at[len], '\n');
		at += len + 1;
	}
	assert_string_equal(at, "");
	frame_finish(&f);
}

static void an_array_is_one_line(void **state)
{
	struct frame f;

	(void)state;
	fill(&f, "json-array", 3);
	assert_true(strict_json(f.body.data, f.body.len));
	assert_int_equal(f.body.data[0], '[');
	assert_null(strchr(f.body.data, '\n'));
	frame_finish(&f);
}

/* Encodings whose rows can be told apart again. */
static const char *const texts[] = { "ndjson", "json-array", "otlp-logs",
				     "elastic-bulk", "splunk-hec" };

static void rows_are_bounded(void **state)
{
	struct record r = note(1);
	struct frame f;

	(void)state;
	frame_init(&f, framing_find("ndjson"), 2, 1 << 20);
	assert_int_equal(frame_add(&f, &who, &r), 0);
	assert_int_equal(frame_add(&f, &who, &r), 0);
	assert_false(f.full);
	assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
	assert_true(f.full);
	assert_int_equal(f.rows, 2);
	frame_finish(&f);
}

/* The bound counts separators and the end; a row that would pass it leaves no
 * trace; a first row is taken whatever its length. */
static void bytes_are_bounded(void **state)
{
	struct record r = note(1);
	struct frame f;
	size_t two;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *encoding = texts[i];

		fill(&f, encoding, 2);
		two = f.body.len;
		frame_finish(&f);

		frame_init(&f, framing_find(encoding), 100, two);
		r.seq = 100;
		assert_int_equal(frame_add(&f, &who, &r), 0);
		r.seq = 1000;
		assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
		assert_int_equal(f.rows, 1);
		r.seq = 101;
		f.full = false;
		assert_int_equal(frame_add(&f, &who, &r), 0);
		assert_int_equal(frame_end(&f, &who), 0);
		assert_int_equal(f.body.len, two);
		frame_finish(&f);

		frame_init(&f, framing_find(encoding), 100, 10);
		assert_int_equal(frame_add(&f, &who, &r), 0);
		assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
		assert_int_equal(frame_end(&f, &who), 0);
		assert_true(
			framed_strictly(f.framing, f.body.data, f.body.len));
		frame_finish(&f);
	}
}

/* Azure Monitor: no more than half an hour in one request. */
static void an_array_spans_half_an_hour(void **state)
{
	static const struct {
		int64_t after_s;
		int r;
	} steps[] = {
		{ 0, 0 },    { 1200, 0 },      { 600, 0 },
		{ -600, 0 }, { 1201, -E2BIG }, { 0, -E2BIG },
	};
	struct record r = note(1);
	uint64_t time_ns = r.time_ns;
	struct frame f;

	(void)state;
	frame_init(&f, framing_find("json-array"), 100, 1 << 20);
	for (size_t i = 0; i < COUNT(steps); i++) {
		r.time_ns = time_ns + (uint64_t)(steps[i].after_s * 1000000000);
		assert_int_equal(frame_add(&f, &who, &r), steps[i].r);
	}
	assert_true(f.full);
	frame_finish(&f);

	/* Also backwards, from the latest. */
	frame_init(&f, framing_find("json-array"), 100, 1 << 20);
	r.time_ns = time_ns;
	assert_int_equal(frame_add(&f, &who, &r), 0);
	r.time_ns = time_ns - UINT64_C(1801000000000);
	assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
	frame_finish(&f);

	frame_init(&f, framing_find("ndjson"), 100, 1 << 20);
	assert_int_equal(frame_add(&f, &who, &r), 0);
	r.time_ns = time_ns;
	assert_int_equal(frame_add(&f, &who, &r), 0);
	frame_finish(&f);
}

static void expect_begin(const struct frame *f, const char *wanted)
{
	char begin[400];

	snprintf(begin, sizeof(begin), "%.*s", (int)strlen(wanted),
		 f->body.data);
	assert_string_equal(begin, wanted);
	assert_true(framed_strictly(f->framing, f->body.data, f->body.len));
}

static void elastic_documents_have_names(void **state)
{
	struct frame f;

	(void)state;
	fill(&f, "elastic-bulk", 2);
	expect_begin(&f, "{\"create\":{\"_id\":\"ag\\\"},{\\\\ent-"
			 "0123456789abcdef-100\"}}"
			 "\n{\"@timestamp\":\"2026-01-01T00:00:00.000358Z\","
			 "\"type\":\"event\",\"time\":\"2026");
	frame_finish(&f);
}

static void splunk_events_have_times(void **state)
{
	struct frame f;

	(void)state;
	fill(&f, "splunk-hec", 2);
	expect_begin(
		&f, "{\"time\":1767225600.000358,\"host\":\"ag\\\"},{\\\\ent\","
		    "\"source\":\"edgeprobe\",\"sourcetype\":\"edgeprobe\","
		    "\"event\":{\"type\":\"event\",");
	frame_finish(&f);
}

static void a_row_above_any_bound_is_turned_away(void **state)
{
	struct record r = note(1);
	char *body = malloc(FRAME_ROW_MAX + 2000);
	struct frame f;

	(void)state;
	assert_non_null(body);
	memset(body, 'x', FRAME_ROW_MAX + 2000);
	memcpy(body, "\"event\":\"", 9);
	body[FRAME_ROW_MAX + 1998] = '"';
	body[FRAME_ROW_MAX + 1999] = '\0';
	r.body = body;
	frame_init(&f, framing_find("ndjson"), 10, 1000);
	assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
	assert_true(f.full);
	assert_int_equal(f.body.len, 0);
	frame_finish(&f);
	free(body);
}

static void gzip_comes_back(void **state)
{
	struct buf zipped, plain;
	struct frame f;

	(void)state;
	fill(&f, "ndjson", 500);
	buf_init(&zipped, 1 << 20);
	buf_init(&plain, 1 << 20);
	assert_int_equal(framing_gzip(f.body.data, f.body.len, &zipped), 0);
	assert_true(zipped.len < f.body.len / 4);
	assert_memory_equal(zipped.data, "\x1f\x8b", 2);
	assert_int_equal(framing_gunzip(zipped.data, zipped.len, &plain), 0);
	assert_int_equal(plain.len, f.body.len);
	assert_memory_equal(plain.data, f.body.data, plain.len);

	buf_clear(&plain);
	assert_int_equal(framing_gunzip(zipped.data, zipped.len - 9, &plain),
			 -EILSEQ);
	buf_clear(&plain);
	zipped.data[zipped.len / 2] ^= 0x55;
	assert_int_equal(framing_gunzip(zipped.data, zipped.len, &plain),
			 -EILSEQ);
	buf_clear(&plain);
	assert_int_equal(framing_gunzip(f.body.data, f.body.len, &plain),
			 -EILSEQ);
	buf_finish(&zipped);
	buf_finish(&plain);
	frame_finish(&f);
}

/* A bomb of ours or not: the bound of the output holds. */
static void gunzip_is_bounded(void **state)
{
	struct buf zeros, zipped, plain;

	(void)state;
	buf_init(&zeros, 1 << 20);
	buf_init(&zipped, 1 << 20);
	buf_init(&plain, 1000);
	for (int i = 0; i < 100000; i++)
		buf_char(&zeros, 0);
	assert_int_equal(framing_gzip(zeros.data, zeros.len, &zipped), 0);
	assert_int_equal(framing_gunzip(zipped.data, zipped.len, &plain),
			 -E2BIG);
	buf_clear(&plain);
	assert_int_equal(framing_gzip(zeros.data, zeros.len, &plain), 0);
	buf_finish(&zeros);
	buf_finish(&zipped);
	buf_finish(&plain);
}

/* Halves are what would have been made of the rows in the first place. */
static void halves_are_batches(void **state)
{
	struct buf halves[2];
	struct frame whole, part;
	uint64_t seq;

	(void)state;
	for (size_t i = 0; i < COUNT(texts) * 6; i++) {
		const char *encoding = texts[i % COUNT(texts)];
		uint64_t rows = 1 + i / COUNT(texts);

		fill(&whole, encoding, 7);
		buf_init(&halves[0], 1 << 20);
		buf_init(&halves[1], 1 << 20);
		assert_int_equal(framing_split(framing_find(encoding),
					       whole.body.data, whole.body.len,
					       rows, halves, &seq),
				 0);
		assert_int_equal(seq, 100 + rows);
		fill(&part, encoding, rows);
		assert_string_equal(halves[0].data, part.body.data);
		assert_true(framed_strictly(part.framing, halves[1].data,
					    halves[1].len));
		frame_finish(&part);
		frame_finish(&whole);
		buf_finish(&halves[0]);
		buf_finish(&halves[1]);
	}
}

static void what_is_no_batch_is_not_cut(void **state)
{
	static const struct {
		const char *encoding, *body;
		uint64_t rows;
	} cases[] = {
		{ "ndjson", "", 1 },
		{ "ndjson", "{\"a\":1,\"seq\":1}\n", 1 },
		{ "ndjson", "{\"a\":1,\"seq\":1}\n{\"a\":1,\"seq\":2}\n", 0 },
		{ "ndjson", "{\"a\":1,\"seq\":1}\n{\"a\":1,\"seq\":2}\n", 2 },
		{ "ndjson", "{\"a\":1,\"seq\":1}\n{\"a\":1,\"seq\":2", 1 },
		{ "ndjson", "{\"a\":1,\"seq\":1}\n{\"a\":1,\"sex\":2}\n", 1 },
		{ "ndjson", "}\n}\n", 1 },
		{ "ndjson", "{\"\\", 1 },
		{ "json-array", "{\"a\":1,\"seq\":1}\n{\"a\":1,\"seq\":2}\n",
		  1 },
		{ "json-array", "[{\"a\":1,\"seq\":1}]", 1 },
		{ "json-array", "[", 1 },
		{ "json-array", " [{\"a\":1,\"seq\":1},{\"a\":1,\"seq\":2}]",
		  1 },
		{ "otlp-logs", "{\"resourceLogs\":[]}", 1 },
		{ "otlp-logs", "{\"logRecords\":[{},{}]}", 1 },
		{ "otlp-metrics", "{\"resourceMetrics\":[{},{}]}", 1 },
		{ "elastic-bulk", "{\"a\":1}\n{\"a\":1,\"seq\":1}\n{}\n", 1 },
		{ "elastic-bulk", "{\"a\":1}{\"a\":1,\"seq\":1}\n", 1 },
	};
	struct buf halves[2];
	uint64_t seq;

	(void)state;
	buf_init(&halves[0], 1 << 20);
	buf_init(&halves[1], 1 << 20);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(framing_split(framing_find(cases[i].encoding),
					       cases[i].body,
					       strlen(cases[i].body),
					       cases[i].rows, halves, &seq),
				 -EILSEQ);
	buf_finish(&halves[0]);
	buf_finish(&halves[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_found_by_name),
		cmocka_unit_test(each_encoding_has_its_engine),
		cmocka_unit_test(otlp_json_is_what_the_path_says),
		cmocka_unit_test(lines_are_objects_each),
		cmocka_unit_test(an_array_is_one_line),
		cmocka_unit_test(rows_are_bounded),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(an_array_spans_half_an_hour),
		cmocka_unit_test(elastic_documents_have_names),
		cmocka_unit_test(splunk_events_have_times),
		cmocka_unit_test(a_row_above_any_bound_is_turned_away),
		cmocka_unit_test(gzip_comes_back),
		cmocka_unit_test(gunzip_is_bounded),
		cmocka_unit_test(halves_are_batches),
		cmocka_unit_test(what_is_no_batch_is_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
