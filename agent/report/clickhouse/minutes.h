/* A model's course of time from the roll-ups: cells, PoP runs and pairs of each
 * minute, or, of long windows, each hour. */
#ifndef REPORT_CLICKHOUSE_MINUTES_H
#define REPORT_CLICKHOUSE_MINUTES_H

#include "report/clickhouse/leaves.h"
#include "report/gather/gather.h"

/* The streams of `gather`: two of each series, fresh and kept. */
uint32_t clickhouse_stream(const struct clickhouse_series *series, bool kept);

/* Tell the gather its streams, and then what they did. 0 or a negative errno
 * with `err`. */
int clickhouse_minutes_read(const struct clickhouse_leaves *cl,
			    const struct clickhouse_scope *scope,
			    struct gather *gather, struct ep_err *err);

/* The worst of a call, from the rows of stun. Of more than
 * CLICKHOUSE_VOICE_ROWS it is not known. */
#define CLICKHOUSE_VOICE_ROWS 2000000
int clickhouse_voice_read(const struct clickhouse_leaves *cl,
			  const struct clickhouse_scope *scope,
			  struct gather *gather, struct ep_err *err);

#endif
