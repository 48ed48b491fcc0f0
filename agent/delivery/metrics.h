/* Rows added up to OTLP metrics, delta: exponential histograms and counters for
 * each minute and series. Pure. What becomes of which row is in README.md. */
#ifndef DELIVERY_METRICS_H
#define DELIVERY_METRICS_H

#include "base/buf.h"
#include "base/record.h"
#include <stddef.h>
#include <stdint.h>

struct metrics;

/* NULL: no memory. */
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics); /* NULL is fine */

/* Add what a row brings. 0; -E2BIG: metrics_write() might then take more than
 * `max_bytes`; -ENOMEM. On failure it is as if the row had not come. */
int metrics_add(struct metrics *metrics, const struct record *record,
		size_t max_bytes);

/* An ExportMetricsServiceRequest of all that was added. */
void metrics_write(struct metrics *metrics, const struct identity *who,
		   struct buf *out);

/* The number of the minute since 1970 that a time counts to: one that is just
 * over belongs to the minute that it ends, as intervals of OTLP do. */
uint64_t metrics_minute(uint64_t time_ns);

#endif
