/* SQLite, as far as this room uses it: prepared questions by name, arguments
 * by a line of type letters, errors as negative errno. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "edgeprobe/error.h"
#include "store/query.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db {
	sqlite3 *sqlite;
	sqlite3_stmt *queries[DB_QUERIES]; /* prepared when first asked */
	bool damaged; /* SQLite has met damage since it was opened */
	bool quota;   /* the disk may have room, but not for us; the store says
		     * when that is over */
};

/* The last trouble of the connection as a negative errno: -ENOSPC for a full
 * disk and for the page bound, -EUCLEAN for damage, -EIO, -EBUSY ... */
int db_errno(struct db *db);
/* db_errno() with SQLite's own words in `err`. */
int db_fail(struct db *db, struct ep_err *err, const char *what);

/* Arguments: i int64_t, u uint64_t, t text or NULL, b bytes and size_t. Runs
 * the question to its end. */
int db_run(struct db *db, enum db_query q, const char *types, ...);
/* The same for one whole number: 1 and `*ret_value`; 0: no row, or NULL. */
int db_number(struct db *db, int64_t *ret_value, enum db_query q,
	      const char *types, ...);
/* Write the blob of this row, which has `len` bytes: SQLite copies what it is
 * given elsewhere. */
int db_fill(struct db *db, const char *table, const char *column, uint64_t row,
	    const void *data, size_t len);
/* Begin a question that has rows; NULL: see db_errno(). */
sqlite3_stmt *db_ask(struct db *db, enum db_query q, const char *types, ...);
/* 1: a row is there; 0: no more; or a negative errno. */
int db_next(struct db *db, sqlite3_stmt *asked);
/* End early or late; NULL is fine. */
void db_end(sqlite3_stmt *asked);

/* SQL that is not worth keeping prepared. */
int db_exec(struct db *db, const char *sql);
/* A whole number from a pragma or query that is asked once. */
int db_exec_number(struct db *db, const char *sql, int64_t *ret_value);

/* Undo whatever is open; fine when nothing is. */
void db_rollback(struct db *db);
/* NULL inside is fine. */
void db_close(struct db *db);

#endif
