/* Which of a circuit's changes are told, and when. Pure: told the time, in
 * nanoseconds of the monotonic clock. */
#ifndef CIRCUIT_CHANGES_H
#define CIRCUIT_CHANGES_H

#include "circuit/lines.h"
#include <stdbool.h>
#include <stdint.h>

/* Between two changes of a circuit that are told. */
#define CHANGES_APART_NS UINT64_C(5000000000)

/* Zero at the start. */
struct changes {
	struct line now;  /* as last seen */
	bool seen;        /* at all */
	bool routed_once; /* it has had a default route */
	unsigned n;       /* changes since the last that was told */
	uint64_t next_ns; /* nothing is told before */
};

/* What has become of it. */
enum changes_step {
	CHANGES_NONE,
	CHANGES_FIRST, /* the first look */
	CHANGES_MORE,  /* up, down, or other addresses */
};

/* It looks like `line` now. A line that has had a default route and has none
 * any more lacks it; one that never had is not expected to. */
enum changes_step changes_see(struct changes *changes, const struct line *line);

/* True if `changes->now` is to be told now: so many changes, `*ret_n`, have led
 * there since the last time. Notes it as told. */
bool changes_tell(struct changes *changes, uint64_t now_ns, unsigned *ret_n);

/* When there will be something to tell; UINT64_MAX: nothing. */
uint64_t changes_due_ns(const struct changes *changes);

#endif
