#include "report/gather/sketch.h"
#include <math.h>
#include <string.h>

#define LOWEST 13 /* the first octave begins at 2^13 ns */

static unsigned slot_of(uint64_t ns)
{
	unsigned top;

	if (ns < UINT64_C(1) << LOWEST)
		return 0;
	top = 63u - (unsigned)__builtin_clzll(ns);
	if (top - LOWEST >= SKETCH_OCTAVES)
		return SKETCH_SLOTS - 1;
	return (top - LOWEST) * SKETCH_STEPS +
	       (unsigned)(ns >> (top - 6) & (SKETCH_STEPS - 1));
}

/* The middle of a step. */
static float value_of(unsigned slot)
{
	double low = ldexp(1 + (double)(slot % SKETCH_STEPS) / SKETCH_STEPS,
			   (int)(slot / SKETCH_STEPS) + LOWEST);
	double width =
		ldexp(1.0 / SKETCH_STEPS, (int)(slot / SKETCH_STEPS) + LOWEST);

	return (float)(low + width / 2);
}

/* Slots come into use cleared, so that an empty sketch need not be. */
static void reach(struct sketch *s, unsigned slot)
{
	if (s->n == 0) {
		s->first = s->last = (uint16_t)slot;
		s->slots[slot] = 0;
	}
	while (s->first > slot)
		s->slots[--s->first] = 0;
	while (s->last < slot)
		s->slots[++s->last] = 0;
}

void sketch_add(struct sketch *s, uint64_t ns, uint32_t n)
{
	unsigned slot = slot_of(ns);

	if (n == 0)
		return;
	reach(s, slot);
	s->slots[slot] += n;
	s->n += n;
}

void sketch_clear(struct sketch *s)
{
	s->n = 0;
}

void sketch_percentiles(const struct sketch *s, const double *p, unsigned n,
			float *ret_ns)
{
	unsigned slot = s->first;
	uint64_t below = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t rank = (uint64_t)ceil(p[i] * (double)s->n);

		if (s->n == 0) {
			ret_ns[i] = 0;
			continue;
		}
		while (slot < s->last && below + s->slots[slot] < rank)
			below += s->slots[slot++];
		ret_ns[i] = value_of(slot);
	}
}
