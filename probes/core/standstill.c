#include "core/standstill.h"

/* Two clocks are read one after the other, and we may be preempted between. */
#define SLACK_NS UINT64_C(20000000)

void standstill_begin(struct standstill *s, uint64_t now_ns,
		      uint64_t suspended_ns)
{
	s->alive_ns = now_ns;
	s->suspended_ns = suspended_ns;
}

bool standstill_look(struct standstill *s, uint64_t now_ns)
{
	uint64_t pause_ns = now_ns - s->alive_ns;

	s->alive_ns = now_ns;
	if (pause_ns < STANDSTILL_NS)
		return false;
	s->pause_ns = pause_ns;
	return true;
}

void standstill_count(struct standstill *s, uint64_t suspended_ns)
{
	s->stalls++;
	if (suspended_ns > s->suspended_ns + SLACK_NS)
		s->suspends++;
	s->suspended_ns = suspended_ns;
}

struct standstill_mark standstill_mark(const struct standstill *s)
{
	return (struct standstill_mark){ s->stalls, s->suspends };
}

bool standstill_since(const struct standstill *s, struct standstill_mark mark)
{
	return s->stalls != mark.stalls;
}

/* A beat of it may have been sleep. */
uint64_t standstill_least_ns(const struct standstill *s,
			     struct standstill_mark mark)
{
	uint64_t pause_ns =
		s->stalls - mark.stalls == 1 ? s->pause_ns : STANDSTILL_NS;

	return pause_ns - STANDSTILL_BEAT_NS;
}

bool standstill_suspended(const struct standstill *s,
			  struct standstill_mark mark)
{
	return s->suspends != mark.suspends;
}
