#include "base/json.h"

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

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct json_fault fault = { 0 };

	if (json_parse(text, strlen(text), true, &doc, &fault) < 0)
		fail_msg("%s: %s at %zu", text, fault.text, fault.offset);
	return doc;
}

static void values_are_read_by_type_and_exact_key(void **state)
{
	struct json_doc *doc = parse("{\"a\": \"x\\u00e9\\ud83d\\ude00\", "
				     "\"A\": 1.5e1, \"b\": [true, null, {}]}");
	const struct json *root = json_root(doc), *list = json_get(root, "b");
	double number = 0;
	bool yes = false;

	(void)state;
	assert_string_equal(json_text(json_get(root, "a")),
			    "x\xc3\xa9\xf0\x9f\x98\x80");
	assert_true(json_number(json_get(root, "A"), &number));
	assert_true(number == 15);
	assert_false(json_number(json_get(root, "a"), &number));
	assert_null(json_text(json_get(root, "A")));
	assert_null(json_get(root, "B"));
	assert_null(json_get(NULL, "a"));
	assert_true(json_bool(json_first(list), &yes) && yes);
	assert_false(json_bool(json_next(json_first(list)), &yes));
	assert_int_equal(json_type(json_next(json_first(list))), JSON_NULL);
	assert_null(json_first(json_next(json_next(json_first(list)))));
	assert_string_equal(json_key(json_first(root)), "a");
	json_destroy(doc);
	json_destroy(NULL);
}

static void comments_are_blank_and_strings_are_not(void **state)
{
	struct json_doc *doc = parse("// a\n{ /* \" */ \"u\": \"http://x/*y*/\""
				     ", // \"v\": 1\n\"w\": 2 } /**/ // end");

	(void)state;
	assert_string_equal(json_text(json_get(json_root(doc), "u")),
			    "http://x/*y*/");
	assert_null(json_get(json_root(doc), "v"));
	json_destroy(doc);
}

static void comments_are_faults_where_they_are_not_allowed(void **state)
{
	struct json_doc *doc = NULL;
	struct json_fault fault = { 0 };

	(void)state;
	assert_int_equal(json_parse("{} // x", 7, false, &doc, &fault),
			 -EINVAL);
	assert_null(doc);
	assert_int_equal(fault.offset, 3);
}

static void a_value_knows_its_line_and_column(void **state)
{
	struct json_doc *doc = parse("\xef\xbb\xbf{ \"\xc3\xa9\": 1, \"b\" :\n"
				     "/* x */ [2,\n\t{\"c\": 3}] }");
	const struct json *b = json_get(json_root(doc), "b");
	const struct json *c = json_first(json_next(json_first(b)));
	struct json_where at = json_where(doc, b, true);
	char text[8];

	(void)state;
	assert_int_equal(at.line, 1);
	assert_int_equal(at.column, 11); /* characters, and no mark */
	at = json_where(doc, b, false);
	assert_int_equal(at.line, 2);
	assert_int_equal(at.column, 9);
	at = json_where(doc, c, true);
	assert_int_equal(at.line, 3);
	assert_int_equal(at.column, 3);
	at = json_where(doc, c, false);
	assert_int_equal(at.column, 8);
	assert_string_equal(json_excerpt(doc, c, true, text, sizeof text),
			    "\"c\"");
	assert_string_equal(json_excerpt(doc, b, false, text, sizeof text),
			    "[2, ...");
	json_destroy(doc);
}

static void an_excerpt_is_cut_between_characters(void **state)
{
	struct json_doc *doc = parse("[\"\xc3\xa9\xc3\xa9\xc3\xa9\"]");
	const struct json *v = json_first(json_root(doc));
	char text[8];

	(void)state;
	assert_string_equal(json_excerpt(doc, v, false, text, sizeof text),
			    "\"\xc3\xa9...");
	json_destroy(doc);
}

struct bad {
	const char *text;
	size_t offset;
	const char *why;
};

