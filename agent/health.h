/* How each item was lately: the last outcome, and for how long it has not
 * answered. On the keeping thread. */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health_item {
	bool asked;      /* there was a sample */
	uint8_t outcome; /* enum ep_outcome, of the last */
	uint8_t reason;  /* enum ep_reason */
	uint32_t silent; /* samples in a row without an answer, the last too */
	uint64_t since_ns; /* wall time of the first of these */
};

/* Zero-initialise; health_init() allocates. */
struct health {
	struct health_item *items;
	size_t n;
};

/* 0 or -ENOMEM. */
int health_init(struct health *health, size_t n);
void health_finish(struct health *health);

/* A sample of item `i`. One that was missed tells nothing of its target. */
void health_saw(struct health *health, size_t i,
		const struct ep_sample *sample);

#endif
