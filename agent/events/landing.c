#include "events/landing.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As text: the location of now ("-": none), since when it is not an expected
 * one (0: it is), the first and the last answer; then of each location its code
 * and its answers. Times are wall clock, in ns. */

static bool is_word(const char *code)
{
	size_t n = 0;

	while (isalnum((unsigned char)code[n]))
		n++;
	return n > 0 && code[n] == '\0';
}

bool landing_write(const struct landing *landing, struct buf *out)
{
	const struct pops *p = &landing->pops;

	if (p->first_ns == 0)
		return false;
	buf_printf(out, "%s %llu %llu %llu",
		   is_word(landing->pop) ? landing->pop : "-",
		   (unsigned long long)landing->astray_ns,
		   (unsigned long long)p->first_ns,
		   (unsigned long long)p->last_ns);
	for (size_t i = 0; i < POPS_MAX; i++)
		if (is_word(p->at[i].code) && p->at[i].answers > 0)
			buf_printf(out, " %s %.2f", p->at[i].code,
				   p->at[i].answers);
	return true;
}

/* The next word of `*at`, if it is of `size` at most with its NUL. */
static bool take_word(const char **at, char *word, size_t size)
{
	size_t n = strcspn(*at, " ");

	if (n == 0 || n >= size)
		return false;
	memcpy(word, *at, n);
	word[n] = '\0';
	*at += n + ((*at)[n] == ' ');
	return true;
}

static bool take_ns(const char **at, uint64_t *ret_ns)
{
	char word[24], *end;

	if (!take_word(at, word, sizeof(word)) ||
	    !isdigit((unsigned char)word[0]))
		return false;
	*ret_ns = strtoull(word, &end, 10);
	return *end == '\0';
}

static bool take_pop(const char **at, struct pops *pops, size_t i)
{
	char word[32], *end;

	if (i == POPS_MAX ||
	    !take_word(at, pops->at[i].code, sizeof(pops->at[i].code)) ||
	    !is_word(pops->at[i].code) || !take_word(at, word, sizeof(word)))
		return false;
	pops->at[i].answers = strtod(word, &end);
	return *end == '\0' && isfinite(pops->at[i].answers) &&
	       pops->at[i].answers >= 0;
}

bool landing_read(struct landing *landing, const char *text)
{
	struct landing l = { .others = 0 };
	struct pops *p = &l.pops;

	if (!take_word(&text, l.pop, sizeof(l.pop)) ||
	    !take_ns(&text, &l.astray_ns) || !take_ns(&text, &p->first_ns) ||
	    !take_ns(&text, &p->last_ns) || p->first_ns == 0 ||
	    p->first_ns > p->last_ns)
		return false;
	for (size_t i = 0; *text != '\0'; i++)
		if (!take_pop(&text, p, i))
			return false;
	if (strcmp(l.pop, "-") == 0)
		l.pop[0] = '\0';
	else if (!is_word(l.pop))
		return false;
	*landing = l;
	return true;
}
