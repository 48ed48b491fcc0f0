/* Rows that were packed into chunks: writing and reading them. */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "store/chunk.h"
#include "store/parts.h"

/* Names of counters. */
#define SEALED_ROWS  "sealed_rows"
#define SEALED_BYTES "sealed_bytes"

static inline uint64_t chunk_first(uint64_t id)
{
	return id * CHUNK_NUMBERS;
}

static inline uint64_t chunk_last(uint64_t id)
{
	return chunk_first(id + 1) - 1;
}

/* --- sealed.c: reading --- */

/* The lowest chunk with rows from `from` to `last`, for a while in
 * `store->chunk`: 1; 0: none; or a negative errno. One that is damaged is passed
 * over, and noted in `store->damaged_chunk`. */
int sealed_load(struct store *store, uint64_t from, uint64_t last);
/* The index of its first row from `from` on; `chunk->n`: none. */
size_t sealed_from(const struct chunk *chunk, uint64_t from);
uint64_t sealed_seq(const struct chunk *chunk, size_t i);
/* Its record, as sample_read() gives it. */
void sealed_read(struct store *store, const struct chunk *chunk, size_t i,
		 struct record *ret_record);
/* Give back the memory that nobody used since the last time. */
void sealed_rest(struct store *store);

/* The first row of any kind from `from` on: 1 and `*ret_seq`; 0: none. */
int sealed_first_row(struct store *store, uint64_t from, int64_t *ret_seq);
/* When it was: 1; 0: there is no such row. */
int sealed_row_time(struct store *store, uint64_t seq, int64_t *ret_ns);

/* --- seal.c: writing --- */

/* Pack what is old enough, for some milliseconds at most. */
void seal_some(struct store *store);
/* Chunks of which nothing is left go, as rows up to `last` do, but for the
 * anchors in them; in a transaction. */
int seal_evict(struct store *store, uint64_t last);
/* The end of the chunk that `last` is in: it frees nothing by halves. */
int seal_whole(struct store *store, uint64_t *last);
/* Counted as sealed, or no more; in a transaction. */
int seal_count(struct store *store, int64_t rows, int64_t bytes);

/* --- lost.c --- */

/* What sealed_load() could not read is missing: whoever lacks it is owed the
 * word, and the chunk goes. 1: so it is; 0: nothing was damaged. */
int seal_give_up(struct store *store);

#endif
