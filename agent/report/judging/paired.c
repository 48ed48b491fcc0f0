/* The interval is that of a bootstrap by blocks: the samples, in the order of
 * time, are cut into blocks, and as many blocks are drawn with replacement,
 * again and again. What is near in time stays together, so that noise with a
 * memory widens the interval as it should. While the blocks' own medians still
 * resemble their neighbours, blocks are doubled. As few blocks say less than
 * they seem to, the interval is widened by Student's t.
 *
 * Samples are sorted once; a draw only weighs the blocks, and its percentiles
 * are found by one walk along the sorted samples. */
#include "report/judging/paired.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64
#define DRAWS      400
#define BLOCKS     24
#define BLOCKS_MIN 6   /* of 6 samples and more */
#define ALIKE      0.2 /* correlation of neighbours */

/* --- samples --- */

static uint64_t draw(uint64_t *chance)
{
	uint64_t x = *chance ^ UINT64_C(88172645463325252);

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*chance = x ^ UINT64_C(88172645463325252);
	return x * UINT64_C(0x2545f4914f6cdd1d) >> 32;
}

static void thin_out(struct paired *p)
{
	for (size_t i = 0; i < p->n / 2; i++)
		p->samples[i] = p->samples[2 * i + (draw(&p->chance) & 1)];
	p->n /= 2;
	p->stride *= 2;
}

