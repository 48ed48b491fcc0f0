#ifndef LAB_LATENESS_H
#define LAB_LATENESS_H

/* How late the wire released packets: the lab's own error, in microseconds.
 * Since the start, and since it was last asked. */

#include <stdint.h>
#include <stdio.h>

#define LATENESS_MAX_US 10000 /* what is later counts as this late */

struct lateness_span {
	uint64_t n, worst_ns;
	uint64_t by_us[LATENESS_MAX_US + 1];
};

struct lateness {
	struct lateness_span all, recent;
};

void lateness_add(struct lateness *l, uint64_t late_ns);

/* That share of the packets was released at most this late. */
uint64_t lateness_us(const struct lateness_span *s, double share);

/* The span since the call before, as KEY=VALUE lines; the next one begins. */
void lateness_tell(struct lateness *l, FILE *out);

#endif
