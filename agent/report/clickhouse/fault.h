/* What ClickHouse says when it does not answer. Pure. */
#ifndef REPORT_CLICKHOUSE_FAULT_H
#define REPORT_CLICKHOUSE_FAULT_H

#include "edgeprobe/error.h"

/* An answer of another status than 200. Sets `err`, in one line, and returns
 * what clickhouse_ask() promises. */
int clickhouse_fault(long status, const char *body, struct ep_err *err);

/* 0, or the same of a line of an answer that began well: an exception. */
int clickhouse_fault_inside(const char *line, struct ep_err *err);

#endif
