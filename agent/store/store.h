/* The durable local store: one SQLite file, one connection that writes, owned
 * by one thread. See README.md beside this for what survives what. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/record.h"
#include "edgeprobe/error.h"
#include "store/batch.h" /* part of this contract */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_SCHEMA 5

struct store_options {
	const char *path;     /* of the database file */
	const char *agent;    /* who writes, 64 bytes at most; a reader: NULL */
	uint64_t max_bytes;   /* database, WAL and ballast together */
	bool read_only;       /* a report beside the running agent */
	bool forgiving;       /* a reader takes what it gets of a damaged file:
			       * for store_scan_damaged() */
	uint64_t queue_bytes; /* of rows that wait for a commit; 0: 64 MiB,
			       * or less where max_bytes is small */
	/* Of a file that is made anew: */
	const char *epoch;  /* 16 hex digits; NULL: a random one */
	uint64_t first_seq; /* its first number; 0: 1 */
};

#define STORE_MIN_BYTES    (8u << 20) /* of max_bytes */
#define STORE_LITTLE_BYTES (1u << 20) /* renew.h */

/* Open or create. Errors say the path and the remedy: -EACCES, -ENOSPC,
 * -EISDIR, -EINVAL (max_bytes), -ENOTSUP (a newer schema), -EILSEQ (not a
 * database of ours: left alone), -EBUSY (another agent holds it), -ENOENT
 * (read_only and not there; no such directory). A database of ours that is
 * damaged is set aside and a new one, with a new epoch, begun: see
 * store_notice(). */
int store_open(const struct store_options *options, struct store **ret_store,
	       struct ep_err *err);
/* Commits what is open. NULL is fine. */
void store_close(struct store *store);

/* What a person should know of the opening, e.g. that a damaged file was set
 * aside and where to; "" if nothing. */
const char *store_notice(const struct store *store);

const char *store_epoch(const struct store *store);
/* Who wrote last: what store_open() was told, kept in the file; "" if it never
 * was. */
const char *store_agent(const struct store *store);
uint64_t store_last_seq(const struct store *store); /* given; 0: none yet */

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
	uint64_t rows;                /* committed and kept */
	uint64_t bytes, wal_bytes;    /* on disk: database; its log */
	uint64_t sealed_rows;         /* of them, packed into chunks */
	uint64_t sealed_bytes;        /* of the chunks */
	uint64_t queued;              /* rows that wait for a commit */
	uint64_t evicted_undelivered; /* rows, over restarts */
	uint64_t first_seq, last_seq; /* committed and kept; 0: none */
	bool disk_full;               /* it does not grow until that ends */
};
int store_facts(struct store *store, struct store_facts *ret_facts);

/* --- reading, in sequence order --- */

struct store_range {
	uint64_t first_seq, last_seq; /* inclusive; 0, 0: all */
	uint64_t since_ns, until_ns;  /* wall time [since, until); 0: open */
	int destination; /* whose view of gaps (batch.h); -1: everything */
	unsigned types;  /* 1 << enum row_type, or-ed; 0: all */
};

/* Return 0 to go on, anything else stops and is returned. */
typedef int (*store_record_cb)(const struct record *record, void *arg);

/* Page by page (5,000 rows a read transaction at most) of what is
 * committed. For millions of rows see scan.h. */
int store_scan(struct store *store, const struct store_range *range,
	       store_record_cb cb, void *arg, struct ep_err *err);

#endif
