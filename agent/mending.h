/* How often a store that breaks is made anew: at once the first time, then less
 * and less often, so that a disk that goes on failing is not filled with what
 * was set aside. Pure. */
#ifndef AGENT_MENDING_H
#define AGENT_MENDING_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as zeros. */
struct mending {
	uint64_t next_ns, wait_ns; /* not before; monotonic */
};

/* True: now; and the next time is later. */
bool mending_may(struct mending *mending, uint64_t now_ns);

#endif
