#include "events/pops.h"
#include "edge/pop.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#define DAY_NS (86400.0 * EP_NS_PER_S)

/* The one of `code`, else the rarest, which is forgotten. */
static size_t place_of(struct pops *p, const char *code)
{
	size_t rarest = 0;

	for (size_t i = 0; i < POPS_MAX; i++) {
		if (strncmp(p->at[i].code, code, EP_POP_MAX) == 0)
			return i;
		if (p->at[i].answers < p->at[rarest].answers)
			rarest = i;
	}
	memset(&p->at[rarest], 0, sizeof(p->at[rarest]));
	memcpy(p->at[rarest].code, code, strnlen(code, EP_POP_MAX - 1));
	return rarest;
}

static void age(struct pops *p, uint64_t now_ns)
{
	double left;

	if (p->first_ns == 0)
		p->first_ns = p->last_ns = now_ns;
	if (now_ns <= p->last_ns)
		return;
	left = exp2(-(double)(now_ns - p->last_ns) / DAY_NS);
	for (size_t i = 0; i < POPS_MAX; i++)
		p->at[i].answers *= left;
	p->last_ns = now_ns;
}

void pops_add(struct pops *pops, const char *code, unsigned answers,
	      uint64_t now_ns)
{
	age(pops, now_ns);
	pops->at[place_of(pops, code)].answers += answers;
}

static double sum(const struct pops *p)
{
	double answers = 0;

	for (size_t i = 0; i < POPS_MAX; i++)
		answers += p->at[i].answers;
	return answers;
}

bool pops_known(const struct pops *pops)
{
	return pops->last_ns - pops->first_ns >= POPS_LEAST_NS &&
	       sum(pops) >= POPS_LEAST;
}

bool pops_usual(const struct pops *pops, const char *code)
{
	double answers = 0;

	for (size_t i = 0; i < POPS_MAX; i++)
		if (pops_same(pops->at[i].code, code))
			answers += pops->at[i].answers;
	return answers > 0 && answers >= POPS_SHARE * sum(pops);
}

bool pops_same(const char *a, const char *b)
{
	const struct edge_pop *one = edge_pop_find(a), *other;

	if (strcmp(a, b) == 0)
		return true;
	other = edge_pop_find(b);
	return one != NULL && other != NULL &&
	       strcmp(one->city, other->city) == 0 &&
	       strcmp(one->country, other->country) == 0;
}
