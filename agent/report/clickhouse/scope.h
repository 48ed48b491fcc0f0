/* What is asked of ClickHouse: which tables, which window, and how names and
 * times are written into a question. */
#ifndef REPORT_CLICKHOUSE_SCOPE_H
#define REPORT_CLICKHOUSE_SCOPE_H

#include "base/buf.h"
#include "edgeprobe/error.h"
#include "report/clickhouse/http.h"
#include <stdbool.h>
#include <stdint.h>

#define CLICKHOUSE_SQL_MAX ((size_t)200 << 10) /* it takes 256 KiB */

struct clickhouse_scope {
	struct clickhouse *link; /* borrowed */
	const char *database;
	uint64_t since_s, until_s; /* whole minutes, or, if `wide`, hours */
	/* The window is so long that the table `hours` is all that is read. */
	bool wide;
	bool many;        /* agents: those without a site are told apart */
	uint64_t samples; /* in the window */
};

/* A text as a literal, quoted and escaped; a name as an identifier. */
void clickhouse_literal(struct buf *sql, const char *text);
void clickhouse_name(struct buf *sql, const char *name);

/* "`database`.`table`" */
void clickhouse_table(struct buf *sql, const struct clickhouse_scope *scope,
		      const char *table);

/* Begin and end of the window, or of the one before it. */
void clickhouse_window(const struct clickhouse_scope *scope, bool before,
		       uint64_t *ret_since_s, uint64_t *ret_until_s);

/* "column >= toDateTime(..) AND column < toDateTime(..)" */
void clickhouse_between(struct buf *sql, const char *column, uint64_t since_s,
			uint64_t until_s);

/* Ask what stands in `sql`, which is finished then. `err` also where it is too
 * long. */
int clickhouse_put(const struct clickhouse_scope *scope, struct buf *sql,
		   clickhouse_line_cb cb, void *arg, struct ep_err *err);

#endif
