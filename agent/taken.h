/* A sample on its way from a measuring thread to the keeping one. */
#ifndef AGENT_TAKEN_H
#define AGENT_TAKEN_H

#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct items;
struct ring;

/* What a slot of the ring holds: taken_bytes() of it. */
struct taken {
	uint32_t item; /* index into the thread's items; late: not used */
	bool late;     /* sample.id is that of one answered before */
	struct ep_sample sample; /* id: unique in the thread */
};

/* All of it where there are https samples; for icmp and tcp less. */
size_t taken_bytes(bool https);

/* A ring for what `items` yield while a disk is slow, and for what is said of
 * each of them after a stall. NULL: out of memory. */
struct ring *taken_ring(const struct items *items, bool https);

/* `n` slots of a ring of less than all of it lie at `taken`, one behind the
 * other: spread them out, and give what is missing its absent values. */
void taken_spread(struct taken *taken, size_t n);

#endif
