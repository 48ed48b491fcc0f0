/* Rows of each series of each agent, in the order of their numbers, each held
 * against the one before it: what came twice has the same number and adds
 * nothing, what is without a round trip breaks the chain. */
#include "report/clickhouse/jitter.h"
#include "report/clickhouse/tsv.h"
#include <errno.h>
#include <inttypes.h>

#define SPAN_US UINT64_C(600000000)

static int on_line(char *line, void *arg, struct ep_err *err)
{
	struct clickhouse_leaves *cl = arg;
	struct clickhouse_series *series;
	struct leaf *leaf;
	struct tsv t;
	uint64_t n;
	double sum_us;

	tsv_init(&t, line);
	series = clickhouse_leaves_find(cl, tsv_uint(&t));
	n = tsv_uint(&t);
	sum_us = tsv_double(&t);
	if (!tsv_done(&t) || !(sum_us >= 0 && sum_us < 1e18))
		return ep_err_set(err, -EPROTO,
				  "an answer that was not asked for");
	leaf = series == NULL ? NULL : clickhouse_leaves_any(series);
	if (leaf == NULL) /* a row that came just now */
		return 0;
	leaf->groups[LEAF_NOW].jitter_n += n;
	leaf->groups[LEAF_NOW].jitter_sum_ns += sum_us * 1000;
	return 0;
}

static void put_rows(struct buf *sql, const struct clickhouse_scope *scope,
		     unsigned columns)
{
	uint64_t every = 1;

	if (scope->samples > CLICKHOUSE_JITTER_ROWS)
		every = (scope->samples + CLICKHOUSE_JITTER_SOME - 1) /
			CLICKHOUSE_JITTER_SOME;
	buf_text(sql, "SELECT agent, epoch, target, probe, circuit, ");
	clickhouse_select(sql, scope, columns);
	buf_text(sql, ", arraySort(groupArray((seq, ifNull(rtt_us, -1.)))) "
		      "AS all FROM ");
	clickhouse_table(sql, scope, "rows");
	buf_printf(sql, " PREWHERE ts_us >= %" PRIu64 " AND ts_us < %" PRIu64,
		   scope->since_s * 1000000, scope->until_s * 1000000);
	if (every > 1)
		buf_printf(sql,
			   " AND intDiv(ts_us, %" PRIu64 ") %% %" PRIu64 " = 0",
			   SPAN_US, every);
	buf_text(sql, " WHERE type = 'sample' AND "
		      "position(flags, 'kept_connection') = 0 GROUP BY ");
	clickhouse_group(sql, columns);
	buf_text(sql, "agent, epoch, target, probe, circuit");
	if (every > 1)
		buf_printf(sql, ", intDiv(ts_us, %" PRIu64 ")", SPAN_US);
}

int clickhouse_jitter_read(struct clickhouse_leaves *cl,
			   const struct clickhouse_scope *scope,
			   unsigned columns, struct ep_err *err)
{
	struct buf sql;

	if (scope->samples > CLICKHOUSE_JITTER_MOST)
		return 0;
	buf_init(&sql, CLICKHOUSE_SQL_MAX);
	buf_text(&sql, "SELECT ");
	clickhouse_hash(&sql);
	buf_text(&sql,
		 " AS hash, sum(length(steps)), sum(arraySum(steps)) FROM "
		 "(SELECT *, arrayFilter(s -> s >= 0, arrayMap((a, b) -> "
		 "if(tupleElement(a, 2) < 0 OR tupleElement(b, 2) < 0 OR "
		 "tupleElement(a, 1) = tupleElement(b, 1), -1., "
		 "abs(tupleElement(b, 2) - tupleElement(a, 2))), "
		 "arrayPopBack(all), arrayPopFront(all))) AS steps FROM (");
	put_rows(&sql, scope, columns);
	buf_text(&sql, ")) GROUP BY hash FORMAT TabSeparated");
	return clickhouse_put(scope, &sql, on_line, cl, err);
}
