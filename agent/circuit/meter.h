/* The byte budget of a metered circuit: which probes may go so that it is kept.
 * Pure: told the time, in nanoseconds of the monotonic clock. A meter is shared
 * by all threads that send over its circuit, without a lock; an item is one
 * thread's own. */
#ifndef CIRCUIT_METER_H
#define CIRCUIT_METER_H

#include "edgeprobe/sample.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ep_target;

/* Zero is a meter without a bound. */
struct meter {
	uint64_t budget;         /* bytes in any 24 hours; 0: no bound */
	double rate;             /* bytes a second that may be spent */
	int64_t depth_ns;        /* for how long unspent ones are kept */
	_Atomic int64_t paid_ns; /* everything spent is paid at this rate by
				  * then; in the past: there is some left */
	_Atomic int64_t planned; /* what all items would take in a second if
				  * each went as configured, in 1/1000 byte */
	_Atomic int64_t spent;   /* bytes since the start */
};

/* One item of the schedule. Zero is one that no meter counts. */
struct meter_item {
	struct meter *meter; /* NULL: none */
	double a_second;     /* due times */
	double probes;       /* at a due time: more than one where each address
			      * of a name is measured */
	double bytes;        /* expected of a probe, learnt */
	double owed;         /* part of a probe that thinning has left over */
	int64_t planned;     /* its part of meter->planned */
	uint32_t charge;     /* bytes taken at a send, corrected afterwards */
	uint32_t sent;       /* probes of the last due time */
	bool skipped;        /* since the last that went */
	bool thinned;        /* fewer go than configured */
};

/* `budget` bytes in any 24 hours. Nothing is saved up at the start, so that
 * this holds over restarts, too. */
void meter_init(struct meter *meter, uint64_t budget, uint64_t now_ns);

/* Begin to count an item that probes `target` `a_second` times a second; items
 * of different `number` are not thinned in step. */
void meter_item_init(struct meter_item *item, struct meter *meter,
		     const struct ep_target *target, double a_second,
		     unsigned number);

/* A due time of the item has come: true if it may send. */
bool meter_ask(struct meter_item *item, uint64_t now_ns);

/* It sends a probe now. */
void meter_sent(struct meter_item *item, uint64_t now_ns);

/* The probe is over. */
void meter_done(struct meter_item *item, const struct ep_sample *sample);

/* The share of the configured probes that the budget allows, at most 1. */
double meter_share(const struct meter *meter);

/* What was last said of a share. Zero at the start. */
struct meter_said {
	double share;
	uint64_t at_ns;
};

/* True if the share is worth saying: the first time, and then when it has
 * become quite another, at most every few minutes. Notes it as said. */
bool meter_has_news(const struct meter *meter, struct meter_said *said,
		    uint64_t now_ns);

#endif
