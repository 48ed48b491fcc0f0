/* What a destination lacks, and what it is to get once more: in pieces. */
#ifndef STORE_PIECES_H
#define STORE_PIECES_H

#include "store/inside.h"

/* Runs that were frozen before their turn, at most. */
#define HAD_MAX 16

/* One that is configured. It lacks all from `next` on but for what it had
 * before its turn: after the last of `had` is what is fresh, below it the
 * backlog. */
struct destination {
	int id;
	uint64_t start;  /* its first row */
	uint64_t next;   /* the lowest that is to be frozen */
	uint64_t anchor; /* its first row, kept for it; 0: none */
	unsigned n_had;
	struct run had[HAD_MAX]; /* in order, apart; the last may be empty
				  * (last is first - 1): none of it yet */
};

/* What it has got and is to get once more, in order; freezing eats it from the
 * front. */
struct again {
	unsigned n;
	struct run runs[HAD_MAX + 1];
};

/* --- ranges.c: pure --- */
bool run_is_empty(struct run run);
struct run run_within(struct run run, struct run within);
bool range_lacks(const struct destination *to, uint64_t seq);
/* What it lacks, as runs: `i` from 0 to `to->n_had`, in order; some are
 * empty. The last has no end. */
struct run range_piece(const struct destination *to, unsigned i);
/* Where its fresh rows begin. */
uint64_t range_fresh(const struct destination *to);
/* It lacks nothing below `next` any more. */
void range_advance(struct destination *to, uint64_t next);
/* From `first` on is fresh, which is beyond what is fresh now. False: there are
 * too many runs apart already. */
bool range_split(struct destination *to, uint64_t first);

/* --- destination.c --- */
int again_get(struct store *store, int id, struct again *ret);
int again_set(struct store *store, int id, const struct again *again);

/* --- collect.c --- */
/* What was collected for a destination; made when it is not there. */
struct collected *collected_for(struct store *store, int destination);
/* `c` was frozen with `last` as its last row. -ESTALE: it cannot be. */
int collected_take(struct store *store, const struct collected *c,
		   uint64_t last);

/* --- replay.c --- */
/* The next run of `again` that is still kept and was not declared to be
 * missing: 1 and `*ret_run`; 0: there is none, and it is empty now. */
int again_piece(struct store *store, int destination, struct again *again,
		struct run *ret_run);

#endif
