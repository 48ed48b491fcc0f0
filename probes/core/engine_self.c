/* What an engine knows of itself: whether it stood still, and what it did. */
#include "core/engine_self.h"
#include "core/engine_i.h"
#include "edgeprobe/clock.h"

/* --- is somebody running us? --- */

static void set_beat(struct ep_engine *e)
{
	e->beat_ns = uv_now(e->loop) * EP_NS_PER_MS + STANDSTILL_BEAT_NS;
}

struct standstill_mark engine_begin(struct ep_engine *e)
{
	if (e->in_flight == 0) {
		standstill_begin(&e->still, ep_clock_boot_ns(),
				 ep_clock_suspended_ns());
		set_beat(e);
	}
	return standstill_mark(&e->still);
}

void engine_look(struct ep_engine *e)
{
	set_beat(e);
	if (standstill_look(&e->still, ep_clock_boot_ns()) && e->in_flight > 0)
		standstill_count(&e->still, ep_clock_suspended_ns());
}

/* --- the samples of those that were under way --- */

/* The other side waited for us, and may have given up. If all of it took less
 * time than we stood still, that lay between the arrival of something and our
 * reading it, and the kind has left it out. */
static bool is_disturbed(const struct ep_probe *p)
{
	const struct ep_sample *s = &p->sample;

	if (s->outcome == EP_LOST || s->reason == EP_REASON_CONNECTION_CLOSED ||
	    s->reason == EP_REASON_TLS_FAILED)
		return true;
	if (s->https.total_ns == EP_ABSENT)
		return s->outcome == EP_REPLIED;
	return (uint64_t)s->https.total_ns >=
	       standstill_least_ns(&p->engine->still, p->still);
}

/* While a host is suspended it hears nothing, and no clock of it goes on. While
 * we stand still the kernel's own stamps are right all the same. */
static bool is_spoilt(const struct ep_probe *p)
{
	const struct ep_sample *s = &p->sample;

	return p->state == PROBE_RESOLVING ||
	       (p->target->kind->converses && is_disturbed(p)) ||
	       (s->rtt_ns != EP_ABSENT && s->stamp != EP_STAMP_KERNEL) ||
	       standstill_suspended(&p->engine->still, p->still);
}

/* What it says would be of us and not of the network. */
static void spoil(struct ep_sample *s)
{
	s->outcome = EP_FAILED;
	s->reason = EP_REASON_UNMEASURED;
	s->rtt_ns = s->dns_ns = EP_ABSENT;
	s->https.connect_ns = s->https.tls_ns = EP_ABSENT;
	s->https.tls_first_byte_ns = EP_ABSENT;
	s->https.first_byte_ns = s->https.total_ns = EP_ABSENT;
	s->uncertainty_ns = 0;
	s->stamp = EP_STAMP_USER;
}

/* The loop looks when it wakes up; who is timed by our own clock does so now. */
bool probe_stood_still(struct ep_probe *p)
{
	if (p->sample.stamp != EP_STAMP_KERNEL || p->target->kind->converses)
		engine_look(p->engine);
	return standstill_since(&p->engine->still, p->still);
}

void probe_judge_standstill(struct ep_probe *p)
{
	p->sample.flags |= EP_FLAG_STALLED;
	if (p->sample.outcome != EP_CANCELLED && is_spoilt(p))
		spoil(&p->sample);
}

/* --- counters --- */

void engine_count_start(struct ep_engine *e)
{
	e->stats.started++;
	if (e->in_flight > e->stats.in_flight_max)
		e->stats.in_flight_max = e->in_flight;
}

void engine_count(struct ep_engine *e, const struct ep_sample *s)
{
	struct ep_engine_stats *stats = &e->stats;

	if (s->rtt_ns == EP_ABSENT)
		return;
	stats->stamps_kernel += s->stamp == EP_STAMP_KERNEL;
	stats->stamps_mixed += s->stamp == EP_STAMP_MIXED;
	stats->stamps_user += s->stamp == EP_STAMP_USER;
	stats->stamps_sched += (s->flags & EP_FLAG_TX_SCHED) != 0;
}

void ep_engine_stats(struct ep_engine *engine,
		     struct ep_engine_stats *ret_stats)
{
	*ret_stats = engine->stats;
	ret_stats->stalls = engine->still.stalls;
	for (unsigned i = 0; i < engine->n_shared; i++)
		if (engine->shared[i].kind->drops != NULL)
			ret_stats->local_drops += engine->shared[i].kind->drops(
				engine->shared[i].state);
	engine->stats.in_flight_max = engine->in_flight;
}
