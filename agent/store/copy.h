/* Rows of a damaged file into the same table of a whole one, as they are. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/db.h"
#include "store/wreck.h"

#define COPY_COLUMNS_MAX 32

/* Columns that both have, by name; those of a wreck's row begin at 1. */
struct copy {
	sqlite3 *to;
	enum wreck_table table;
	sqlite3_stmt *insert; /* NULL: not known yet */
	int from[COPY_COLUMNS_MAX];
	int n;
};

void copy_init(struct copy *c, sqlite3 *to, enum wreck_table table);
void copy_finish(struct copy *c);

/* A row that is there already stays as it is. 1: it was added; 0: it was not;
 * -ENOSPC or another negative errno: `to` would not have it. */
int copy_row(struct copy *c, sqlite3_stmt *row);

#endif
