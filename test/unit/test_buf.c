#include "base/buf.h"

#include "lib/strict_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_new_buffer_is_an_empty_text(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_string_equal(b.data, "");
	buf_clear(&b);
	buf_add(&b, "", 0);
	assert_int_equal(b.error, 0);
	buf_char(&b, 'x');
	assert_int_equal(b.error, -E2BIG);
	buf_finish(&b);
	assert_string_equal(b.data, "");
}

static void what_does_not_fit_leaves_the_rest_whole(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_text(&b, "0123456");
	buf_text(&b, "abcd");
	assert_int_equal(b.error, -E2BIG);
	buf_text(&b, "a");
	assert_string_equal(b.data, "0123456");
	buf_clear(&b);
	assert_int_equal(b.error, 0);
	buf_text(&b, "0123456789");
	assert_int_equal(b.error, 0);
	assert_int_equal(b.len, 10);
	buf_finish(&b);
}

/* Nowhere between 0 and all of it is a part of a string left behind. */
static void a_json_text_is_whole_or_absent(void **state)
{
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 24; max++) {
		buf_init(&b, max);
		buf_text(&b, max ? "1" : "");
		buf_json_text(&b, "a\xff\x01\"\\z");
		if (b.error)
			assert_string_equal(b.data, max ? "1" : "");
		else
			assert_string_equal(b.data, "1\"a\xef\xbf\xbd\\u0001"
						    "\\\"\\\\z\"");
		assert_int_equal(b.error, max < 18 ? -E2BIG : 0);
		buf_finish(&b);
	}
}

static void it_grows_over_many_sizes(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (unsigned i = 0; i < 100000; i++)
		buf_char(&b, (char)('a' + i % 26));
	assert_int_equal(b.error, 0);
	assert_int_equal(strlen(b.data), 100000);
	for (unsigned i = 0; i < 100000; i += 997)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_finish(&b);
}

static void expect(struct buf *b, const char *wanted)
{
	assert_string_equal(b->data, wanted);
	buf_clear(b);
}

static void integers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_uint(&b, 0);
	expect(&b, "0");
	buf_uint(&b, UINT64_MAX);
	expect(&b, "18446744073709551615");
	buf_int(&b, INT64_MIN);
	expect(&b, "-9223372036854775808");
	buf_int(&b, INT64_MAX);
	expect(&b, "9223372036854775807");
	buf_printf(&b, "%d-%s", -5, "x");
	expect(&b, "-5-x");
	buf_finish(&b);
}

static void microseconds(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "0.001" },
		{ -1, "-0.001" },
		{ 100, "0.1" },
		{ 120, "0.12" },
		{ 1000, "1" },
		{ 1234500, "1234.5" },
		{ -250, "-0.25" },
		{ 10000, "10" },
		{ 1234567, "1234.567" },
		{ 1000010, "1000.01" },
		{ INT64_MAX, "9223372036854775.807" },
		{ INT64_MIN, "-9223372036854775.808" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_json_us(&b, cases[i].ns);
		expect(&b, cases[i].text);
	}
	buf_finish(&b);
}

/* Every day until the clock of 64 bits ends, against the C library. */
static void dates(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (uint64_t day = 0; day < UINT64_MAX / 86400000000000u; day += 7) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		struct tm tm;
		char text[64];

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "\"%Y-%m-%dT%H:%M:%S.000358Z\"",
			 &tm);
		buf_json_time(&b, (uint64_t)seconds * 1000000000u + 358999);
		expect(&b, text);
	}
	buf_json_time(&b, 951827696999999999u);
	expect(&b, "\"2000-02-29T12:34:56.999999Z\"");
	buf_json_time(&b, UINT64_MAX);
	expect(&b, "\"2554-07-21T23:34:33.709551Z\"");
	buf_finish(&b);
}

static void bad_utf8_becomes_replacements(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\n\x1f\x7f", "\"\\u000a\\u001f\\u007f\"" },
		{ "a\x80z", "\"a\xef\xbf\xbdz\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd"
				      "\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_json_text(&b, cases[i].in);
		assert_true(strict_json(b.data, b.len));
		expect(&b, cases[i].out);
	}
	buf_finish(&b);
}

/* All sequences of three bytes from those where UTF-8 decides. */
static void any_bytes_make_strict_json(void **state)
{
	static const unsigned char edges[] = {
		0x01, 0x1f, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
		0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
		0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
	};
	size_t n = COUNT(edges);
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < n * n * n; i++) {
		char text[5] = { (char)edges[i % n], (char)edges[i / n % n],
				 (char)edges[i / n / n], (char)0x80, 0 };

		buf_clear(&b);
		buf_json_text(&b, text);
		assert_true(strict_json(b.data, b.len));
	}
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_buffer_is_an_empty_text),
		cmocka_unit_test(what_does_not_fit_leaves_the_rest_whole),
		cmocka_unit_test(a_json_text_is_whole_or_absent),
		cmocka_unit_test(it_grows_over_many_sizes),
		cmocka_unit_test(integers),
		cmocka_unit_test(microseconds),
		cmocka_unit_test(dates),
		cmocka_unit_test(bad_utf8_becomes_replacements),
		cmocka_unit_test(any_bytes_make_strict_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