static const struct bad bad[] = {
	{ "", 0, "empty: at least {} is expected" },
	{ " \n", 0, "empty: at least {} is expected" },
	{ "// only", 0, "empty: at least {} is expected" },
	{ "{", 1, "the text ends where a key in double quotes is expected" },
	{ "{\"a\"", 4,
	  "the text ends where a colon after the key is "
	  "expected" },
	{ "{\"a\" 1}", 5, "a colon after the key is expected" },
	{ "{\"a\":1 \"b\":2}", 7, "a comma or } is expected" },
	{ "{\"a\":1,}", 7, "no comma is allowed before }" },
	{ "[1,]", 3, "no comma is allowed before ]" },
	{ "[,1]", 1,
	  "a value (\"text\", number, true, false, null, [ or {) "
	  "is expected" },
	{ "[1}", 2, "a comma or ] is expected" },
	{ "{'a':1}", 1, "a key in double quotes is expected" },
	{ "{a:1}", 1, "a key in double quotes is expected" },
	{ "{} x", 3, "nothing is allowed after the closing bracket" },
	{ "{}{}", 2, "nothing is allowed after the closing bracket" },
	{ "[01]", 1, "a number is written like 12, -3, 4.5 or 1e6" },
	{ "[1.]", 1, "a number is written like 12, -3, 4.5 or 1e6" },
	{ "[-]", 1, "a number is written like 12, -3, 4.5 or 1e6" },
	{ "[1e]", 1, "a number is written like 12, -3, 4.5 or 1e6" },
	{ "[+1]", 1,
	  "a value (\"text\", number, true, false, null, [ or {) "
	  "is expected" },
	{ "[NaN]", 1,
	  "a value (\"text\", number, true, false, null, [ or {) "
	  "is expected" },
	{ "[True]", 1,
	  "a value (\"text\", number, true, false, null, [ or {) "
	  "is expected" },
	{ "[\"a]", 1, "this string does not end" },
	{ "[\"a\n\"]", 3,
	  "the line ends inside a string: a closing \" is "
	  "expected" },
	{ "[\"a\tb\"]", 3,
	  "a control character in a string: write \\t, \\n or "
	  "\\u0009" },
	{ "[\"\\x\"]", 2,
	  "no such escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
	  "\\uXXXX are allowed" },
	{ "[\"\\u12g4\"]", 2, "\\u needs four hexadecimal digits" },
	{ "[\"\\u0000\"]", 2, "a NUL is not allowed, not even as \\u0000" },
	{ "[\"\\ud800x\"]", 2,
	  "half a character: two \\u escapes, "
	  "\\ud800..\\udbff and \\udc00..\\udfff, make "
	  "one" },
	{ "[\"\\udc00\"]", 2,
	  "half a character: two \\u escapes, "
	  "\\ud800..\\udbff and \\udc00..\\udfff, make "
	  "one" },
	{ "{} /* x", 3, "this comment does not end: */ is expected" },
	{ "[\"\xff\"]", 2,
	  "byte 0xff is not UTF-8: the file has to be saved "
	  "as UTF-8" },
	{ "{} // \xc0\xaf", 6,
	  "byte 0xc0 is not UTF-8: the file has to be "
	  "saved as UTF-8" },
	{ "[\"\xed\xa0\x80\"]", 2,
	  "byte 0xed is not UTF-8: the file has to be "
	  "saved as UTF-8" },
	{ "[\"\xe2\x82", 2,
	  "byte 0xe2 is not UTF-8: the file has to be saved "
	  "as UTF-8" },
};

static void a_fault_is_found_where_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct json_doc *doc = NULL;
		struct json_fault fault = { 0 };
		const char *text = bad[i].text;

		if (json_parse(text, strlen(text), true, &doc, &fault) == 0)
			fail_msg("accepted: %s", text);
		if (fault.offset != bad[i].offset ||
		    strcmp(fault.text, bad[i].why) != 0)
			fail_msg("%s: \"%s\" at %zu", text, fault.text,
				 fault.offset);
	}
}

static void a_nul_byte_is_a_fault(void **state)
{
	struct json_doc *doc = NULL;
	struct json_fault fault = { 0 };

	(void)state;
	assert_int_equal(json_parse("{ \0 }", 5, true, &doc, &fault), -EINVAL);
	assert_int_equal(fault.offset, 2);
	assert_string_equal(fault.text, "a NUL byte: the file has to be text "
					"in UTF-8");
}

static void numbers_longer_than_cjson_reads_are_refused(void **state)
{
	struct json_doc *doc = NULL;
	struct json_fault fault = { 0 };
	char text[80];
	int n;

	(void)state;
	n = snprintf(text, sizeof text, "[0.%061d]", 1);
	assert_int_equal(json_parse(text, (size_t)n, true, &doc, &fault), 0);
	json_destroy(doc);
	n = snprintf(text, sizeof text, "[0.%062d]", 1);
	assert_int_equal(json_parse(text, (size_t)n, true, &doc, &fault),
			 -EINVAL);
	assert_string_equal(fault.text, "a number has at most 63 characters");
}

/* Far more than any stack could take, level by level. */
static void ten_megabytes_of_nesting_are_a_fault(void **state)
{
	size_t len = 10 * 1024 * 1024;
	char *text = malloc(len);
	struct json_doc *doc = NULL;
	struct json_fault fault = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	assert_int_equal(json_parse(text, len, true, &doc, &fault), -EINVAL);
	assert_int_equal(fault.offset, JSON_DEPTH_MAX);
	assert_string_equal(fault.text, "nested too deep: at most 32 levels "
					"are allowed");
	memset(text, ']', 2 * JSON_DEPTH_MAX);
	memset(text, '[', JSON_DEPTH_MAX);
	assert_int_equal(
		json_parse(text, 2 * JSON_DEPTH_MAX, true, &doc, &fault), 0);
	json_destroy(doc);
	free(text);
}

/* Every prefix of a good text is bad, and reading stays inside it. */
static void a_cut_text_is_a_fault(void **state)
{
	static const char text[] = "{\"a\": [1.5e-3, \"\\u00e9\\\"\", true], "
				   "\"\xc3\xa9\": {\"b\": null}}";

	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		struct json_doc *doc = NULL;
		struct json_fault fault = { 0 };
		char *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		assert_int_equal(json_parse(copy, n, true, &doc, &fault),
				 -EINVAL);
		assert_true(fault.offset <= n);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_by_type_and_exact_key),
		cmocka_unit_test(comments_are_blank_and_strings_are_not),
		cmocka_unit_test(
			comments_are_faults_where_they_are_not_allowed),
		cmocka_unit_test(a_value_knows_its_line_and_column),
		cmocka_unit_test(an_excerpt_is_cut_between_characters),
		cmocka_unit_test(a_fault_is_found_where_it_is),
		cmocka_unit_test(a_nul_byte_is_a_fault),
		cmocka_unit_test(numbers_longer_than_cjson_reads_are_refused),
		cmocka_unit_test(ten_megabytes_of_nesting_are_a_fault),
		cmocka_unit_test(a_cut_text_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
