#include "events/change.h"
#include "events/figure.h"
#include <math.h>
#include <string.h>

/* Found on the labelled traces: more finds fewer and surer ones. */
#define GAIN 40

#define SPREAD_MS    0.5
#define SPREAD_SHARE 0.002
#define SPIKE        4 /* spreads from the median */
#define SPIKE_LEAST  5 /* figures that a median is made of */

static double least_spread(double level_ms)
{
	return SPREAD_MS + SPREAD_SHARE * level_ms;
}

/* What is far from all the recent ones is a spike until there are several. */
static double without_spike(const struct change *c, double ms)
{
	unsigned n = c->n < CHANGE_RECENT ? c->n : CHANGE_RECENT;
	uint16_t recent[CHANGE_RECENT];
	double median, limit;

	if (n < SPIKE_LEAST)
		return ms;
	memcpy(recent, c->window + c->n - n, n * sizeof(recent[0]));
	median = figure_ms(figure_median(recent, n));
	limit = SPIKE * (figure_ms(recent[n * 3 / 4]) -
			 figure_ms(recent[n / 4]) + least_spread(median));
	if (ms > median + limit)
		return median + limit;
	return ms < median - limit ? median - limit : ms;
}

struct sums {
	double n, sum, squares;
};

static void sums_add(struct sums *s, double ms, double sign)
{
	s->n += sign;
	s->sum += sign * ms;
	s->squares += sign * ms * ms;
}

static double variance(const struct sums *s)
{
	double mean = s->sum / s->n;

	return fmax(0, s->squares / s->n - mean * mean);
}

/* How badly one level explains them: minus twice the log of its likelihood. */
static double cost(const struct sums *s)
{
	double least = least_spread(s->sum / s->n);

	return s->n * log(fmax(variance(s), least * least));
}

/* The best boundary: figures before it; 0: none is good enough. */
static unsigned boundary(const struct change *c)
{
	struct sums before = { 0 }, after = { 0 };
	double whole, best = GAIN;
	unsigned at = 0;

	for (unsigned i = 0; i < c->n; i++)
		sums_add(&after, figure_ms(c->window[i]), 1);
	whole = cost(&after);
	for (unsigned i = 0; i + CHANGE_LEAST < c->n; i++) {
		double gain;

		sums_add(&before, figure_ms(c->window[i]), 1);
		sums_add(&after, figure_ms(c->window[i]), -1);
		if (i + 1 < CHANGE_LEAST)
			continue;
		gain = whole - cost(&before) - cost(&after);
		if (gain <= best)
			continue;
		best = gain;
		at = i + 1;
	}
	return at;
}

static void forget(struct change *c, unsigned n)
{
	c->n -= n;
	memmove(c->window, c->window + n, c->n * sizeof(c->window[0]));
	memmove(c->heard, c->heard + n, c->n * sizeof(c->heard[0]));
}

static double median_ms(const uint16_t *heard, unsigned n)
{
	uint16_t sorted[CHANGE_WINDOW];

	memcpy(sorted, heard, n * sizeof(sorted[0]));
	return figure_ms(figure_median(sorted, n));
}

bool change_add(struct change *c, double ms, struct change_step *ret_step)
{
	unsigned at;

	if (c->n == CHANGE_WINDOW)
		forget(c, 1);
	c->window[c->n] = figure_of_ms(without_spike(c, ms));
	c->heard[c->n++] = figure_of_ms(ms);
	if (c->n < 2 * CHANGE_LEAST)
		return false;
	at = boundary(c);
	if (at == 0)
		return false;
	*ret_step = (struct change_step){
		.before_ms = median_ms(c->heard, at),
		.after_ms = median_ms(c->heard + at, c->n - at),
		.ago = c->n - at,
	};
	forget(c, at);
	/* what was cut were no spikes, but the new level */
	memcpy(c->window, c->heard, c->n * sizeof(c->window[0]));
	return true;
}

double change_level_ms(const struct change *c)
{
	return c->n > 0 ? median_ms(c->heard, c->n) : 0;
}
