/* What the samples said that memory had to give up while no disk took them:
 * added up by series and minute, in bounded memory. Pure. */
#ifndef STORE_MINUTES_H
#define STORE_MINUTES_H

#include "edgeprobe/sample.h"
#include <stddef.h>
#include <stdint.h>

/* One series in one period. */
struct minute {
	uint64_t from_ns; /* wall clock; a multiple of the period */
	uint64_t sum_ns;  /* of round trips */
	int64_t min_ns, max_ns;
	uint32_t series;
	uint32_t samples; /* all; of these: */
	uint32_t replied, lost;
	uint32_t timed; /* with a round trip */
};

struct minutes {
	struct minute *rows;
	size_t n, size, max;
	uint32_t *latest; /* by series: its newest row plus 1; 0: none */
	size_t n_latest;
	uint64_t period_ns; /* a minute; longer when memory is short */
};

void minutes_init(struct minutes *m, size_t max_rows);
void minutes_finish(struct minutes *m);

/* When there is no room, periods become twice as long, up to a day; what finds
 * none even so is left out. */
void minutes_add(struct minutes *m, uint32_t series,
		 const struct ep_sample *sample);

/* Take one out; 0: there is none. When the last is out periods are minutes
 * again. `*ret_period_ns`: how long it is. */
int minutes_take(struct minutes *m, struct minute *ret_minute,
		 uint64_t *ret_period_ns);

#endif
