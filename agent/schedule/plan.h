/* What is due when. Pure: it is told the time, in nanoseconds of the monotonic
 * clock, and keeps no clock of its own. */
#ifndef SCHEDULE_PLAN_H
#define SCHEDULE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct plan;

/* How the rounds of an item follow one another. */
enum plan_kind {
	PLAN_PERIODIC, /* absolute: phase + n * interval, whenever it began */
	PLAN_POISSON,  /* at random: see PLAN_GAP_LEAST */
};

/* With a count the probes of a round are `spacing` apart. Due times do not
 * depend on how long anything took. */
struct plan_item {
	enum plan_kind kind;
	uint64_t interval_ns; /* of rounds, poisson: mean; at least 1 ms */
	uint64_t phase_ns;    /* periodic: below the interval */
	uint64_t spacing_ns;  /* inside a round; count * spacing <= interval */
	uint64_t count;       /* probes a round; at least 1 */
	uint64_t seed; /* poisson: with the time of plan_start() it says all
			* gaps of this item */
};

/* Between the end of a random round and the next lies an exponential gap
 * (RFC 2330, 11.1.1), so that nobody can foresee, nor fall in step with, the
 * next probe. Its mean is the interval less what the round itself takes; below
 * a thousandth and above ten times its mean it is cut off, which happens to one
 * in 1,000 and to one in 22,000 and takes 0.005 % from the mean. */
#define PLAN_GAP_LEAST 0.001
#define PLAN_GAP_MOST  10.0

/* Something to do now. */
struct plan_due {
	unsigned item;   /* index, as added */
	uint64_t due_ns; /* when it should have left; of the first missed one */
	uint64_t missed; /* due times that were not kept; 0: send one now */
};

/* Time is cut into slots. Where many probes are due in a second, those of one
 * slot leave together at its end: CPU is wake-ups. Below that rate each leaves
 * at its own time. A slot is as long as it takes for PLAN_SLOT_PROBES to fall
 * due, within bounds: more at once would queue behind each other, and wait. */
#define PLAN_SLOT_LEAST_NS UINT64_C(1000000)
#define PLAN_SLOT_MOST_NS  UINT64_C(2000000)
#define PLAN_SLOT_PROBES   20
#define PLAN_SLOT_RATE     100 /* due times a second */

/* Most probes that leave in one slot: this, and twice the mean. What is over
 * waits for the next slot, so that late probes do not leave in a bunch. */
#define PLAN_SLOT_AT_LEAST 4

struct plan *plan_create(void);
void plan_destroy(struct plan *plan);

/* Before plan_start(): the item's index, from 0; -EINVAL, -ENOMEM. */
int plan_add(struct plan *plan, const struct plan_item *item);

/* Every item's first due time is the first at or after `now_ns`; of a random
 * one, a gap after it. */
void plan_start(struct plan *plan, uint64_t now_ns);

/* When plan_take() will have something; UINT64_MAX: never. */
uint64_t plan_next_ns(const struct plan *plan);

/* Take what is due at `now_ns`, the longest overdue first. False: nothing
 * more for now. An item that is late for its slot by more than half its
 * interval, or by
 * more than PLAN_LATE_MAX_NS, is not sent but declared missed, together with
 * its other due times that have passed: after a stall every item goes on at
 * its own next due time, and nothing is sent in a burst. */
#define PLAN_LATE_MAX_NS UINT64_C(500000000)
bool plan_take(struct plan *plan, uint64_t now_ns, struct plan_due *ret_due);

/* A phase for an item that is the same at every start and differs between
 * items: `name` is hashed (FNV-1a) into [0, interval). */
uint64_t plan_phase(const char *name, uint64_t interval_ns);

#endif
