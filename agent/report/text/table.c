#include "report/text/table.h"
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

/* Blanks come before a cell, so that no line ends in them. */
static void print_cell(const struct table *t, const struct table_cell *cell,
		       size_t width, size_t *owed, struct buf *out)
{
	size_t column = (size_t)(cell - t->cells) % t->n_columns;
	size_t pad = width - width_of(cell->text);

	if (!t->left[column])
		*owed += pad;
	if (cell->text[0] != '\0') {
		blanks(out, *owed);
		*owed = 0;
		buf_text(out, cell->text);
	}
	if (t->left[column])
		*owed += pad;
	*owed += GAP;
}

static void print_row(const struct table *t, size_t row, const size_t *widths,
		      bool colour, struct buf *out)
{
	size_t owed = 0;

	for (unsigned c = 0; c < t->n_columns; c++) {
		const struct table_cell *cell =
			&t->cells[row * t->n_columns + c];
		bool marked = colour && cell->mark != TABLE_PLAIN;

		if (marked)
			buf_text(out, colours[cell->mark]);
		print_cell(t, cell, widths[c], &owed, out);
		if (marked)
			buf_text(out, "\033[0m");
	}
	buf_char(out, '\n');
}

void table_print(const struct table *t, bool colour, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX];

	for (unsigned c = 0; c < t->n_columns; c++)
		widths[c] = column_width(t, c);
	for (size_t row = 0; row < t->n_rows; row++)
		print_row(t, row, widths, colour, out);
	if (t->error < 0)
		out->error = t->error;
}
