#include "base/json_scan.h"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct scan {
	const char *text;
	size_t len, at;
	size_t values; /* begun so far */
	unsigned depth;
	struct json_fault *fault;
	/* The value that is looked for, and where it was found. */
	size_t nth, value_at, key_at;
};

static int value(struct scan *s, size_t key_at);

__attribute__((format(printf, 3, 4))) static int
fault_at(struct json_fault *fault, size_t offset, const char *format, ...)
{
	va_list args;

	fault->offset = offset;
	va_start(args, format);
	vsnprintf(fault->text, sizeof fault->text, format, args);
	va_end(args);
	return -EINVAL;
}

/* The next byte; '\0' at the end, as no text holds one. */
static char peek(const struct scan *s)
{
	return s->at < s->len ? s->text[s->at] : '\0';
}

static void skip_space(struct scan *s)
{
	while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]))
		s->at++;
}

static int expected(struct scan *s, const char *what)
{
	if (s->at == s->len)
		return fault_at(s->fault, s->at,
				"the text ends where %s is "
				"expected",
				what);
	return fault_at(s->fault, s->at, "%s is expected", what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* The four digits of \uXXXX at `at`; -1: not that. */
static int32_t code_unit(const struct scan *s, size_t at)
{
	int32_t unit = 0;

	if (at + 6 > s->len || s->text[at] != '\\' || s->text[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + 6; i++) {
		int digit = hex(s->text[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static int unicode_escape(struct scan *s)
{
	int32_t first = code_unit(s, s->at), second;

	if (first < 0)
		return fault_at(s->fault, s->at,
				"\\u needs four hexadecimal digits");
	if (first == 0)
		return fault_at(s->fault, s->at,
				"a NUL is not allowed, not even as \\u0000");
	if (first < 0xd800 || first > 0xdfff) {
		s->at += 6;
		return 0;
	}
	second = code_unit(s, s->at + 6);
	if (first > 0xdbff || second < 0xdc00 || second > 0xdfff)
		return fault_at(s->fault, s->at,
				"half a character: two \\u escapes, "
				"\\ud800..\\udbff and \\udc00..\\udfff, "
				"make one");
	s->at += 12;
	return 0;
}

static int escape(struct scan *s)
{
	char c = s->at + 1 < s->len ? s->text[s->at + 1] : '\0';

	if (c == 'u')
		return unicode_escape(s);
	if (c == '\0' || !strchr("\"\\/bfnrt", c))
		return fault_at(s->fault, s->at,
				"no such escape: \\\" \\\\ \\/ \\b \\f \\n "
				"\\r \\t \\uXXXX are allowed");
	s->at += 2;
	return 0;
}

/* The opening quote is next. */
static int string(struct scan *s)
{
	size_t start = s->at++;

	while (s->at < s->len && s->text[s->at] != '"') {
		unsigned char c = (unsigned char)s->text[s->at];
		int r = 0;

		if (c < 0x20)
			return fault_at(s->fault, s->at,
					c == '\n' ? "the line ends inside a "
						    "string: a closing \" is "
						    "expected"
						  : "a control character in a "
						    "string: write \\t, \\n "
						    "or \\u%04x",
					c);
		if (c == '\\')
			r = escape(s);
		else
			s->at++;
		if (r < 0)
			return r;
	}
	if (s->at == s->len)
		return fault_at(s->fault, start, "this string does not end");
	s->at++;
	return 0;
}

static bool digits(struct scan *s)
{
	size_t start = s->at;

	while (is_digit(peek(s)))
		s->at++;
	return s->at > start;
}

static int number(struct scan *s)
{
	size_t start = s->at;
	bool good;

	s->at += peek(s) == '-';
	if (peek(s) == '0')
		good = s->at++ < s->len && !is_digit(peek(s));
	else
		good = digits(s);
	if (good && peek(s) == '.') {
		s->at++;
		good = digits(s);
	}
	if (good && (peek(s) | 0x20) == 'e') {
		s->at++;
		s->at += peek(s) == '+' || peek(s) == '-';
		good = digits(s);
	}
	if (!good)
		return fault_at(s->fault, start,
				"a number is written like 12, -3, 4.5 or 1e6");
	if (s->at - start > JSON_NUMBER_MAX)
		return fault_at(s->fault, start,
				"a number has at most %d characters",
				JSON_NUMBER_MAX);
	return 0;
}

static int word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = strlen(words[i]);

		if (s->len - s->at >= n &&
		    memcmp(s->text + s->at, words[i], n) == 0) {
			s->at += n;
			return 0;
		}
	}
	return expected(s, "a value (\"text\", number, true, false, null, [ or "
			   "{)");
}

static int member(struct scan *s)
{
	size_t key_at = s->at;
	int r;

	if (peek(s) != '"')
		return expected(s, "a key in double quotes");
	r = string(s);
	if (r < 0)
		return r;
	skip_space(s);
	if (peek(s) != ':')
		return expected(s, "a colon after the key");
	s->at++;
	skip_space(s);
	return value(s, key_at);
}

/* After a member: a comma and another one, or the end. */
static int separator(struct scan *s, char end)
{
	skip_space(s);
	if (peek(s) == end)
		return 0;
	if (peek(s) != ',')
		return expected(s,
				end == '}' ? "a comma or }" : "a comma or ]");
	s->at++;
	skip_space(s);
	if (peek(s) == end)
		return fault_at(s->fault, s->at,
				"no comma is allowed before %c", end);
	return 0;
}

/* An array or an object: the opening bracket is next. */
static int list(struct scan *s)
{
	size_t start = s->at;
	bool object = s->text[s->at++] == '{';
	char end = object ? '}' : ']';
	int r;

	if (++s->depth > JSON_DEPTH_MAX)
		return fault_at(s->fault, start,
				"nested too deep: at most %d levels are "
				"allowed",
				JSON_DEPTH_MAX);
	skip_space(s);
	while (peek(s) != end) {
		r = object ? member(s) : value(s, s->at);
		if (r < 0)
			return r;
		r = separator(s, end);
		if (r < 0)
			return r;
	}
	s->at++;
	s->depth--;
	return 0;
}

/* `key_at`: of the key if it is a member, else of the value itself. */
static int value(struct scan *s, size_t key_at)
{
	char c = peek(s);

	if (s->values++ == s->nth) {
		s->value_at = s->at;
		s->key_at = key_at;
	}
	if (c == '{' || c == '[')
		return list(s);
	if (c == '"')
		return string(s);
	if (c == '-' || is_digit(c))
		return number(s);
	return word(s);
}

/* Bytes of the UTF-8 character at `p`, of which `left` are there; 0: none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0; /* too long a form, a surrogate, beyond U+10FFFF */
	return n;
}

int json_check_bytes(const char *text, size_t len, struct json_fault *fault)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\0')
			return fault_at(fault, i,
					"a NUL byte: the file has to be text "
					"in UTF-8");
		n = utf8_length((const unsigned char *)text + i, len - i);
		if (n == 0)
			return fault_at(fault, i,
					"byte 0x%02x is not UTF-8: the file "
					"has to be saved as UTF-8",
					c);
	}
	return 0;
}

int json_scan(const char *text, size_t len, struct json_fault *ret_fault)
{
	struct scan s = { .text = text, .len = len, .fault = ret_fault };
	int r;

	skip_space(&s);
	if (s.at == len)
		return fault_at(ret_fault, 0, "empty: at least {} is expected");
	r = value(&s, s.at);
	if (r < 0)
		return r;
	skip_space(&s);
	if (s.at < len)
		return fault_at(ret_fault, s.at,
				"nothing is allowed after the closing bracket");
	return 0;
}

size_t json_scan_offset(const char *text, size_t len, size_t nth, bool key)
{
	struct json_fault none;
	struct scan s = {
		.text = text, .len = len, .fault = &none, .nth = nth
	};

	skip_space(&s);
	value(&s, s.at);
	return key ? s.key_at : s.value_at;
}

size_t json_scan_length(const char *text, size_t len)
{
	struct json_fault none;
	struct scan s = {
		.text = text, .len = len, .fault = &none, .nth = SIZE_MAX
	};

	value(&s, 0);
	return s.at;
}

/* The end of the string that starts at `at`, or of its line. */
static size_t skip_string(const char *text, size_t len, size_t at)
{
	for (at++; at < len && text[at] != '\n'; at++) {
		if (text[at] == '"')
			return at + 1;
		if (text[at] == '\\')
			at++;
	}
	return at < len ? at : len;
}

/* The end of the comment that starts at `at`; `at` itself: there is none;
 * SIZE_MAX: it does not end. */
static size_t skip_comment(const char *text, size_t len, size_t at)
{
	const char *end;

	if (len - at < 2 || text[at] != '/')
		return at;
	if (text[at + 1] == '/') {
		end = memchr(text + at, '\n', len - at);
		return end ? (size_t)(end - text) : len;
	}
	if (text[at + 1] != '*')
		return at;
	end = memmem(text + at + 2, len - at - 2, "*/", 2);
	return end ? (size_t)(end - text) + 2 : SIZE_MAX;
}

int json_blank_comments(char *text, size_t len, struct json_fault *ret_fault)
{
	size_t i = 0;

	while (i < len) {
		size_t end = skip_comment(text, len, i);

		if (end == SIZE_MAX)
			return fault_at(ret_fault, i,
					"this comment does not end: */ is "
					"expected");
		if (end == i) {
			i = text[i] == '"' ? skip_string(text, len, i) : i + 1;
			continue;
		}
		for (; i < end; i++)
			if (text[i] != '\n')
				text[i] = ' ';
	}
	return 0;
}
