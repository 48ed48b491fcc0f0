/* Where PoPs lie with respect to what is registered. Registered locations are
 * free texts; both they and the names of cities are folded to small letters and
 * single spaces before they are compared. */
#include "edge/pop.h"
#include "report/judging/runs.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define FOLDED_MAX 160

/* U+00C0 to U+00FF; '-' is no letter. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo-ouuuuytsaaaaaaaceeeeiiii"
			    "dnooooo-ouuuuyty";

static char fold_byte(const unsigned char **text)
{
	const unsigned char *p = *text;

	*text = p + 1;
	if (*p >= 'A' && *p <= 'Z')
		return (char)(*p - 'A' + 'a');
	if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9'))
		return (char)*p;
	if (*p == 0xc3 && p[1] >= 0x80 && p[1] <= 0xbf) {
		*text = p + 2;
		return latin[p[1] - 0x80];
	}
	return ' ';
}

static bool is_e_of_umlaut(const char *folded, size_t n, char c)
{
	return c == 'e' && n > 0 && strchr("aou", folded[n - 1]) != NULL;
}

/* "Düsseldorf", "Duesseldorf" and "DUSSELDORF" become " dusseldorf ": a space
 * before and behind each word. Too long a text is cut. */
static void fold_text(const char *text, size_t len, char folded[FOLDED_MAX])
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	size_t n = 1;

	folded[0] = ' ';
	while (p < end && *p != '\0' && n < FOLDED_MAX - 2) {
		char c = fold_byte(&p);

		if (c == '-')
			c = ' ';
		if (is_e_of_umlaut(folded, n, c) ||
		    (c == ' ' && folded[n - 1] == ' '))
			continue;
		folded[n++] = c;
	}
	if (folded[n - 1] != ' ')
		folded[n++] = ' ';
	folded[n] = '\0';
}

static bool has_words(const char *folded, const char *words)
{
	char other[FOLDED_MAX];

	fold_text(words, strlen(words), other);
	return other[1] != '\0' && strstr(folded, other) != NULL;
}

/* By the code that stands alone or before a comma. */
static const struct edge_pop *pop_of_code(const char *text)
{
	size_t n = strcspn(text, ",( ");
	char code[8];

	if (n == 0 || n >= sizeof(code) ||
	    (text[n] == ' ' && strpbrk(&text[n], ",(") == NULL))
		return NULL;
	for (size_t i = 0; i < n; i++)
		code[i] = text[i] >= 'a' && text[i] <= 'z'
				  ? (char)(text[i] - 'a' + 'A')
				  : text[i];
	code[n] = '\0';
	return edge_pop_find(code);
}

/* "London, Canada" is not the London of the table. */
static bool is_elsewhere(const char *text, const struct edge_pop *pop)
{
	const char *comma = strrchr(text, ',');
	char country[FOLDED_MAX];
	size_t n;
	const struct edge_pop *pops = edge_pops(&n);

	if (comma == NULL)
		return false;
	fold_text(comma + 1, strlen(comma + 1), country);
	if (has_words(country, pop->country))
		return false;
	for (size_t i = 0; i < n; i++)
		if (has_words(country, pops[i].country))
			return true;
	return false;
}

static bool is_of_city(const char *text, const struct edge_pop *pop)
{
	const struct edge_pop *named = pop_of_code(text);
	char folded[FOLDED_MAX];

	if (named != NULL && strcmp(named->city, pop->city) == 0 &&
	    strcmp(named->country, pop->country) == 0)
		return true;
	fold_text(text, strlen(text), folded);
	return has_words(folded, pop->city) && !is_elsewhere(text, pop);
}

static bool is_at(const char *text, const char *code)
{
	const struct edge_pop *pop = edge_pop_find(code);

	if (*text == '\0')
		return false;
	return strcasecmp(text, code) == 0 ||
	       (pop != NULL && is_of_city(text, pop));
}

/* Whether the table has the place that is registered. */
static bool is_known(const char *text)
{
	size_t n;
	const struct edge_pop *pops = edge_pops(&n);

	for (size_t i = 0; i < n; i++)
		if (is_of_city(text, &pops[i]))
			return true;
	return *text == '\0';
}

enum model_location runs_location(const char *pop, const char *primary,
				  const char *backup)
{
	if (*primary == '\0' && *backup == '\0')
		return MODEL_UNREGISTERED;
	if (is_at(primary, pop))
		return MODEL_PRIMARY;
	if (is_at(backup, pop))
		return MODEL_BACKUP;
	if (edge_pop_find(pop) == NULL || !is_known(primary) ||
	    !is_known(backup))
		return MODEL_UNKNOWN_POP;
	return MODEL_NEITHER;
}

/* --- failovers --- */

static bool is_away(enum model_location location)
{
	return location == MODEL_BACKUP || location == MODEL_NEITHER;
}

/* From run `i` on; returns the run after it. */
static size_t read_failover(const struct model_circuit *c, size_t i,
			    struct model_failover *ret)
{
	uint64_t most = 0;

	*ret = (struct model_failover){ .from_ns = c->runs[i].from_ns };
	for (; i < c->n_runs; i++) {
		const struct model_run *run = &c->runs[i];

		if (run->location == MODEL_PRIMARY) {
			ret->back_ns = run->from_ns;
			break;
		}
		if (!is_away(run->location))
			continue;
		ret->last_ns = run->to_ns;
		if (run->n > most) {
			most = run->n;
			ret->location = run->location;
			ret->pop = run->pop;
		}
	}
	return i;
}

static int find_failovers(struct model_circuit *c, struct arena *arena)
{
	c->n_failovers = 0;
	c->failovers = arena_alloc(arena, c->n_runs, sizeof(*c->failovers));
	if (c->failovers == NULL)
		return -ENOMEM;
	if (*c->primary_location == '\0')
		return 0;
	for (size_t i = 0; i < c->n_runs;) {
		if (is_away(c->runs[i].location))
			i = read_failover(c, i,
					  &c->failovers[c->n_failovers++]);
		else
			i++;
	}
	return 0;
}

int runs_locate(struct model_circuit *circuit, struct arena *arena)
{
	struct model_circuit *c = circuit;
	size_t i = c->n_runs;

	for (size_t at = 0; at < c->n_runs; at++)
		c->runs[at].location =
			runs_location(c->runs[at].pop, c->primary_location,
				      c->backup_location);
	c->location = MODEL_UNREGISTERED;
	c->location_since_ns = 0;
	if (i > 0)
		c->location = c->runs[i - 1].location;
	else if (*c->primary_location != '\0' || *c->backup_location != '\0')
		c->location = MODEL_UNKNOWN_POP;
	while (i > 0 && c->runs[i - 1].location == c->location)
		c->location_since_ns = c->runs[--i].from_ns;
	return find_failovers(c, arena);
}
