/* A coarse histogram of durations, 64 steps an octave: percentiles within 0.8 %.
 * For what is drawn, where there are many. Pure, no allocation. */
#ifndef REPORT_GATHER_SKETCH_H
#define REPORT_GATHER_SKETCH_H

#include <stdint.h>

#define SKETCH_STEPS   64
#define SKETCH_OCTAVES 25 /* from 8 us to 4.6 minutes; beyond counts as that */
#define SKETCH_SLOTS   (SKETCH_STEPS * SKETCH_OCTAVES)

/* Zero-initialise, `slots` need not be. */
struct sketch {
	uint32_t n;
	uint16_t first, last; /* slots in use, inclusive; where n > 0 */
	uint32_t slots[SKETCH_SLOTS];
};

void sketch_add(struct sketch *s, uint64_t ns, uint32_t n);
void sketch_clear(struct sketch *s);

/* By nearest rank, each `p` (0 to 1) at least the one before it; 0 where there
 * is nothing. */
void sketch_percentiles(const struct sketch *s, const double *p, unsigned n,
			float *ret_ns);

#endif
