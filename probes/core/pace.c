#include "core/pace.h"

#define WINDOW_NS UINT64_C(200000000)
#define SECOND_NS UINT64_C(1000000000)

/* The last of so many parts of an interval is for riding. */
#define RIDE_PARTS 5

static uint64_t interval_of(uint64_t rate)
{
	uint64_t interval_ns = SECOND_NS * PACE_REPLIES / (rate + 1);

	if (interval_ns > PACE_MAX_NS)
		return PACE_MAX_NS;
	return interval_ns < PACE_MIN_NS ? PACE_MIN_NS : interval_ns;
}

/* The window is over: judge it, and open the next. */
static bool judge(struct pace *p, uint64_t now_ns)
{
	uint64_t rate = p->sends * SECOND_NS / (now_ns - p->window_ns + 1);
	bool dense = rate >= (p->dense ? PACE_SPARSE : PACE_DENSE);
	bool changed = dense != p->dense;

	p->dense = dense;
	p->interval_ns = interval_of(rate);
	p->window_ns = now_ns;
	p->sends = 0;
	return changed;
}

bool pace_sent(struct pace *p, uint64_t now_ns)
{
	if (p->window_ns == 0)
		p->window_ns = now_ns;
	p->sends++;
	p->sent_ns = now_ns;
	return now_ns - p->window_ns >= WINDOW_NS && judge(p, now_ns);
}

bool pace_looked(struct pace *p, uint64_t now_ns, bool idle)
{
	p->looked_ns = now_ns;
	if (!p->dense || !idle || now_ns - p->sent_ns < PACE_QUIET_NS)
		return false;
	p->dense = false; /* a late reply must find somebody awake */
	p->sends = 0;
	p->window_ns = now_ns;
	return true;
}

uint64_t pace_due(const struct pace *p)
{
	return p->dense ? p->looked_ns + p->interval_ns : UINT64_MAX;
}

uint64_t pace_ride(const struct pace *p)
{
	return p->dense ? p->looked_ns +
				  p->interval_ns / RIDE_PARTS * (RIDE_PARTS - 1)
			: UINT64_MAX;
}
