#include "delivery/framing.h"

#include "lib/strict_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
	assert_int_equal(frame_end(f), 0);
}

static void the_table_is_found_by_name(void **state)
{
	(void)state;
	assert_string_equal(framing_find(NULL)->name, "ndjson");
	assert_string_equal(framing_find("ndjson")->content_type,
			    "application/x-ndjson");
	assert_string_equal(framing_find("json-array")->content_type,
			    "application/json");
	assert_null(framing_find("xml"));
	assert_null(framing_find(""));
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

static void rows_are_bounded(void **state)
{
	struct record r = note(1);
	struct frame f;

	(void)state;
	frame_init(&f, framing_find(NULL), 2, 1 << 20);
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
	for (size_t i = 0; i < 2; i++) {
		const char *encoding = i ? "json-array" : "ndjson";

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
		assert_int_equal(frame_end(&f), 0);
		assert_int_equal(f.body.len, two);
		frame_finish(&f);

		frame_init(&f, framing_find(encoding), 100, 10);
		assert_int_equal(frame_add(&f, &who, &r), 0);
		assert_int_equal(frame_add(&f, &who, &r), -E2BIG);
		assert_int_equal(frame_end(&f), 0);
		assert_true(strict_json(f.body.data, f.body.len));
		frame_finish(&f);
	}
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
	frame_init(&f, framing_find(NULL), 10, 1000);
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
	static const char *const encodings[] = { "ndjson", "json-array" };
	struct buf halves[2];
	struct frame whole, part;
	uint64_t seq;

	(void)state;
	for (size_t i = 0; i < 2 * 6; i++) {
		const char *encoding = encodings[i % 2];
		uint64_t rows = 1 + i / 2;

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
		cmocka_unit_test(lines_are_objects_each),
		cmocka_unit_test(an_array_is_one_line),
		cmocka_unit_test(rows_are_bounded),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(a_row_above_any_bound_is_turned_away),
		cmocka_unit_test(gzip_comes_back),
		cmocka_unit_test(gunzip_is_bounded),
		cmocka_unit_test(halves_are_batches),
		cmocka_unit_test(what_is_no_batch_is_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
