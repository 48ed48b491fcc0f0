/* How long did it take, how often? A fixed histogram of durations: four steps
 * to each doubling, so that what it says is at most a quarter too much. Pure. */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>

/* From a microsecond to four minutes; what is beyond counts as longest. */
#define HIST_STEPS 108

/* Zero-initialise. */
struct hist {
	uint64_t n, max_ns;
	uint32_t step[HIST_STEPS];
};

/* One duration. A few nanoseconds. */
void hist_add(struct hist *h, uint64_t ns);

/* A bound that the share `part` (0 to 1) of all durations kept: at least the
 * quantile, at most a quarter above it, and never above the longest. 0 where
 * there is none. */
uint64_t hist_quantile_ns(const struct hist *h, double part);

#endif
