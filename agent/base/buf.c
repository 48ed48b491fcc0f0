#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256

#define NS_PER_US 1000u
#define NS_PER_S  UINT64_C(1000000000)
#define S_PER_DAY 86400u

/* What an empty buffer points to, so that `data` is a text from the start.
 * Never written: a buffer of size 0 is grown before its first byte. */
static char nothing[1];

void buf_init(struct buf *b, size_t max)
{
	assert(max < SIZE_MAX / 2);
	*b = (struct buf){ .data = nothing, .max = max };
}

void buf_finish(struct buf *b)
{
	if (b->size > 0)
		free(b->data);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->size > 0)
		b->data[0] = '\0';
}

/* `need` is at most max + 1. */
static bool grow(struct buf *b, size_t need)
{
	size_t size = b->size < FIRST_SIZE ? FIRST_SIZE : b->size;
	char *data;

	while (size < need)
		size *= 2;
	if (size > b->max + 1)
		size = b->max + 1;
	data = realloc(b->size > 0 ? b->data : NULL, size);
	if (!data) {
		b->error = -ENOMEM;
		return false;
	}
	b->data = data;
	b->size = size;
	return true;
}

/* Room for `len` more bytes and the NUL, or an error that stays. */
static bool reserve(struct buf *b, size_t len)
{
	if (b->error)
		return false;
	if (len > b->max - b->len) {
		b->error = -E2BIG;
		return false;
	}
	return b->len + len < b->size || grow(b, b->len + len + 1);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* The digits of `value`, written so that they end before `end`. */
static char *digits(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return end;
}

void buf_uint(struct buf *b, uint64_t value)
{
	char text[20];
	char *end = text + sizeof(text);
	char *start = digits(end, value);

	buf_add(b, start, (size_t)(end - start));
}

/* Without the overflow that -INT64_MIN is. */
static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void buf_int(struct buf *b, int64_t value)
{
	char text[21];
	char *end = text + sizeof(text);
	char *start = digits(end, magnitude(value));

	if (value < 0)
		*--start = '-';
	buf_add(b, start, (size_t)(end - start));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);
	if (!reserve(b, (size_t)len))
		return;
	va_start(args, format);
	vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
}

/* --- JSON --- */

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 sequence at `s`, 0 if it is none. The second byte's
 * bounds keep out overlong forms, surrogates and what is above U+10FFFF. */
static size_t utf8_len(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	if (s[0] < 0xe0)
		return is_tail(s[1]) ? 2 : 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high || !is_tail(s[2]))
		return 0;
	if (s[0] < 0xf0)
		return 3;
	return is_tail(s[3]) ? 4 : 0;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (c == '"' || c == '\\') {
		text[1] = (char)c;
		buf_add(b, text, 2);
		return;
	}
	buf_add(b, text, sizeof(text));
}

/* One character that is not plain; returns how many bytes it was. */
static size_t add_special(struct buf *b, const unsigned char *s)
{
	size_t len = utf8_len(s);

	if (len == 0) {
		buf_text(b, "\xef\xbf\xbd");
		return 1;
	}
	if (len == 1)
		add_escape(b, *s);
	else
		buf_add(b, s, len);
	return len;
}

/* Take back what was added since `len`, if it did not all fit. */
static void keep_whole(struct buf *b, size_t len)
{
	if (!b->error || b->len == len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

/* From the first character that is not plain. */
static void add_mixed(struct buf *b, const unsigned char *s)
{
	while (*s) {
		const unsigned char *start = s;

		while (is_plain(*s))
			s++;
		buf_add(b, start, (size_t)(s - start));
		if (*s)
			s += add_special(b, s);
	}
}

void buf_json_text(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = b->len, plain = 0;

	while (is_plain(s[plain]))
		plain++;
	if (!reserve(b, plain + 2))
		return;
	b->data[len] = '"';
	memcpy(b->data + len + 1, s, plain);
	b->len = len + 1 + plain;
	add_mixed(b, s + plain);
	buf_char(b, '"');
	keep_whole(b, len);
}

void buf_json_us(struct buf *b, int64_t ns)
{
	uint64_t value = magnitude(ns);
	unsigned fraction = (unsigned)(value % NS_PER_US);
	char text[24]; /* a sign, 17 digits, a point, three more */
	char *end = text + sizeof(text);
	char *start, *stop = end;

	if (fraction > 0) {
		*--end = (char)('0' + fraction % 10);
		*--end = (char)('0' + fraction / 10 % 10);
		*--end = (char)('0' + fraction / 100);
		*--end = '.';
	}
	start = digits(end, value / NS_PER_US);
	if (fraction > 0)
		while (stop[-1] == '0')
			stop--;
	if (ns < 0)
		*--start = '-';
	buf_add(b, start, (size_t)(stop - start));
}

/* --- HTML --- */

static const char *entity(unsigned char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void buf_html_text(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		const char *escaped = entity(*s);
		size_t len = utf8_len(s);

		if (escaped)
			buf_text(b, escaped);
		else if (len == 0 || *s < 0x20 || *s == 0x7f)
			buf_text(b, "\xef\xbf\xbd");
		else
			buf_add(b, s, len);
		s += len == 0 ? 1 : len;
	}
}

/* `value` in `n` digits from `at`; returns what follows. */
static char *padded(char *at, unsigned n, uint64_t value)
{
	for (unsigned i = n; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + n;
}

/* Proleptic Gregorian date of a day since 1970, counted in years that begin
 * on 1 March, so that the leap day is the last (H. Hinnant's algorithm). */
static char *add_date(char *at, uint64_t day)
{
	uint64_t days = day + 719468;
	uint64_t era = days / 146097, in_era = days % 146097;
	uint64_t year =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) /
		365;
	uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * in_year + 2) / 153; /* 0: March */
	uint64_t of_month = in_year - (153 * month + 2) / 5 + 1;

	at = padded(at, 4, era * 400 + year + (month >= 10));
	*at++ = '-';
	at = padded(at, 2, month < 10 ? month + 3 : month - 9);
	*at++ = '-';
	return padded(at, 2, of_month);
}

void buf_json_time(struct buf *b, uint64_t wall_ns)
{
	char text[] = "\"1970-01-01T00:00:00.000000Z\"";
	uint64_t second = wall_ns / NS_PER_S;
	uint64_t of_day = second % S_PER_DAY;

	add_date(text + 1, second / S_PER_DAY);
	padded(text + 12, 2, of_day / 3600);
	padded(text + 15, 2, of_day / 60 % 60);
	padded(text + 18, 2, of_day % 60);
	padded(text + 21, 6, wall_ns % NS_PER_S / NS_PER_US);
	buf_add(b, text, sizeof(text) - 1);
}
