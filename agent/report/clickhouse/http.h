/* ClickHouse asked over HTTP, one question at a time, waiting. Answers come as
 * lines of TabSeparated, none of which is kept. */
#ifndef REPORT_CLICKHOUSE_HTTP_H
#define REPORT_CLICKHOUSE_HTTP_H

#include "edgeprobe/error.h"
#include "report/clickhouse/clickhouse.h"

#define CLICKHOUSE_LINE_MAX ((size_t)4 << 20) /* longer ones are an error */

struct clickhouse;

/* Nothing is asked yet. The options are borrowed. 0; -EINVAL, or what the
 * password file gave, with `err`; -ENOMEM. */
int clickhouse_open(const struct clickhouse_options *o,
		    struct clickhouse **ret_clickhouse, struct ep_err *err);
void clickhouse_close(struct clickhouse *c); /* NULL is fine */

/* Host and port, for people. */
const char *clickhouse_label(const struct clickhouse *c);

/* A line without its newline; may be written to; until it returns. 0, or a
 * negative errno with `err`, which ends the answer. */
typedef int (*clickhouse_line_cb)(char *line, void *arg, struct ep_err *err);

/* Ask. 0 when the whole answer was there; else a negative errno, and `err` in one
 * line: -EACCES who we are is not enough, -ENOENT there are no such tables,
 * -ECONNREFUSED and others: it cannot be reached, -EPROTO the answer is none,
 * -EREMOTEIO ClickHouse's own words. */
int clickhouse_ask(struct clickhouse *c, const char *sql, clickhouse_line_cb cb,
		   void *arg, struct ep_err *err);

#endif
