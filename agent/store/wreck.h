/* A file that may be damaged anywhere, read as far as it can be: by ranges of
 * keys, halved where they meet damage. Only reads. What SQLite does not notice
 * it hands out as rows: whoever asks must see whether they can be true. */
#ifndef STORE_WRECK_H
#define STORE_WRECK_H

#include "edgeprobe/error.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_job;

struct wreck {
	sqlite3 *sqlite;
	struct store_job *job; /* NULL: nobody stops it */
};

/* Tables by the whole number that their rows are in order of. */
enum wreck_table {
	WRECK_SAMPLE,
	WRECK_HTTPS,
	WRECK_LATE,
	WRECK_NOTE,
	WRECK_GAP,
	WRECK_GAP_RANGE, /* several of a number */
	WRECK_CHUNK,
	WRECK_SPAN,
	WRECK_SERIES,
	WRECK_PATH,
	WRECK_WORD,
	WRECK_OWED,
	WRECK_DESTINATION,
	WRECK_BATCH,
	WRECK_BATCH_BODY,
	WRECK_DEAD,
	WRECK_COUNTER,
	WRECK_SERIES_SPARE, /* since schema 3 */
	WRECK_PATH_SPARE,
	WRECK_WORD_SPARE,
	WRECK_DESTINATION_SPARE,
	WRECK_TABLES
};
const char *wreck_name(enum wreck_table table);

/* False: it is to be stopped. */
bool wreck_goes_on(const struct wreck *w);

/* `owned`: nobody else has it open. Else it is read beside its writer. */
int wreck_open(struct wreck *w, const char *path, bool owned,
	       struct ep_err *err);
void wreck_close(struct wreck *w);

/* One row: column 0 is the key, and from 1 on are those of the table. 0: go
 * on; anything else stops and is returned. */
typedef int (*wreck_cb)(sqlite3_stmt *row, void *arg);

/* Rows of which the key is in [first, last], in order. Returns how many keys
 * met damage, what the callback returned (below 0), -ECANCELED or -ENOMEM. */
int64_t wreck_read(struct wreck *w, enum wreck_table table, int64_t first,
		   int64_t last, wreck_cb cb, void *arg);

/* The highest key up to `cap` that can be read, 0: none. `*ret_whole` becomes
 * false if there may be others above it. */
int64_t wreck_last(struct wreck *w, enum wreck_table table, int64_t cap,
		   bool *ret_whole);
/* The lowest key; 0: none, or it cannot be read. */
int64_t wreck_first(struct wreck *w, enum wreck_table table);

/* A text or number of `meta`, as text; "" if it is not there. */
void wreck_meta(struct wreck *w, const char *name, char *ret_text, size_t size);

#endif
