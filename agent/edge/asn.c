#include "edge/asn.h"
#include "base/json_scan.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_FIELD 4 /* those before it */

/* --- questions --- */

static size_t put_v4(char *name, size_t size, const uint8_t *b)
{
	return (size_t)snprintf(name, size, "%u.%u.%u.%u.origin.", b[3], b[2],
				b[1], b[0]);
}

static size_t put_v6(char *name, size_t size, const uint8_t *b)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 16; i-- > 0;) {
		name[n++] = hex[b[i] & 15];
		name[n++] = '.';
		name[n++] = hex[b[i] >> 4];
		name[n++] = '.';
	}
	return n + (size_t)snprintf(name + n, size - n, "origin6.");
}

char *edge_asn_ask_origin(const struct ep_address *address, const char *zone,
			  char ret_name[EDGE_ASN_QUESTION_MAX])
{
	size_t n = (address->family == 4 ? put_v4 : put_v6)(
		ret_name, EDGE_ASN_QUESTION_MAX, address->bytes);

	snprintf(ret_name + n, EDGE_ASN_QUESTION_MAX - n, "%s", zone);
	return ret_name;
}

char *edge_asn_ask_name(uint32_t number, const char *zone,
			char ret_name[EDGE_ASN_QUESTION_MAX])
{
	snprintf(ret_name, EDGE_ASN_QUESTION_MAX, "AS%u.%s", number, zone);
	return ret_name;
}

/* --- answers --- */

struct span {
	const char *at;
	size_t len;
};

static struct span trim(struct span s)
{
	while (s.len > 0 && *s.at == ' ') {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && s.at[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* What is before the first `end`, which is taken from `rest` with it. */
static struct span cut(struct span *rest, char end)
{
	const char *found = rest->len ? memchr(rest->at, end, rest->len) : NULL;
	struct span s = *rest;

	if (found == NULL) {
		*rest = (struct span){ rest->at + rest->len, 0 };
		return s;
	}
	s.len = (size_t)(found - s.at);
	rest->at += s.len + 1;
	rest->len -= s.len + 1;
	return s;
}

/* Digits only; false: none, or more than `max`. */
static bool number_of(struct span s, uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		number = number * 10 + (unsigned)(s.at[i] - '0');
		if (number > max)
			return false;
	}
	*ret_number = (uint32_t)number;
	return s.len > 0;
}

/* False: `s` is no prefix. */
static bool prefix_length(struct span s, uint32_t *ret_length)
{
	char text[EP_ADDRESS_TEXT_MAX];
	struct span host = cut(&s, '/');
	struct ep_address address;

	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	return ep_address_parse(text, &address) == 0 &&
	       number_of(s, address.family == 4 ? 32 : 128, ret_length);
}

uint32_t edge_asn_origin(const char *text)
{
	struct span rest = { text, strlen(text) };
	uint32_t best = 0, longest = 0;

	while (rest.len > 0) {
		struct span line = cut(&rest, '\n');
		struct span numbers = trim(cut(&line, '|'));
		uint32_t number, length;

		if (!number_of(cut(&numbers, ' '), UINT32_MAX, &number) ||
		    !prefix_length(trim(cut(&line, '|')), &length) ||
		    number == 0 || (best != 0 && length <= longest))
			continue;
		best = number;
		longest = length;
	}
	return best;
}

/* UTF-8 has its second control characters behind this byte. */
static bool is_control(const char *at)
{
	unsigned char c = (unsigned char)at[0], next = (unsigned char)at[1];

	return c < 0x20 || c == 0x7f ||
	       (c == 0xc2 && next >= 0x80 && next < 0xa0);
}

/* Where the character that byte `max` belongs to begins, if that is there. */
static size_t whole(struct span s, size_t max)
{
	size_t n = max;

	if (s.len <= max)
		return s.len;
	while (n > max - 4 && ((unsigned char)s.at[n] & 0xc0) == 0x80)
		n--;
	return n > max - 4 ? n : max;
}

static void make_printable(char *name)
{
	struct json_fault fault;
	bool utf8 = json_check_bytes(name, strlen(name), &fault) == 0;

	for (char *c = name; *c != '\0'; c++) {
		bool first = (unsigned char)*c < 0x80;

		if (!is_control(c) && (first || utf8))
			continue;
		if (!first && utf8)
			*c++ = '?';
		*c = '?';
	}
}

static struct span name_of(struct span line, uint32_t number)
{
	static const struct span none = { "", 0 };
	uint32_t said;

	if (!number_of(trim(cut(&line, '|')), UINT32_MAX, &said) ||
	    said != number)
		return none;
	for (int i = 1; i < NAME_FIELD; i++)
		cut(&line, '|');
	return trim(line);
}

int edge_asn_name(const char *text, uint32_t number,
		  char ret_name[EDGE_ASN_NAME_MAX])
{
	struct span rest = { text, strlen(text) };

	while (rest.len > 0) {
		struct span name = name_of(cut(&rest, '\n'), number);

		if (name.len == 0)
			continue;
		name.len = whole(name, EDGE_ASN_NAME_MAX - 1);
		memcpy(ret_name, name.at, name.len);
		ret_name[name.len] = '\0';
		make_printable(ret_name);
		return 0;
	}
	return -EINVAL;
}
