/* A table of text whose columns are as wide as what is in them. */
#ifndef REPORT_TEXT_TABLE_H
#define REPORT_TEXT_TABLE_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS_MAX 24
#define TABLE_CELL_MAX    64

enum table_mark { TABLE_PLAIN, TABLE_HEAD, TABLE_WARN, TABLE_BAD };

struct table_cell {
	char text[TABLE_CELL_MAX];
	enum table_mark mark;
};

struct table {
	unsigned n_columns;
	bool left[TABLE_COLUMNS_MAX]; /* else aligned right */
	struct table_cell *cells;     /* row after row */
	size_t n_rows, room;
	int error; /* -ENOMEM */
};

void table_init(struct table *t, unsigned n_columns);
void table_finish(struct table *t);

/* Begin a row of empty cells. */
void table_row(struct table *t);

/* Write into a cell of the last row; too long a text is cut. */
void table_put(struct table *t, unsigned column, enum table_mark mark,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

void table_print(const struct table *t, bool colour, struct buf *out);

#endif
