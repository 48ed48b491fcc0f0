#include "store/copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SQL_BYTES 1024

void copy_init(struct copy *c, sqlite3 *to, enum wreck_table table)
{
	memset(c, 0, sizeof(*c));
	c->to = to;
	c->table = table;
}

void copy_finish(struct copy *c)
{
	sqlite3_finalize(c->insert);
	c->insert = NULL;
}

static int column_of(sqlite3_stmt *row, const char *name)
{
	for (int i = 1; i < sqlite3_column_count(row); i++)
		if (strcmp(sqlite3_column_name(row, i), name) == 0)
			return i;
	return 0;
}

/* The names come from the whole file. */
static int match(struct copy *c, sqlite3_stmt *to, sqlite3_stmt *row)
{
	char names[SQL_BYTES / 2] = "", marks[SQL_BYTES / 8] = "";
	char sql[SQL_BYTES];
	size_t at = 0, mark = 0;

	for (int i = 0; i < sqlite3_column_count(to); i++) {
		const char *name = sqlite3_column_name(to, i);
		int from = column_of(row, name);

		if (from == 0 || c->n == COPY_COLUMNS_MAX)
			continue;
		c->from[c->n++] = from;
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
				       at > 0 ? "," : "", name);
		mark += (size_t)snprintf(marks + mark, sizeof(marks) - mark,
					 "%s?", mark > 0 ? "," : "");
	}
	snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s(%s) VALUES(%s)",
		 wreck_name(c->table), names, marks);
	return sqlite3_prepare_v2(c->to, sql, -1, &c->insert, NULL);
}

static int trouble(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

static int prepare(struct copy *c, sqlite3_stmt *row)
{
	sqlite3_stmt *to = NULL;
	char sql[64];
	int code;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s", wreck_name(c->table));
	code = sqlite3_prepare_v2(c->to, sql, -1, &to, NULL);
	if (code == SQLITE_OK)
		code = match(c, to, row);
	sqlite3_finalize(to);
	return code == SQLITE_OK ? 0 : trouble(code);
}

int copy_row(struct copy *c, sqlite3_stmt *row)
{
	int code, r = c->insert == NULL ? prepare(c, row) : 0;

	for (int i = 0; i < c->n && r == 0; i++)
		if (sqlite3_bind_value(c->insert, i + 1,
				       sqlite3_column_value(row, c->from[i])) !=
		    SQLITE_OK)
			r = -ENOMEM;
	if (r < 0)
		return r;
	code = sqlite3_step(c->insert);
	sqlite3_reset(c->insert);
	return code == SQLITE_DONE ? sqlite3_changes(c->to) > 0 : trouble(code);
}
