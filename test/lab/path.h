#ifndef LAB_PATH_H
#define LAB_PATH_H

/* The way between the branch and the edge: what the rules do to each packet,
 * and the packets that are on it. Told the time; opens nothing. */

#include <stddef.h>
#include <stdint.h>

#include "queue.h"
#include "rules.h"

struct path;

struct path_totals {
	uint64_t taken;
	uint64_t malformed;
	uint64_t lost; /* by loss, drop-first-syn and blackhole */
	uint64_t doubled, reordered, corrupted;
	uint64_t answered;   /* by us: unreachable, refused, time exceeded */
	uint64_t overflowed; /* the queue was full: not wanted by any rule */
};

/* Equal seeds and packets give equal fates. NULL: out of memory. */
struct path *path_create(size_t queue_max, uint64_t seed);
void path_destroy(struct path *p);

/* Owns `r` from now on; windows in it count from `now_ns`. */
void path_set_rules(struct path *p, struct rules *r, uint64_t now_ns);

/* A packet has come from that side. Changes `data`. */
void path_take(struct path *p, enum way way, uint8_t *data, size_t n,
	       uint64_t now_ns);

/* The packet that is due first, with `way` the way it goes; NULL if none. */
const struct held *path_first(const struct path *p);
void path_pop(struct path *p);

const struct path_totals *path_totals(const struct path *p);

#endif
