/* Leaves from the roll-ups of ClickHouse: whole hours from `hours`, what is left
 * at both ends of the window from `minutes`. */
#ifndef REPORT_CLICKHOUSE_LEAVES_H
#define REPORT_CLICKHOUSE_LEAVES_H

#include "report/clickhouse/scope.h"
#include "report/lines/leaves.h"
#include <stdint.h>

/* Of these a leaf has a histogram for each window: some 100 KiB. */
#define CLICKHOUSE_LEAVES_MAX 20000

/* Members of a series, as bits; what is not asked for is "". */
enum clickhouse_column {
	CLICKHOUSE_SITE = 1 << 0,
	CLICKHOUSE_COUNTRY = 1 << 1,
	CLICKHOUSE_METRO = 1 << 2,
	CLICKHOUSE_CIRCUIT = 1 << 3,
	CLICKHOUSE_PROVIDER = 1 << 4,
	CLICKHOUSE_PREFIX = 1 << 5,
	CLICKHOUSE_TARGET = 1 << 6,
	CLICKHOUSE_PROBE = 1 << 7,
	CLICKHOUSE_HOST = 1 << 8,
	CLICKHOUSE_ALL = (1 << 9) - 1,
};
#define CLICKHOUSE_COLUMNS 9

/* The columns that lines by these keys need. */
unsigned clickhouse_columns(const enum report_key *by, unsigned n_by);

/* "a, b, ''", named k0 to k8, and "k0, k1" of those that are no constants;
 * nothing for no columns. */
void clickhouse_select(struct buf *sql, const struct clickhouse_scope *scope,
		       unsigned columns);
void clickhouse_group(struct buf *sql, unsigned columns);

/* A series of ClickHouse's: by the hash of its columns. */
struct clickhouse_series {
	uint64_t hash;
	const struct series *series;
	struct leaf **leaves;
	size_t n_leaves;
	uint32_t number; /* from 0, in the order they came */
};

struct clickhouse_leaves {
	struct leaves *leaves;         /* borrowed */
	struct clickhouse_series **at; /* by number */
	uint32_t n, room;
	uint32_t *slots; /* hash table of numbers + 1 */
	size_t size;
};

void clickhouse_leaves_init(struct clickhouse_leaves *cl,
			    struct leaves *leaves);
void clickhouse_leaves_finish(struct clickhouse_leaves *cl);

/* Count a window into leaves of those columns. 0 or a negative errno with
 * `err`. */
int clickhouse_leaves_read(struct clickhouse_leaves *cl,
			   const struct clickhouse_scope *scope,
			   unsigned columns, enum leaf_window window,
			   struct ep_err *err);

/* NULL: there is none. */
struct clickhouse_series *
clickhouse_leaves_find(const struct clickhouse_leaves *cl, uint64_t hash);

/* Its fresh leaf without a PoP, or the first: what is not known by PoP is
 * counted there. */
struct leaf *clickhouse_leaves_any(const struct clickhouse_series *series);

/* The hash that an answer gave, of all columns: "cityHash64(k0, ..., k8)". */
void clickhouse_hash(struct buf *sql);

/* The middle of a histogram's step, ns. */
uint64_t clickhouse_step_ns(uint64_t step);

#endif