static int make_room(struct paired *p, size_t *budget)
{
	size_t room = p->room == 0 ? FIRST_ROOM : 2 * p->room;
	size_t more = (room - p->room) * sizeof(*p->samples);
	struct paired_sample *grown;

	if (room > PAIRED_MAX || (p->room > 0 && more > *budget)) {
		thin_out(p);
		return 0;
	}
	grown = reallocarray(p->samples, room, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	*budget -= more < *budget ? more : *budget;
	p->samples = grown;
	p->room = room;
	return 0;
}

int paired_add(struct paired *p, struct paired_sample sample, uint64_t n,
	       size_t *budget)
{
	int r;

	if (p->stride == 0)
		p->stride = 1;
	p->seen += n;
	if (p->at == p->chosen) {
		r = p->n == p->room ? make_room(p, budget) : 0;
		if (r < 0)
			return r;
		p->samples[p->n++] = sample;
	}
	if (++p->at >= p->stride) {
		p->at = 0;
		p->chosen = p->stride == 1
				    ? 0
				    : (uint32_t)(draw(&p->chance) % p->stride);
	}
	return 0;
}

void paired_finish(struct paired *p)
{
	free(p->samples);
	memset(p, 0, sizeof(*p));
}

/* --- comparing --- */

struct ranked {
	float value;
	uint32_t block;
};

struct comparing {
	const struct paired *p;
	struct ranked *a, *b; /* sorted by value */
	float *spare;         /* as long */
	unsigned blocks;
};

static int by_value(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	return a->value < b->value ? -1 : a->value > b->value;
}

static int by_size(const void *x, const void *y)
{
	float a = *(const float *)x, b = *(const float *)y;

	return a < b ? -1 : a > b;
}

static int by_number(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static size_t begin_of(const struct comparing *c, unsigned block)
{
	return c->p->n * block / c->blocks;
}

static double median_of_block(struct comparing *c, unsigned block)
{
	size_t from = begin_of(c, block), to = begin_of(c, block + 1);

	for (size_t i = from; i < to; i++)
		c->spare[i - from] =
			c->p->samples[i].a_ns - c->p->samples[i].b_ns;
	qsort(c->spare, to - from, sizeof(c->spare[0]), by_size);
	return (double)c->spare[(to - from) / 2];
}

static bool are_alike(struct comparing *c)
{
	double medians[BLOCKS], mean = 0, all = 0, near = 0;

	for (unsigned i = 0; i < c->blocks; i++) {
		medians[i] = median_of_block(c, i);
		mean += medians[i] / c->blocks;
	}
	for (unsigned i = 0; i < c->blocks; i++) {
		all += (medians[i] - mean) * (medians[i] - mean);
		if (i > 0)
			near += (medians[i] - mean) * (medians[i - 1] - mean);
	}
	return near > ALIKE * all;
}

static void choose_blocks(struct comparing *c)
{
	size_t most = c->p->n / BLOCKS_MIN;

	c->blocks = most < BLOCKS ? (unsigned)most : BLOCKS;
	while (c->blocks >= 2 * BLOCKS_MIN && are_alike(c))
		c->blocks /= 2;
}

static void rank(struct comparing *c)
{
	for (unsigned block = 0; block < c->blocks; block++)
		for (size_t i = begin_of(c, block); i < begin_of(c, block + 1);
		     i++) {
			c->a[i] =
				(struct ranked){ c->p->samples[i].a_ns, block };
			c->b[i] =
				(struct ranked){ c->p->samples[i].b_ns, block };
		}
	qsort(c->a, c->p->n, sizeof(c->a[0]), by_value);
	qsort(c->b, c->p->n, sizeof(c->b[0]), by_value);
}

/* Nearest rank, with each block counted `weight` times. */
static void weigh(const struct ranked *sorted, const uint32_t *weight,
		  const double share[PAIRED_SHARES], double total,
		  double ret[PAIRED_SHARES])
{
	double passed = 0;
	size_t i = 0;

	for (unsigned s = 0; s < PAIRED_SHARES; s++) {
		double rank = share[s] * total;

		while (passed + weight[sorted[i].block] < rank)
			passed += weight[sorted[i++].block];
		while (weight[sorted[i].block] == 0)
			i++;
		ret[s] = (double)sorted[i].value;
	}
}

static void differ(const struct comparing *c, const uint32_t *weight,
		   const double share[PAIRED_SHARES], double ret[PAIRED_SHARES])
{
	double total = 0, a[PAIRED_SHARES], b[PAIRED_SHARES];

	for (unsigned i = 0; i < c->blocks; i++)
		total += weight[i] *
			 (double)(begin_of(c, i + 1) - begin_of(c, i));
	weigh(c->a, weight, share, total, a);
	weigh(c->b, weight, share, total, b);
	for (unsigned s = 0; s < PAIRED_SHARES; s++)
		ret[s] = a[s] - b[s];
}

/* 97.5 % of Student's t with `n` degrees of freedom over that of the normal
 * distribution (Cornish and Fisher), and the variance's n / (n - 1). */
static double widening(unsigned blocks)
{
	double n = blocks - 1, z = 1.959964, z2 = z * z;
	double t = 1 + (z2 + 1) / (4 * n) +
		   ((5 * z2 + 16) * z2 + 3) / (96 * n * n);

	return t * sqrt((n + 1) / n);
}

static struct model_interval interval_of(double value, double *drawn,
					 unsigned blocks)
{
	struct model_interval i = { value, value, value };
	double wide = widening(blocks), low, high;

	qsort(drawn, DRAWS, sizeof(drawn[0]), by_number);
	low = drawn[DRAWS / 40];
	high = drawn[DRAWS - 1 - DRAWS / 40];
	if (low < value)
		i.low = value - wide * (value - low);
	if (high > value)
		i.high = value + wide * (high - value);
	return i;
}

static void resample(const struct comparing *c,
		     const double share[PAIRED_SHARES],
		     struct model_interval ret[PAIRED_SHARES])
{
	double drawn[PAIRED_SHARES][DRAWS], value[PAIRED_SHARES];
	uint32_t weight[BLOCKS];
	uint64_t chance = 0;

	for (unsigned d = 0; d < DRAWS; d++) {
		memset(weight, 0, sizeof(weight));
		for (unsigned i = 0; i < c->blocks; i++)
			weight[draw(&chance) % c->blocks]++;
		differ(c, weight, share, value);
		for (unsigned s = 0; s < PAIRED_SHARES; s++)
			drawn[s][d] = value[s];
	}
	for (unsigned i = 0; i < c->blocks; i++)
		weight[i] = 1;
	differ(c, weight, share, value);
	for (unsigned s = 0; s < PAIRED_SHARES; s++)
		ret[s] = interval_of(value[s], drawn[s], c->blocks);
}

int paired_compare(const struct paired *p, const double share[PAIRED_SHARES],
		   struct model_interval ret[PAIRED_SHARES])
{
	struct comparing c = { .p = p };
	int r = -ENOMEM;

	if (p->n < PAIRED_LEAST)
		return -ENODATA;
	c.a = calloc(p->n, sizeof(*c.a));
	c.b = calloc(p->n, sizeof(*c.b));
	c.spare = calloc(p->n, sizeof(*c.spare));
	if (c.a != NULL && c.b != NULL && c.spare != NULL) {
		choose_blocks(&c);
		rank(&c);
		resample(&c, share, ret);
		r = 0;
	}
	free(c.a);
	free(c.b);
	free(c.spare);
	return r;
}
