/* Has a level changed? An online detector of steps in a noisy series, told one
 * figure at a time. Pure; some 250 bytes each.
 *
 * Of the last CHANGE_WINDOW figures since the last change every place is tried
 * as a boundary: where two levels, each with its own mean and spread, explain
 * them so much better than one, there was a change. Single spikes are cut at
 * some spreads from the median first, and a spread is never taken as less than
 * half a millisecond and 0.2 %, which is no change that anybody should know of.
 *
 * Of the hand-labelled changes in test/data/rtt-changes it finds what README.md
 * says, some five figures after they began. */
#ifndef EVENTS_CHANGE_H
#define EVENTS_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANGE_WINDOW 60
/* Figures that a level has at least, before and after. */
#define CHANGE_LEAST 4
/* That the median and spread of recent figures are made of. */
#define CHANGE_RECENT 15

struct change {
	uint16_t window[CHANGE_WINDOW]; /* figure.h; oldest first, spikes cut */
	uint16_t heard[CHANGE_WINDOW];  /* the same as they came */
	unsigned n;
};

/* What was found: two levels (medians), and how many figures ago the second began (the
 * newest is 1 ago). */
struct change_step {
	double before_ms, after_ms;
	unsigned ago;
};

/* Zero-initialise; to forget all, too. */

/* One more figure, in milliseconds. True: there was a change; what came before
 * it is forgotten. */
bool change_add(struct change *c, double ms, struct change_step *ret_step);

/* The level of now; 0: nothing is known. */
double change_level_ms(const struct change *c);

#endif
