/* The durable local store: one SQLite file, one connection that writes, owned
 * by one thread. See README.md beside this for what survives what. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/record.h"
#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_SCHEMA 1

struct store_options {
	const char *path;   /* of the database file */
	uint64_t max_bytes; /* database, WAL and ballast together */
	bool read_only;     /* a report beside the running agent */
};

/* Open or create. Errors say the path and the remedy: -EACCES, -ENOSPC,
 * -ENOTSUP (a newer schema), -EILSEQ (not a database of ours), -EBUSY (another
 * agent holds it), -ENOENT (read_only and not there). */
int store_open(const struct store_options *options, struct store **ret_store,
	       struct ep_err *err);
/* Commits what is open. NULL is fine. */
void store_close(struct store *store);

const char *store_epoch(const struct store *store);
uint64_t store_last_seq(const struct store *store); /* 0: none yet */

/* A number for `series` (copied), the same for equal ones. */
int store_series(struct store *store, const struct series *series,
		 uint32_t *ret_id, struct ep_err *err);

/* --- writing: rows are kept in memory until store_commit() --- */

/* Give the next sequence number to a row and queue it. Bounded: when nothing
 * could be committed for long, the oldest queued are declared as a gap. Bodies
 * are copied. Returns the sequence number. */
uint64_t store_add_sample(struct store *store, uint32_t series_id,
			  const struct ep_sample *sample);
uint64_t store_add_late(struct store *store, uint32_t series_id,
			const struct ep_sample *sample, uint64_t of);
/* `n` rows that never reached the store: takes their sequence numbers and
 * declares them. */
uint64_t store_add_overflow(struct store *store, uint64_t n);
/* boot, clock, self, event. */
uint64_t store_add_note(struct store *store, enum row_type type,
			uint64_t time_ns, const char *body);

/* Make everything queued durable (FULL sync) and keep the size bound: evict
 * delivered data first, then the oldest, each undelivered eviction declared
 * as a gap row. 0; or a negative errno with the queue kept for the next try
 * (-ENOSPC: disk full). */
int store_commit(struct store *store, struct ep_err *err);

struct store_facts {
	uint64_t rows, bytes, wal_bytes, queued, evicted_undelivered;
	uint64_t first_seq, last_seq;
};
int store_facts(struct store *store, struct store_facts *ret_facts);

/* --- reading, in sequence order --- */

struct store_range {
	uint64_t first_seq, last_seq;   /* inclusive; 0, 0: all */
	uint64_t since_ns, until_ns;    /* wall time [since, until); 0: open */
	int destination; /* whose view of gaps (below); -1: everything */
};

/* Return 0 to go on, anything else stops and is returned. */
typedef int (*store_record_cb)(const struct record *record, void *arg);

/* Page by page (5,000 rows a read transaction at most). */
int store_scan(struct store *store, const struct store_range *range,
	       store_record_cb cb, void *arg, struct ep_err *err);

/* --- delivery --- */

/* A frozen batch: its boundaries, encoding and bytes are on disk before its
 * first attempt and stay until it is acknowledged or set aside. */
struct store_batch {
	uint64_t id;
	uint64_t first, last; /* sequence numbers, inclusive */
	uint64_t rows;
	char encoding[16];    /* "ndjson", "json-array" */
	bool gzip;
	char *body; /* malloc(3)ed, of whoever asked; free with
		     * store_batch_finish() */
	size_t body_len;
	unsigned attempts; /* made so far, over restarts */
};
void store_batch_finish(struct store_batch *batch);

/* The number of a destination by its configured name; a new one starts with
 * the oldest row there is. Stable over restarts. */
int store_destination(struct store *store, const char *name, int *ret_id,
		      struct ep_err *err);

/* Append rows of a batch to be; called in order; return -E2BIG to close the
 * batch before this row, 0 to go on. */
typedef int (*store_encode_cb)(const struct record *record, void *arg);

/* The oldest frozen batch of `destination`: 1 and `*ret_batch`, or 0. */
int store_batch_pending(struct store *store, int destination,
			struct store_batch *ret_batch, struct ep_err *err);
/* Offer committed, undelivered rows to `encode`, oldest first. Returns how
 * many it took and `*ret_first`, `*ret_last`; the batch is frozen by
 * store_batch_freeze() with the bytes made of them. */
int64_t store_batch_collect(struct store *store, int destination,
			    store_encode_cb encode, void *arg,
			    uint64_t *ret_first, uint64_t *ret_last);
/* Durable on return 0; sets batch->id. Body is copied. */
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
