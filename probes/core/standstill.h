/* Did we stand still? Pure: told the time, in nanoseconds of a clock that goes
 * on while the host is suspended.
 *
 * A process that is stopped, a host that sleeps, a machine that has no time for
 * us: what waited meanwhile was late by our doing. A loop that sleeps because
 * nothing is due does not stand still; so that the two can be told apart it is
 * woken once a beat while anything is under way. */
#ifndef CORE_STANDSTILL_H
#define CORE_STANDSTILL_H

#include <stdbool.h>
#include <stdint.h>

#define STANDSTILL_NS      UINT64_C(200000000) /* from look to look */
#define STANDSTILL_BEAT_NS UINT64_C(100000000)

struct standstill {
	uint64_t alive_ns;     /* the last look */
	uint64_t pause_ns;     /* of the last stall: from look to look */
	uint64_t suspended_ns; /* of all time before, when it began */
	uint32_t stalls;       /* so far */
	uint32_t suspends;     /* how many of them were the whole host's */
};

/* What had been counted at a moment. */
struct standstill_mark {
	uint32_t stalls, suspends;
};

/* From now on somebody looks, once a beat at least. `suspended_ns`: how long
 * the host has been suspended since it started, all together. */
void standstill_begin(struct standstill *s, uint64_t now_ns,
		      uint64_t suspended_ns);

/* We are alive. True: we were not, for STANDSTILL_NS or longer; then tell
 * standstill_count() how that was. */
bool standstill_look(struct standstill *s, uint64_t now_ns);

void standstill_count(struct standstill *s, uint64_t suspended_ns);

struct standstill_mark standstill_mark(const struct standstill *s);

/* Since `mark`: have we, has the host? */
bool standstill_since(const struct standstill *s, struct standstill_mark mark);
/* How long we have stood still each time since `mark`, at least. */
uint64_t standstill_least_ns(const struct standstill *s,
			     struct standstill_mark mark);
bool standstill_suspended(const struct standstill *s,
			  struct standstill_mark mark);

#endif
