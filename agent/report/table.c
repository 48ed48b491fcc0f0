#include "report/table.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2 /* blanks between columns */

void table_init(struct table *t, unsigned n_columns)
{
	memset(t, 0, sizeof(*t));
	t->n_columns =
		n_columns < TABLE_COLUMNS_MAX ? n_columns : TABLE_COLUMNS_MAX;
}

void table_finish(struct table *t)
{
	free(t->cells);
	memset(t, 0, sizeof(*t));
}

void table_row(struct table *t)
{
	struct table_cell *grown;

	if (t->error < 0)
		return;
	if (t->n_rows == t->room) {
		t->room = t->room == 0 ? 32 : t->room * 2;
		grown = realloc(t->cells, t->room * t->n_columns *
						  sizeof(struct table_cell));
		if (grown == NULL) {
			t->error = -ENOMEM;
			return;
		}
		t->cells = grown;
	}
	memset(&t->cells[t->n_rows * t->n_columns], 0,
	       t->n_columns * sizeof(struct table_cell));
	t->n_rows++;
}

void table_put(struct table *t, unsigned column, enum table_mark mark,
	       const char *format, ...)
{
	struct table_cell *cell;
	va_list args;

	if (t->error < 0 || t->n_rows == 0 || column >= t->n_columns)
		return;
	cell = &t->cells[(t->n_rows - 1) * t->n_columns + column];
	cell->mark = mark;
	va_start(args, format);
	vsnprintf(cell->text, sizeof(cell->text), format, args);
	va_end(args);
}

/* Characters, not bytes: continuation bytes of UTF-8 take no place. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *t, unsigned column)
{
	size_t widest = 0;

	for (size_t r = 0; r < t->n_rows; r++) {
		size_t n = width_of(t->cells[r * t->n_columns + column].text);

		widest = n > widest ? n : widest;
	}
	return widest;
}

static const char *const colours[] = {
	[TABLE_PLAIN] = "",
	[TABLE_HEAD] = "\033[1m",
	[TABLE_WARN] = "\033[33m",
	[TABLE_BAD] = "\033[31m",
};

static void blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_char(out, ' ');
}

static void print_cell(const struct table *t, const struct table_cell *cell,
		       unsigned column, size_t width, struct buf *out)
{
	size_t pad = width - width_of(cell->text);
	bool last = column + 1 == t->n_columns;

	if (!t->left[column])
		blanks(out, pad);
	buf_text(out, cell->text);
	if (t->left[column] && !last)
		blanks(out, pad);
	if (!last)
		blanks(out, GAP);
}

void table_print(const struct table *t, bool colour, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX];

	for (unsigned c = 0; c < t->n_columns; c++)
		widths[c] = column_width(t, c);
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
		unsigned c = (unsigned)(i % t->n_columns);
		bool marked = colour && t->cells[i].mark != TABLE_PLAIN;

		if (marked)
			buf_text(out, colours[t->cells[i].mark]);
		print_cell(t, &t->cells[i], c, widths[c], out);
		if (marked)
			buf_text(out, "\033[0m");
		if (c + 1 == t->n_columns)
			buf_char(out, '\n');
	}
	if (t->error < 0)
		out->error = t->error;
}
