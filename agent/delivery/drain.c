#include "delivery/drain.h"

#include "edgeprobe/clock.h"

const struct drain_options drain_defaults = {
	.offset_ns = 60 * EP_NS_PER_S,
	.away_ns = 60 * EP_NS_PER_S,
	.start = 0.02,
	.step = 0.01,
	.floor = 0.005,
	.ceiling = 1,
};

const struct drain_options drain_none = {
	.away_ns = UINT64_MAX,
	.start = 1e9,
	.floor = 1e9,
	.ceiling = 1e9,
};

struct drain_options drain_up_to(uint64_t rate)
{
	struct drain_options o = drain_defaults;
	double times = (double)rate / drain_defaults.ceiling;

	o.start *= times;
	o.step *= times;
	o.floor *= times;
	o.ceiling *= times;
	if (rate == 0) {
		o.offset_ns = 0;
		o.start = o.floor = o.ceiling = drain_none.ceiling;
	}
	return o;
}

void drain_begin(struct drain *p, uint64_t now_ns, uint64_t random)
{
	p->rate = p->options->start;
	p->next_ns = now_ns + random % (p->options->offset_ns + 1);
	p->bad_ns = 0;
	p->overtaken = false;
}

void drain_sent(struct drain *p, uint64_t now_ns, bool backlog)
{
	p->overtaken = !backlog && now_ns >= p->next_ns;
	if (!backlog)
		return;
	p->next_ns = now_ns + (uint64_t)((double)EP_NS_PER_S / p->rate);
}

void drain_wait(struct drain *p, uint64_t until_ns)
{
	if (p->next_ns < until_ns)
		p->next_ns = until_ns;
}

bool drain_passed(struct drain *p, uint64_t now_ns, bool backlog,
		  uint64_t random)
{
	bool anew = p->bad_ns && now_ns - p->bad_ns >= p->options->away_ns;

	p->bad_ns = 0;
	if (anew)
		drain_begin(p, now_ns, random);
	else if (backlog)
		p->rate += p->options->step;
	if (p->rate > p->options->ceiling)
		p->rate = p->options->ceiling;
	return anew;
}

void drain_failed(struct drain *p, uint64_t now_ns, bool busy)
{
	if (!p->bad_ns)
		p->bad_ns = now_ns;
	if (busy)
		p->rate /= 2;
	if (p->rate < p->options->floor)
		p->rate = p->options->floor;
}

static bool fresh_is_due(const struct drain_view *v)
{
	return v->frozen || v->full || v->flush || v->now_ns >= v->due_ns;
}

enum drain_what drain_choose(const struct drain *p, const struct drain_view *v)
{
	bool backlog = v->backlog && v->now_ns >= p->next_ns;

	if (v->now_ns < v->hold_ns)
		return DRAIN_NOTHING;
	if (backlog && p->overtaken && !v->frozen && !v->flush)
		return DRAIN_BACKLOG;
	if (fresh_is_due(v))
		return DRAIN_FRESH;
	return backlog ? DRAIN_BACKLOG : DRAIN_NOTHING;
}

uint64_t drain_when(const struct drain *p, const struct drain_view *v)
{
	uint64_t when_ns = v->frozen || v->flush ? 0 : v->due_ns;

	if (v->backlog && p->next_ns < when_ns)
		when_ns = p->next_ns;
	return when_ns > v->hold_ns ? when_ns : v->hold_ns;
}
