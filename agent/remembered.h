/* Which row a probe's sample became: for what is told of that probe after it (a
 * late reply, a second one). On the keeping thread. */
#ifndef AGENT_REMEMBERED_H
#define AGENT_REMEMBERED_H

#include "measuring.h"
#include <stdint.h>

struct items;
struct remembered_row;

/* Zero-initialise; remembered_init() before the first sample. One table a lane,
 * made at its first sample: the ids of each count up, so that none takes
 * another's place before its time. */
struct remembered {
	struct remembered_row *rows[MEASURING_LANES_MAX];
	uint64_t size; /* of each table; a power of two */
};

/* For the samples of `items`: each until nothing can be told of it any more. */
void remembered_init(struct remembered *remembered, const struct items *items);
void remembered_finish(struct remembered *remembered);

/* The sample `id` (struct ep_sample) became row `seq`. What finds no memory is
 * forgotten. */
void remembered_put(struct remembered *remembered, uint64_t id, uint64_t seq,
		    uint32_t series);

/* The row of `id`, and its series; 0: not known any more. `last_seq` is the
 * newest row's. */
uint64_t remembered_seq(const struct remembered *remembered, uint64_t id,
			uint64_t last_seq, uint32_t *ret_series);

#endif
