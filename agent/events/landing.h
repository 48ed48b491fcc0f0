/* What a series shows of the edge that answers it. Only https does, and most
 * series are none. Part of watch.h, which keeps it. */
#ifndef EVENTS_LANDING_H
#define EVENTS_LANDING_H

#include "base/buf.h"
#include "edgeprobe/sample.h"
#include "events/pops.h"
#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise. */
struct landing {
	struct pops pops;
	char pop[EP_POP_MAX], other[EP_POP_MAX];
	unsigned others;    /* of that other one in a row */
	uint64_t others_ns; /* the first of them */
	uint64_t astray_ns; /* at an edge location that is not expected; 0 */
	unsigned flagged, clear; /* in a row */
	unsigned gathered;       /* flags of those, or-ed */
	uint64_t flagged_ns;     /* the first of them */
	unsigned evidence;       /* that was told */
	uint64_t between_ns;     /* 0: no event is open */
};

/* What lasts over a restart, appended to `out` as one line of words without its
 * end: which edge locations answered and how often, the last one, and since when
 * that is not an expected one. False: none has answered yet. */
bool landing_write(const struct landing *landing, struct buf *out);

/* The way back, with nothing else in it. False: `text` is no such line, and
 * `*landing` is untouched. */
bool landing_read(struct landing *landing, const char *text);

#endif
