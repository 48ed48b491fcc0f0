#include "report/clickhouse/tsv.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void tsv_init(struct tsv *t, char *line)
{
	t->next = line;
	t->bad = false;
}

/* NULL: there is none, which makes the line bad. */
static char *field(struct tsv *t)
{
	char *text = t->next, *end;

	if (t->bad || text == NULL) {
		t->bad = true;
		return NULL;
	}
	end = strchr(text, '\t');
	t->next = end == NULL ? NULL : end + 1;
	if (end != NULL)
		*end = '\0';
	return text;
}

static char unescape(char c)
{
	static const char from[] = "bfnrt0", to[] = "\b\f\n\r\t\0";
	const char *at = c == '\0' ? NULL : strchr(from, c);

	return at == NULL ? c : to[at - from];
}

char *tsv_text(struct tsv *t)
{
	static char none[1];
	char *text = field(t), *out = text;

	if (text == NULL || strcmp(text, "\\N") == 0)
		return none;
	for (const char *in = text; *in != '\0'; in++) {
		if (*in == '\\' && in[1] != '\0')
			*out++ = unescape(*++in);
		else
			*out++ = *in;
	}
	*out = '\0';
	return text;
}

/* Digits up to a byte of `ends`, of which one has to be there. */
static bool digits(char **at, const char *ends, uint64_t *ret_value)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret_value = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0 && (strchr(ends, *end) != NULL);
}

uint64_t tsv_uint(struct tsv *t)
{
	char *text = field(t);
	uint64_t value = 0;

	if (text == NULL)
		return 0;
	if (digits(&text, "", &value) && *text == '\0')
		return value;
	t->bad = true;
	return 0;
}

double tsv_double(struct tsv *t)
{
	char *text = field(t), *end;
	double value;

	if (text == NULL)
		return 0;
	if (strcmp(text, "\\N") == 0)
		return (double)NAN;
	value = strtod(text, &end);
	if (end != text && *end == '\0' && !isspace((unsigned char)*text))
		return value;
	t->bad = true;
	return 0;
}

bool tsv_done(const struct tsv *t)
{
	return !t->bad && t->next == NULL;
}

struct tsv_map tsv_map(struct tsv *t)
{
	struct tsv_map map = { .bad = true };
	char *text = field(t), *middle;
	size_t n = text == NULL ? 0 : strlen(text);

	middle = text == NULL ? NULL : strstr(text, "],[");
	if (middle == NULL || n < 7 || memcmp(text, "([", 2) != 0 ||
	    strcmp(text + n - 2, "])") != 0) {
		t->bad = true;
		return map;
	}
	map.keys = text + 2;
	map.values = middle + 3;
	map.bad = false;
	return map;
}

bool tsv_map_next(struct tsv_map *map, uint64_t *ret_key, uint64_t *ret_value)
{
	if (map->bad || (*map->keys == ']' && *map->values == ']'))
		return false;
	map->bad = !digits(&map->keys, ",]", ret_key) ||
		   !digits(&map->values, ",]", ret_value) ||
		   *map->keys != *map->values;
	if (map->bad)
		return false;
	if (*map->keys == ',') {
		map->keys++;
		map->values++;
		map->bad = !isdigit((unsigned char)*map->keys);
	}
	return true;
}
