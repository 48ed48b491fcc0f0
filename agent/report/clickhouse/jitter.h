/* Jitter, which roll-ups do not know: from the rows themselves. */
#ifndef REPORT_CLICKHOUSE_JITTER_H
#define REPORT_CLICKHOUSE_JITTER_H

#include "report/clickhouse/leaves.h"

/* Of up to so many rows it is of each; of more it is that of every so many 10
 * minutes, some CLICKHOUSE_JITTER_SOME rows in all; of more than the most it is
 * not known. */
#define CLICKHOUSE_JITTER_ROWS 1000000
#define CLICKHOUSE_JITTER_SOME 400000
#define CLICKHOUSE_JITTER_MOST 50000000

/* Count it into leaves that were read with these columns. */
int clickhouse_jitter_read(struct clickhouse_leaves *cl,
			   const struct clickhouse_scope *scope,
			   unsigned columns, struct ep_err *err);

#endif
