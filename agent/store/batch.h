/* Delivery's side of the store: each destination has its own cursor over the
 * one store, its frozen batches and its own view of what is missing. */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "base/record.h"
#include "edgeprobe/error.h"
#include "store/ranges.h" /* part of this contract */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* What a batch is of. After an outage the newest rows go first: they are
 * `fresh`, and the older ones `backlog`. `again`: delivered before, and asked
 * for once more (store_replay()). */
enum store_part {
	STORE_ANY = -1,
	STORE_FRESH,
	STORE_BACKLOG,
	STORE_AGAIN,
};

/* A frozen batch: its boundaries, encoding and bytes are on disk before its
 * first attempt and stay until it is acknowledged or set aside. */
struct store_batch {
	uint64_t id;
	uint64_t first, last; /* sequence numbers, inclusive */
	uint64_t rows;
	enum store_part part;
	char encoding[16]; /* "ndjson", "json-array" */
	bool gzip;
	char *body; /* malloc(3)ed, of whoever asked; free with
		     * store_batch_finish() */
	size_t body_len;
	unsigned attempts; /* made so far, over restarts */
};
void store_batch_finish(struct store_batch *batch);

/* The number (from 1) of a destination by its configured name; a new one
 * starts with the oldest row there is. Stable over restarts. */
int store_destination(struct store *store, const char *name, int *ret_id,
		      struct ep_err *err);

/* Those not among `ids` are configured no more: they no longer hold data back,
 * and nothing is declared to them. Their frozen batches go. One that comes back
 * by its name starts anew. */
int store_retire_destinations(struct store *store, const int *ids, size_t n,
			      struct ep_err *err);

/* Append rows of a batch to be; called in order; return -E2BIG to close the
 * batch before this row, 0 to go on. */
typedef int (*store_encode_cb)(const struct record *record, void *arg);

/* The oldest frozen batch of `destination`: 1 and `*ret_batch`, or 0. */
int store_batch_pending(struct store *store, int destination,
			struct store_batch *ret_batch, struct ep_err *err);
/* The same of one part. */
int store_batch_pending_of(struct store *store, int destination,
			   enum store_part part, struct store_batch *ret_batch,
			   struct ep_err *err);
/* Offer committed, undelivered rows of one part to `encode`, oldest first.
 * Returns how many it took, and sets first and last of `ret_batch`; it is frozen
 * by store_batch_freeze() with the bytes made of them. */
int64_t store_batch_collect_of(struct store *store, int destination,
			       enum store_part part, store_encode_cb encode,
			       void *arg, struct store_batch *ret_batch);
/* The same of what is fresh: where nothing was split, of all. */
int64_t store_batch_collect(struct store *store, int destination,
			    store_encode_cb encode, void *arg,
			    uint64_t *ret_first, uint64_t *ret_last);
/* Durable on return 0; sets batch->id and batch->part. Body is copied. -ESTALE: it is not what
 * was collected last, or some of that has been evicted since: collect anew. */
int store_batch_freeze(struct store *store, int destination,
		       struct store_batch *batch, struct ep_err *err);
int store_batch_attempted(struct store *store, uint64_t batch_id);
/* Acknowledged: the destination's cursor and counters move with it, in one
 * transaction. */
int store_batch_done(struct store *store, int destination,
		     const struct store_batch *batch, struct ep_err *err);
/* Refused for what it holds, not for when: kept as dead letter with the
 * answer (bounded text), the cursor moves on. Its rows are declared. */
int store_batch_quarantine(struct store *store, int destination,
			   const struct store_batch *batch, const char *answer,
			   struct ep_err *err);

/* Replace a frozen batch by two that cover its rows in order, in one
 * transaction: for a batch that is too large, or to find the row that is bad.
 * The halves' first, last, rows and body are given; sets their ids, and their
 * attempts to 0. On failure the whole stays. */
int store_batch_split(struct store *store, int destination,
		      const struct store_batch *whole,
		      struct store_batch halves[2], struct ep_err *err);

/* Rows not yet acknowledged by `destination`, and the age of the oldest. */
int store_backlog(struct store *store, int destination, uint64_t *ret_rows,
		  uint64_t *ret_oldest_ns);

#endif
