/* The inside of metrics: metrics.c takes rows in, metrics_write.c lets all
 * out. */
#ifndef DELIVERY_METRICS_I_H
#define DELIVERY_METRICS_I_H

#include "delivery/metrics.h"
#include "delivery/points.h"
#include "edgeprobe/clock.h"

#define MINUTE_NS (60 * EP_NS_PER_S)

enum metric_kind { HISTOGRAM, COUNTER, GAUGE, NOTE };

enum metric {
	RTT,
	LATE_RTT,
	DNS,
	CONNECT,
	TLS,
	FIRST_BYTE,
	TOTAL,
	KEPT_SRTT,
	KEPT_MIN_RTT,
	SLIP,
	UNCERTAINTY,
	SAMPLES,
	MISSED,
	RETRANSMITS,
	FLAGGED,
	TLS_DAYS_LEFT,
	GAP_ROWS,
	ROWS,
	NOTES, /* each has a name of its own: its text */
};

struct metric_row {
	const char *name, *unit;
	enum metric_kind kind;
	int scale; /* HISTOGRAM: the finest */
};
extern const struct metric_row metric_table[]; /* by enum metric */

struct metrics {
	struct points points;
	size_t bytes;            /* that all may take, written */
	struct buf series, text; /* attributes of the row at hand */
};

#endif
