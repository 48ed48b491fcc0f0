#include "report/clickhouse/scope.h"
#include <errno.h>
#include <inttypes.h>

/* Inside of `quote`, a backslash takes away what the byte after it means. */
static void quoted(struct buf *sql, char quote, const char *text)
{
	buf_char(sql, quote);
	for (; *text != '\0'; text++) {
		if (*text == quote || *text == '\\')
			buf_char(sql, '\\');
		buf_char(sql, *text);
	}
	buf_char(sql, quote);
}

void clickhouse_literal(struct buf *sql, const char *text)
{
	quoted(sql, '\'', text);
}

void clickhouse_name(struct buf *sql, const char *name)
{
	quoted(sql, '`', name);
}

void clickhouse_table(struct buf *sql, const struct clickhouse_scope *scope,
		      const char *table)
{
	clickhouse_name(sql, scope->database);
	buf_char(sql, '.');
	clickhouse_name(sql, table);
}

void clickhouse_window(const struct clickhouse_scope *scope, bool before,
		       uint64_t *ret_since_s, uint64_t *ret_until_s)
{
	uint64_t length_s = scope->until_s - scope->since_s;

	*ret_since_s = scope->since_s;
	*ret_until_s = scope->until_s;
	if (!before)
		return;
	*ret_until_s = scope->since_s;
	*ret_since_s =
		scope->since_s > length_s ? scope->since_s - length_s : 0;
}

void clickhouse_between(struct buf *sql, const char *column, uint64_t since_s,
			uint64_t until_s)
{
	buf_printf(sql,
		   "%s >= toDateTime(%" PRIu64 ") AND %s < toDateTime(%" PRIu64
		   ")",
		   column, since_s, column, until_s);
}

int clickhouse_put(const struct clickhouse_scope *scope, struct buf *sql,
		   clickhouse_line_cb cb, void *arg, struct ep_err *err)
{
	int r = sql->error < 0
			? ep_err_set(err, sql->error, "%s",
				     sql->error == -E2BIG
					     ? "the question to ClickHouse "
					       "would be too long"
					     : "out of memory")
			: clickhouse_ask(scope->link, sql->data, cb, arg, err);

	buf_finish(sql);
	return r;
}
