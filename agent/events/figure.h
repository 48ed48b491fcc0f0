/* A duration in two bytes: some minutes of each of thousands of series are kept.
 * Order is kept, too: codes are compared as they are. */
#ifndef EVENTS_FIGURE_H
#define EVENTS_FIGURE_H

#include <stdint.h>

/* From 0.25 microseconds to 500 seconds, what is beyond is the end of that; off
 * by at most 1 in 4096. */
uint16_t figure_of_ms(double ms);
double figure_ms(uint16_t figure);

/* Of `n` >= 1 of them, which are put in order: the upper one of the middle. */
uint16_t figure_median(uint16_t *figures, unsigned n);

#endif
