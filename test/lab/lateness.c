#include "lateness.h"

#include <inttypes.h>
#include <string.h>

static void add(struct lateness_span *s, uint64_t late_ns)
{
	uint64_t late_us = late_ns / 1000;

	s->n++;
	s->by_us[late_us < LATENESS_MAX_US ? late_us : LATENESS_MAX_US]++;
	if (late_ns > s->worst_ns)
		s->worst_ns = late_ns;
}

void lateness_add(struct lateness *l, uint64_t late_ns)
{
	add(&l->all, late_ns);
	add(&l->recent, late_ns);
}

uint64_t lateness_us(const struct lateness_span *s, double share)
{
	uint64_t rank = (uint64_t)((double)s->n * share), i;

	for (i = 0; i < LATENESS_MAX_US; i++) {
		if (s->by_us[i] > rank)
			return i;
		rank -= s->by_us[i];
	}
	return LATENESS_MAX_US;
}

void lateness_tell(struct lateness *l, FILE *out)
{
	struct lateness_span *s = &l->recent;

	fprintf(out,
		"released=%" PRIu64 "\nlate_p50_us=%" PRIu64
		"\nlate_p99_us=%" PRIu64 "\nlate_max_us=%" PRIu64 "\n",
		s->n, s->n ? lateness_us(s, 0.5) : 0,
		s->n ? lateness_us(s, 0.99) : 0, s->worst_ns / 1000);
	memset(s, 0, sizeof(*s));
}
