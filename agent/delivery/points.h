/* What metrics are made of while rows come in: data points, each of one metric,
 * minute and list of attributes, and the figures that were seen for them. */
#ifndef DELIVERY_POINTS_H
#define DELIVERY_POINTS_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct point {
	unsigned metric;
	uint64_t minute;
	uint64_t hash;
	size_t at, len; /* its text in `texts` */
	size_t seen;    /* figures; those before it: points_sort() */
	size_t first;
};

struct figure {
	uint32_t point;
	int64_t value;
	uint64_t time_ns;
};

struct points {
	struct point *points;
	size_t n, size;
	struct figure *figures; /* as they came; sorted: by point */
	size_t n_figures, figures_size;
	struct buf texts;
	uint32_t *slots; /* a hash table: number of a point and 1 */
	size_t n_slots;
	int error; /* stays until points_back() */
};

/* The longest text of all points together. */
void points_init(struct points *p, size_t max_text);
void points_finish(struct points *p);

/* One figure of the point that is called so; `text` says its attributes.
 * True if it is a new point. */
bool points_add(struct points *p, const struct point *name, const char *text,
		const struct figure *figure);

/* How much there is, and back to that: what came since is forgotten, and the
 * error. */
struct points_mark {
	size_t n, n_figures, text_len;
};
struct points_mark points_mark(const struct points *p);
void points_back(struct points *p, const struct points_mark *mark);

/* Bring the figures of each point together, in the order they came. 0 or
 * -ENOMEM. */
int points_sort(struct points *p);

#endif
