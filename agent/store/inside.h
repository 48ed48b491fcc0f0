/* What the files of this room share. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/db.h"
#include "store/dict.h"
#include "store/minutes.h"
#include "store/queue.h"
#include "store/scan.h"
#include "store/store.h"

#define APPLICATION_ID 0x65647270 /* "edrp" */
#define PAGE_BYTES     4096
#define BALLAST_BYTES  (1u << 20)
#define SPAN_ROWS      4096 /* sequence numbers that one row of `span` is of */
#define RUNS_MAX       64 /* of consecutive numbers in a batch; gap rows, too */

/* `destination` of a gap's range, beside those from 1 upwards. */
enum { GAP_TO_ALL = 0, GAP_TO_NOBODY = -1 };

/* Sequence numbers, inclusive. */
struct run {
	uint64_t first, last;
};

/* A gap row in a batch, and what it said. */
struct told {
	uint64_t seq;
	int reason; /* enum gap_reason */
	struct run run;
};

/* The rows of a batch, beside what its holder knows: if it is never delivered,
 * they are missing, and so is what its gap rows said. */
struct content {
	enum store_part part;
	uint64_t oldest_ns;
	unsigned n_runs, n_told;
	struct run runs[RUNS_MAX];
	struct told told[RUNS_MAX];
};

/* What was collected last; store_batch_freeze() writes it. */
struct collected {
	struct collected *next;
	int destination;
	enum store_part part;
	uint64_t lacked; /* the destination's `next` then */
	struct run run;  /* where it was looked for */
	bool ended;      /* all of it was seen */
	struct content content;
};

/* A damaged file, set aside, and what is known of it. */
struct aside {
	char *path;
	char epoch[17]; /* "" if it could not be read */
	uint64_t last;  /* the last number that it was given; 0: not known */
};

/* Times of the samples in one span of sequence numbers. */
struct span {
	uint64_t id, min_ns, max_ns; /* id UINT64_MAX: none yet */
};

struct chunk;

struct store {
	struct db db;
	char *path;
	char epoch[17];
	char agent[65];
	char notice[EP_ERR_TEXT_MAX];
	int lock_fd;
	bool read_only;
	bool forgiving;  /* a reader of what may be damaged */
	bool was_locked; /* the lock file was there: an agent ran here */
	bool unchecked;  /* but for what is needed: renew.h */
	bool renewing;   /* the old file is out of the way, the new not made */
	struct aside aside; /* what this file came after; path NULL: nothing */

	uint64_t max_bytes, wal_bytes;
	uint64_t max_pages; /* of the database file, by max_bytes */
	bool disk_full;     /* until there is room again: do not grow */

	uint64_t next_seq;  /* to be given */
	uint64_t durable;   /* lower numbers are on disk, or declared there */
	uint64_t lost_last; /* from `durable` up to here the queue gave up */
	uint64_t floor;     /* kept rows begin here */
	bool owed;          /* there may be rows in `owed` */
	bool marked;        /* as not closed cleanly */
	bool ballast;       /* it is there */

	struct queue queue;
	struct minutes minutes; /* what the queue had to give up */
	struct dict series, paths, words;
	struct series **series_texts; /* by number, made when asked for */
	uint32_t n_series_texts;
	int64_t names_version; /* of the file when they were loaded */
	uint64_t tidied;       /* the floor when unused names were dropped */
	struct span span;
	struct collected *collected;

	struct chunk *chunk;    /* read last; NULL: none */
	bool chunk_used;        /* since sealed_rest() was asked last */
	uint64_t damaged_chunk; /* its id + 1; 0: none was met */
	uint64_t seal_next;     /* id of the next chunk; 0: not known yet */
	unsigned seal_wait;     /* commits, after one that failed */
};

/* --- commit.c --- */
typedef int (*store_work)(struct store *store, void *arg);
/* Do `work` in one transaction. */
int transact_once(struct store *store, store_work work, void *arg,
		  struct ep_err *err);
/* The same; when the disk is full, make room and try once more. */
int store_transact(struct store *store, store_work work, void *arg,
		   struct ep_err *err);

#endif
