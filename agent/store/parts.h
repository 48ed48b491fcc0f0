/* What the files of this room do for each other. */
#ifndef STORE_PARTS_H
#define STORE_PARTS_H

#include "store/inside.h"
#include "store/pieces.h"

/* --- open.c, file.c --- */
int file_lock(struct store *store, struct ep_err *err);
void file_unlock(struct store *store, bool forget);
int file_set_aside(struct store *store, const char *why, struct ep_err *err);
void file_make_ballast(struct store *store);
void file_drop_ballast(struct store *store);
bool file_has_room(const struct store *store);
uint64_t file_bytes(const struct store *store, const char *suffix);

/* Of the names in `meta` that tell of files that were set aside; their own name
 * follows. The value: the last number, a space, the epoch. */
#define ASIDE_PREFIX "aside:"

/* --- setup.c: pragmas, creation, what is remembered --- */
int setup_connection(struct store *store, struct ep_err *err);
int setup_create(struct store *store, struct ep_err *err);
/* Bring a store of an earlier schema forward, wholly or not at all. */
int setup_upgrade(struct store *store, int version, struct ep_err *err);
int setup_load(struct store *store, struct ep_err *err);
/* In place of setup_upgrade() and setup_load(): a new database under a new
 * epoch, in which the numbers and names that memory holds go on. */
int setup_continue(struct store *store, struct ep_err *err);
/* The page bound takes effect, as far as the file is not beyond it. */
void setup_page_bound(struct store *store);
uint64_t now_wall_ns(void);

/* --- names.c: series, paths, words --- */
/* Numbers that follow one another in a file are not further apart. */
#define NAMES_APART_MAX (1 << 22)
/* Read what the dictionary of texts does not know yet. */
int names_load(struct store *store);
/* Number of a path (a series, an address, a port) or a text, for row `seq`;
 * 0: "" or out of memory. */
uint32_t names_path(struct store *store, uint32_t series_id,
		    const struct ep_sample *sample, uint64_t seq);
uint32_t names_word(struct store *store, const char *text, size_t max,
		    uint64_t seq);
/* Where a path leads; false: damaged. */
bool names_path_read(struct store *store, uint32_t id, uint32_t *ret_series,
		     struct ep_sample *ret_sample);
/* Only the series, which comes first in the key; 0: damaged. */
uint32_t names_path_series(struct store *store, uint32_t id);
int names_save(struct store *store);
void names_saved(struct store *store);
int names_tidy(struct store *store);

/* --- batch.c --- */
/* The body of batch `id`, in a transaction. */
int batch_add_body(struct store *store, uint64_t id,
		   const struct store_batch *batch);

/* --- evict.c --- */
/* Evict until `bytes` more fit in. -ENOSPC: nothing is left to evict. */
int evict_for(struct store *store, uint64_t bytes);

/* --- gap.c --- */
/* Owe `destination` the word that these are missing; in a transaction. */
int gap_owe(struct store *store, int destination, enum gap_reason reason,
	    struct run run);
/* Turn what is owed into rows that begin at `*seq`; in a transaction. */
int gap_settle(struct store *store, uint64_t *seq);
/* A gap row, and one of its ranges; in a transaction. */
int gap_write(struct store *store, uint64_t seq, uint64_t time_ns,
	      enum gap_reason reason);
int gap_write_range(struct store *store, uint64_t seq, int destination,
		    struct run run);
/* What the gap row `seq` says to a destination: 1 and `*ret_run`, or 0: it says
 * nothing to it; `*ret_others`: how many rows it says that anybody misses.
 * `to` NULL: all that it says, as one range. */
int gap_view(struct store *store, uint64_t seq, const struct destination *to,
	     struct run *ret_run, uint64_t *ret_others);

/* --- read.c --- */
/* store_scan() as `to` sees it (NULL: everything), from any number. */
int scan_for(struct store *store, const struct store_range *range,
	     const struct destination *to, store_record_cb cb, void *arg,
	     struct ep_err *err);

/* --- destination.c --- */
#define DESTINATIONS_MAX 64
/* 0; -ENOENT: not configured. */
int destination_get(struct store *store, int id, struct destination *ret);
/* All that are configured: how many, or a negative errno. */
int destination_list(struct store *store, struct destination *list);
int destination_set(struct store *store, const struct destination *to);

#endif
