#include "lib/strict_json.h"

#include <string.h>

#define LEVELS_MAX 64
#define KEYS_MAX   128

struct text {
	const char *at, *end;
	unsigned level;
};

struct span {
	const char *at;
	size_t len;
};

static bool value(struct text *t);

static void blanks(struct text *t)
{
	while (t->at < t->end && memchr(" \t\r\n", *t->at, 4))
		t->at++;
}

static bool take(struct text *t, char c)
{
	if (t->at == t->end || *t->at != c)
		return false;
	t->at++;
	return true;
}

static bool word(struct text *t, const char *wanted)
{
	size_t len = strlen(wanted);

	if ((size_t)(t->end - t->at) < len || memcmp(t->at, wanted, len) != 0)
		return false;
	t->at += len;
	return true;
}

static bool digits(struct text *t)
{
	const char *start = t->at;

	while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
		t->at++;
	return t->at > start;
}

static bool number(struct text *t)
{
	take(t, '-');
	if (!take(t, '0') && !digits(t))
		return false;
	if (take(t, '.') && !digits(t))
		return false;
	if (take(t, 'e') || take(t, 'E')) {
		if (!take(t, '+'))
			take(t, '-');
		return digits(t);
	}
	return true;
}

static bool escape(struct text *t)
{
	if (t->at == t->end)
		return false;
	if (*t->at != 'u')
		return memchr("\"\\/bfnrt", *t->at++, 8) != NULL;
	t->at++;
	for (int i = 0; i < 4; i++, t->at++)
		if (t->at == t->end ||
		    !memchr("0123456789abcdefABCDEF", *t->at, 22))
			return false;
	return true;
}

/* The code point's bits, its length and its smallest value. */
static bool multibyte(struct text *t)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)*t->at++;
	int n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	unsigned code = lead & (0xffu >> (n + 1));

	if (lead < 0xc0 || lead > 0xf7)
		return false;
	for (int i = 1; i < n; i++, t->at++) {
		if (t->at == t->end || (*t->at & 0xc0) != 0x80)
			return false;
		code = code << 6 | ((unsigned)*t->at & 0x3f);
	}
	return code >= least[n] && code <= 0x10ffff &&
	       (code < 0xd800 || code > 0xdfff);
}

static bool string(struct text *t, struct span *ret_span)
{
	const char *start = t->at + 1;

	if (!take(t, '"'))
		return false;
	while (t->at < t->end && *t->at != '"') {
		if (take(t, '\\')) {
			if (!escape(t))
				return false;
		} else if ((unsigned char)*t->at >= 0x80) {
			if (!multibyte(t))
				return false;
		} else if ((unsigned char)*t->at++ < 0x20) {
			return false;
		}
	}
	*ret_span = (struct span){ start, (size_t)(t->at - start) };
	return take(t, '"');
}

static bool seen(const struct span *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i].len == keys[n].len &&
		    memcmp(keys[i].at, keys[n].at, keys[n].len) == 0)
			return true;
	return false;
}

static bool object(struct text *t)
{
	struct span keys[KEYS_MAX];
	size_t n = 0;

	blanks(t);
	if (take(t, '}'))
		return true;
	do {
		blanks(t);
		if (n == KEYS_MAX || !string(t, &keys[n]) || seen(keys, n))
			return false;
		n++;
		blanks(t);
		if (!take(t, ':') || !value(t))
			return false;
	} while (take(t, ','));
	return take(t, '}');
}

static bool array(struct text *t)
{
	blanks(t);
	if (take(t, ']'))
		return true;
	do {
		if (!value(t))
			return false;
	} while (take(t, ','));
	return take(t, ']');
}

static bool nested(struct text *t, bool (*what)(struct text *t))
{
	bool fine = ++t->level <= LEVELS_MAX && what(t);

	t->level--;
	return fine;
}

static bool bare_value(struct text *t)
{
	struct span ignored;

	if (take(t, '{'))
		return nested(t, object);
	if (take(t, '['))
		return nested(t, array);
	if (t->at < t->end && *t->at == '"')
		return string(t, &ignored);
	return word(t, "true") || word(t, "false") || word(t, "null") ||
	       number(t);
}

static bool value(struct text *t)
{
	bool fine;

	blanks(t);
	fine = bare_value(t);
	blanks(t);
	return fine;
}

bool strict_json(const char *text, size_t len)
{
	struct text t = { .at = text, .end = text + len };

	return value(&t) && t.at == t.end;
}
