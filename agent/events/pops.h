/* Which edge locations a series usually lands on: shares of its answers over
 * the past days, where one of yesterday counts half. Pure. */
#ifndef EVENTS_POPS_H
#define EVENTS_POPS_H

#include "edgeprobe/clock.h"
#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stdint.h>

#define POPS_MAX      6 /* beyond, the rarest makes room */
#define POPS_LEAST    20
#define POPS_LEAST_NS (3600 * EP_NS_PER_S)
#define POPS_SHARE    0.1 /* of the answers */

/* What is to be said of the edge location that answers now. */
enum pops_expected {
	POPS_UNKNOWN,    /* nothing yet */
	POPS_CONFIGURED, /* one of those that are configured */
	POPS_USUAL,      /* as it has often been */
	POPS_UNEXPECTED, /* none of those that are configured */
	POPS_UNUSUAL,    /* as it has not often been */
};

/* Zero-initialise. */
struct pops {
	struct {
		char code[EP_POP_MAX];
		double answers;
	} at[POPS_MAX];
	uint64_t first_ns, last_ns; /* of the answers, wall clock */
};

/* So many answers by `code`. Time that goes back is none. */
void pops_add(struct pops *pops, const char *code, unsigned answers,
	      uint64_t now_ns);

/* Whether there have been enough answers, over POPS_LEAST_NS at least, to say
 * what is usual; and whether `code` is. */
bool pops_known(const struct pops *pops);
bool pops_usual(const struct pops *pops, const char *code);

/* True if both are codes of one city, or the same. */
bool pops_same(const char *a, const char *b);

#endif
