#include "base/hist.h"
#include <math.h>

/* Durations are counted in this; below, all are one. */
#define UNIT_BITS 10 /* 1,024 ns */
#define FINE_BITS 2  /* four steps to a doubling */

static unsigned step_of(uint64_t ns)
{
	uint64_t units = ns >> UNIT_BITS;
	unsigned doublings, step;

	if (units < 1u << FINE_BITS)
		return (unsigned)units;
	doublings = 63u - (unsigned)__builtin_clzll(units) - FINE_BITS;
	step = (doublings << FINE_BITS) + (unsigned)(units >> doublings);
	return step < HIST_STEPS ? step : HIST_STEPS - 1;
}

/* The first duration that is beyond the step. */
static uint64_t end_of(unsigned step)
{
	unsigned doublings = 0;
	uint64_t units = step + 1;

	if (step >= 1u << FINE_BITS) {
		doublings = (step >> FINE_BITS) - 1;
		units = step - (doublings << FINE_BITS) + 1;
	}
	return units << doublings << UNIT_BITS;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->n++;
	h->step[step_of(ns)]++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

uint64_t hist_quantile_ns(const struct hist *h, double part)
{
	uint64_t wanted = (uint64_t)ceil((double)h->n * part);
	uint64_t seen = 0, end_ns;
	unsigned step = 0;

	if (h->n == 0)
		return 0;
	for (; step < HIST_STEPS - 1; step++) {
		seen += h->step[step];
		if (seen >= wanted)
			break;
	}
	end_ns = end_of(step);
	return step < HIST_STEPS - 1 && end_ns < h->max_ns ? end_ns : h->max_ns;
}
