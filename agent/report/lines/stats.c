#include "report/lines/stats.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Octave 0 holds 0 to 511 one by one; octave k > 0 holds [2^(8+k), 2^(9+k)) in
 * 512 steps of 2^(k-1). */
static unsigned octave_of(uint64_t ns)
{
	unsigned top;

	if (ns < STATS_STEPS)
		return 0;
	top = 63u - (unsigned)__builtin_clzll(ns); /* >= 9 */
	return top - 8 < STATS_OCTAVES ? top - 8 : STATS_OCTAVES - 1;
}

static uint64_t low_of(unsigned octave)
{
	return octave == 0 ? 0 : UINT64_C(1) << (octave + 8);
}

/* Width of a step, as a shift: 2^(octave + 8) / 512. */
static unsigned shift_of(unsigned octave)
{
	return octave == 0 ? 0 : octave - 1;
}

static unsigned step_of(uint64_t ns, unsigned octave)
{
	uint64_t step = (ns - low_of(octave)) >> shift_of(octave);

	return step < STATS_STEPS ? (unsigned)step : STATS_STEPS - 1;
}

static int make_octave(struct stats *s, unsigned octave)
{
	if (s->octaves[octave] == NULL)
		s->octaves[octave] = calloc(STATS_STEPS, sizeof(uint32_t));
	return s->octaves[octave] == NULL ? -ENOMEM : 0;
}

int stats_add_many(struct stats *s, uint64_t ns, uint64_t n)
{
	unsigned octave = octave_of(ns);
	uint32_t *count;

	if (n == 0)
		return 0;
	if (make_octave(s, octave) < 0)
		return -ENOMEM;
	count = &s->octaves[octave][step_of(ns, octave)];
	*count = n < UINT32_MAX - *count ? *count + (uint32_t)n : UINT32_MAX;
	if (s->n == 0 || ns < s->min_ns)
		s->min_ns = ns;
	if (ns > s->max_ns)
		s->max_ns = ns;
	s->sum_ns += (double)ns * (double)n;
	s->squares += (double)ns * (double)ns * (double)n;
	s->n += n;
	return 0;
}

int stats_add(struct stats *s, uint64_t ns)
{
	return stats_add_many(s, ns, 1);
}

int stats_merge(struct stats *into, const struct stats *from)
{
	for (unsigned o = 0; o < STATS_OCTAVES; o++)
		if (from->octaves[o] != NULL && make_octave(into, o) < 0)
			return -ENOMEM;
	for (unsigned o = 0; o < STATS_OCTAVES; o++)
		for (unsigned i = 0;
		     from->octaves[o] != NULL && i < STATS_STEPS; i++)
			into->octaves[o][i] += from->octaves[o][i];
	if (from->n > 0 && (into->n == 0 || from->min_ns < into->min_ns))
		into->min_ns = from->min_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	into->n += from->n;
	into->sum_ns += from->sum_ns;
	into->squares += from->squares;
	return 0;
}

void stats_finish(struct stats *s)
{
	for (unsigned o = 0; o < STATS_OCTAVES; o++)
		free(s->octaves[o]);
	memset(s, 0, sizeof(*s));
}

/* The middle of a step, but never outside what was seen. */
static uint64_t value_of(const struct stats *s, unsigned octave, unsigned step)
{
	unsigned shift = shift_of(octave);
	uint64_t ns = low_of(octave) + ((uint64_t)step << shift) +
		      ((UINT64_C(1) << shift) >> 1);

	if (ns < s->min_ns)
		return s->min_ns;
	return ns > s->max_ns ? s->max_ns : ns;
}

static int find_rank(const struct stats *s, unsigned octave, uint64_t *rank,
		     uint64_t *ret_ns)
{
	for (unsigned i = 0; i < STATS_STEPS; i++) {
		uint32_t count = s->octaves[octave][i];

		if (count >= *rank) {
			*ret_ns = value_of(s, octave, i);
			return 1;
		}
		*rank -= count;
	}
	return 0;
}

uint64_t stats_percentile(const struct stats *s, double p)
{
	uint64_t rank = (uint64_t)ceil(p * (double)s->n);
	uint64_t ns;

	if (s->n == 0)
		return 0;
	if (rank <= 1)
		return s->min_ns;
	if (rank >= s->n)
		return s->max_ns;
	for (unsigned o = 0; o < STATS_OCTAVES; o++)
		if (s->octaves[o] != NULL && find_rank(s, o, &rank, &ns))
			return ns;
	return s->max_ns;
}

double stats_mean_ns(const struct stats *s)
{
	return s->n == 0 ? 0 : s->sum_ns / (double)s->n;
}

double stats_stddev_ns(const struct stats *s)
{
	double mean = stats_mean_ns(s);
	double variance =
		s->n == 0 ? 0 : s->squares / (double)s->n - mean * mean;

	return variance > 0 ? sqrt(variance) : 0;
}

void jitter_init(struct jitter *j)
{
	memset(j, 0, sizeof(*j));
	j->broken = 1;
}

void jitter_add(struct jitter *j, uint64_t ns)
{
	if (!j->broken) {
		j->sum_ns += fabs((double)ns - (double)j->last_ns);
		j->n++;
	}
	j->last_ns = ns;
	j->broken = 0;
}

void jitter_break(struct jitter *j)
{
	j->broken = 1;
}

double jitter_mean_ns(const struct jitter *j)
{
	return j->n == 0 ? 0 : j->sum_ns / (double)j->n;
}
