/* An exponential histogram as OTLP has it: 2^scale buckets to each doubling.
 * Pure. */
#ifndef DELIVERY_EXPHIST_H
#define DELIVERY_EXPHIST_H

#include "base/buf.h"
#include "delivery/points.h"
#include <stddef.h>

#define EXPHIST_BUCKETS 160

/* The members of a data point from "count" to "max", for durations (ns, from
 * 0), in seconds. `scale` is the finest one; where the buckets would be too
 * many it is a coarser one. */
void exphist_write(struct buf *out, const struct figure *figures, size_t n,
		   int scale);

/* `ns` as seconds, exactly: a JSON number. */
void exphist_seconds(struct buf *out, uint64_t ns);

#endif
