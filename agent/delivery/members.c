#include "delivery/members.h"

#include "base/json_scan.h"

#include <string.h>

static void skip_space(struct members *m)
{
	while (m->at < m->end && memchr(" \t\r\n", *m->at, 4))
		m->at++;
}

bool members_valid(const char *text, size_t len)
{
	struct json_fault fault;

	return json_check_bytes(text, len, &fault) == 0 &&
	       json_scan(text, len, &fault) == 0;
}

bool members_open(struct members *m, const char *text, size_t len)
{
	*m = (struct members){ .at = text, .end = text + len };
	skip_space(m);
	if (m->at == m->end || (*m->at != '{' && *m->at != '['))
		return false;
	m->object = *m->at++ == '{';
	return true;
}

/* The value or key that is next. */
static size_t take(struct members *m, const char **ret_text)
{
	size_t len = json_scan_length(m->at, (size_t)(m->end - m->at));

	*ret_text = m->at;
	m->at += len;
	return len;
}

bool members_next(struct members *m, struct member *ret_member)
{
	struct member found = { .key = "" };

	skip_space(m);
	if (m->at < m->end && *m->at == ',')
		m->at++;
	skip_space(m);
	if (m->at == m->end || *m->at == '}' || *m->at == ']')
		return false;
	if (m->object) {
		found.key_len = take(m, &found.key) - 2;
		found.key++;
		skip_space(m);
		m->at++; /* the colon */
		skip_space(m);
	}
	found.len = take(m, &found.value);
	*ret_member = found;
	return true;
}

bool members_find(const char *text, size_t len, const char *key,
		  struct member *ret_member)
{
	struct members m;
	struct member found;

	if (!members_open(&m, text, len) || !m.object)
		return false;
	while (members_next(&m, &found)) {
		if (member_is(&found, key)) {
			*ret_member = found;
			return true;
		}
	}
	return false;
}

bool member_is(const struct member *member, const char *key)
{
	return member->key_len == strlen(key) &&
	       memcmp(member->key, key, member->key_len) == 0;
}

bool member_count(const struct member *member, uint64_t *ret_count)
{
	const char *at = member->value, *end = at + member->len;
	uint64_t count = 0;

	if (at < end && *at == '"') {
		at++;
		end--;
	}
	if (at == end)
		return false;
	for (; at < end; at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (digit > 9)
			return false;
		if (count > (UINT64_MAX - digit) / 10)
			count = UINT64_MAX;
		else
			count = count * 10 + digit;
	}
	*ret_count = count;
	return true;
}
