#include "core/cert.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/sample.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>

#define DAY_S 86400

struct span {
	const char *at;
	size_t n;
};

static bool type_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.';
}

static size_t blanks(const char *at)
{
	return strspn(at, " ");
}

/* Length of an attribute type at `at`, or 0 if what is there is none: letters
 * followed by '='. */
static size_t type_length(const char *at)
{
	size_t n = 0;

	while (type_byte(at[n]))
		n++;
	return n > 0 && at[n + blanks(at + n)] == '=' ? n : 0;
}

/* Where the value that starts at `at` ends: at the end, or at a separator that
 * an attribute follows; "Example, Inc." is one value. */
static const char *value_end(const char *at)
{
	for (; *at != '\0'; at++) {
		if (*at != ',' && *at != ';' && *at != '+')
			continue;
		if (type_length(at + 1 + blanks(at + 1)) > 0)
			break;
	}
	return at;
}

static struct span unquote(struct span s)
{
	while (s.n > 0 && s.at[s.n - 1] == ' ')
		s.n--;
	if (s.n >= 2 && s.at[0] == '"' && s.at[s.n - 1] == '"')
		return (struct span){ s.at + 1, s.n - 2 };
	return s;
}

/* The value of the first attribute of `type`; empty if there is none. */
static struct span attribute(const char *name, const char *type)
{
	const char *at = name + blanks(name);
	size_t n;

	while ((n = type_length(at)) > 0) {
		const char *value = at + n + blanks(at + n) + 1;
		const char *end;

		value += blanks(value);
		end = value_end(value);
		if (n == strlen(type) && memcmp(at, type, n) == 0)
			return unquote(
				(struct span){ value, (size_t)(end - value) });
		if (*end == '\0')
			break;
		at = end + 1 + blanks(end + 1);
	}
	return (struct span){ name, 0 };
}

/* Bytes of the UTF-8 character at the start of `s`; 0 if it is broken. */
static size_t utf8_length(struct span s)
{
	unsigned char lead = (unsigned char)s.at[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (n == 1)
		return lead >= ' ' && lead != 0x7f;
	if (lead < 0xc2 || lead > 0xf4 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.at[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((lead == 0xe0 && (unsigned char)s.at[1] < 0xa0) ||
	    (lead == 0xed && (unsigned char)s.at[1] > 0x9f) ||
	    (lead == 0xf0 && (unsigned char)s.at[1] < 0x90) ||
	    (lead == 0xf4 && (unsigned char)s.at[1] > 0x8f))
		return 0;
	return n;
}

static void put_text(struct span from, char *ret, size_t size)
{
	size_t at = 0;

	while (from.n > 0) {
		size_t n = utf8_length(from);
		size_t taken = n > 0 ? n : 1;

		if (at + taken > size - 1)
			break;
		memcpy(ret + at, n > 0 ? from.at : "?", taken);
		at += taken;
		from.at += taken;
		from.n -= taken;
	}
	ret[at] = '\0';
}

void cert_issuer(const char *name, char *ret_issuer, size_t size)
{
	struct span found = attribute(name, "O");

	if (found.n == 0)
		found = attribute(name, "CN");
	put_text(found, ret_issuer, size);
}

int32_t cert_days_left(const char *expires, uint64_t now_ns)
{
	int64_t at_s = (int64_t)curl_getdate(expires, NULL);
	int64_t left_s = at_s - (int64_t)(now_ns / EP_NS_PER_S);
	int64_t days = left_s / DAY_S;

	if (at_s == -1)
		return EP_DAYS_ABSENT;
	if (left_s < 0 && left_s % DAY_S != 0)
		days--;
	if (days > INT32_MAX || days <= EP_DAYS_ABSENT)
		return EP_DAYS_ABSENT;
	return (int32_t)days;
}
