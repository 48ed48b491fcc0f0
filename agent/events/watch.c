#include "events/watch.h"
#include "edgeprobe/clock.h"
#include "events/evidence.h"
#include "events/figure.h"
#include <math.h>
#include <string.h>

#define MINUTE_NS (60 * EP_NS_PER_S)

/* A stretch without figures is no level: the clock was stepped, or we stood
 * still. */
#define HOLE_MINUTES 60

#define LOSS_LEAST  3   /* packets, or it was one bad moment */
#define ASKED_LEAST 300 /* that a share is of, if so many were asked at all */
#define HEARD_LEAST 3   /* answers in a row that end an outage */
#define POPS_ROW    3   /* answers in a row by another location */

#define FLAGGED_LEAST 3 /* samples in a row that something stands before */
#define CLEAR_LEAST   3 /* and that nothing does */

const struct watch_limits watch_defaults = {
	.step_ms = 5,
	.step_share = 0.2,
	.loss_percent = 1,
	.outage = 5,
	.outage_ns = 10 * EP_NS_PER_S,
	.lasting_ns = 86400 * EP_NS_PER_S,
};

/* What the parts share while a sample is seen. */
struct seeing {
	struct watch *w;
	const struct watch_limits *limits;
	uint64_t now_ns;
	watch_cb cb;
	void *arg;
};

static void tell(const struct seeing *s, struct watch_news news)
{
	news.now_ns = s->now_ns;
	s->cb(&news, s->arg);
}

/* Wall time may be stepped back: then nothing has passed. */
static uint64_t since(const struct seeing *s, uint64_t then_ns)
{
	return s->now_ns > then_ns ? s->now_ns - then_ns : 0;
}

/* --- what counts --- */

/* Our own host's doing, which says nothing of the network as it is else. */
static bool is_ours(const struct ep_sample *sample)
{
	if (sample->flags & EP_FLAG_LOADED)
		return true;
	switch ((enum ep_reason)sample->reason) {
	case EP_REASON_UNMEASURED:
	case EP_REASON_MISSED:
	case EP_REASON_NO_SOURCE:
	case EP_REASON_NO_ROUTE:
	case EP_REASON_PERMISSION:
	case EP_REASON_NO_RESOURCES:
	case EP_REASON_SEND_FAILED:
	case EP_REASON_INTERNAL:
		return true;
	default:
		return sample->outcome == EP_CANCELLED;
	}
}

static bool is_answered(const struct ep_sample *sample)
{
	return sample->outcome == EP_REPLIED || sample->outcome == EP_REFUSED;
}

static bool is_timed(const struct ep_sample *sample)
{
	return is_answered(sample) && sample->rtt_ns >= 0 &&
	       (sample->flags & (EP_FLAG_DRAINING | EP_FLAG_STALLED)) == 0;
}

/* --- latency --- */

static bool is_rise(const struct watch_limits *l, double from_ms, double to_ms)
{
	return to_ms - from_ms >= l->step_ms &&
	       to_ms - from_ms >= l->step_share * from_ms;
}

/* Half a rise above the normal level is normal again. */
static bool is_back(const struct watch_limits *l, double normal_ms, double ms)
{
	return ms - normal_ms < l->step_ms / 2 ||
	       ms - normal_ms < l->step_share / 2 * normal_ms;
}

static void end_latency(const struct seeing *s, enum watch_state state,
			double ms)
{
	tell(s, (struct watch_news){ .what = WATCH_LATENCY,
				     .state = state,
				     .since_ns = s->w->latency_ns,
				     .before_ms = s->w->normal_ms,
				     .now_ms = ms });
	s->w->latency_ns = 0;
	s->w->normal_ms = ms;
}

static void worse(const struct seeing *s, enum watch_state state, double ms)
{
	s->w->told_ms = ms;
	tell(s, (struct watch_news){ .what = WATCH_LATENCY,
				     .state = state,
				     .since_ns = s->w->latency_ns,
				     .before_ms = s->w->normal_ms,
				     .now_ms = ms });
}

/* A level that nobody need hear of becomes the normal one. */
static void take_step(const struct seeing *s, const struct change_step *step,
		      uint64_t since_ns)
{
	struct watch *w = s->w;
	double ms = step->after_ms;

	if (w->latency_ns != 0) {
		if (is_back(s->limits, w->normal_ms, ms))
			end_latency(s, WATCH_CLOSED, ms);
		else if (is_rise(s->limits, w->told_ms, ms) ||
			 is_rise(s->limits, ms, w->told_ms))
			worse(s, WATCH_UPDATE, ms);
		return;
	}
	if (w->normal_ms <= 0)
		w->normal_ms = step->before_ms;
	if (is_rise(s->limits, w->normal_ms, ms)) {
		w->latency_ns = since_ns;
		w->lasted = 0;
		worse(s, WATCH_OPEN, ms);
		return;
	}
	if (is_rise(s->limits, ms, w->normal_ms))
		tell(s, (struct watch_news){ .what = WATCH_IMPROVED,
					     .state = WATCH_ONCE,
					     .since_ns = since_ns,
					     .before_ms = w->normal_ms,
					     .now_ms = ms });
	w->normal_ms = ms;
}

static double median_ms(struct watch_minute *m)
{
	unsigned n = m->timed < WATCH_RTTS ? m->timed : WATCH_RTTS;

	return figure_ms(figure_median(m->rtts, n));
}

/* The last minute of which that is the lower half: within 45 days. */
static uint64_t minute_ns(uint64_t now_ns, uint16_t half)
{
	uint64_t minute = now_ns / MINUTE_NS;

	return (minute - (uint16_t)(minute - half)) * MINUTE_NS;
}

/* How much longer it is worse now. */
static void last(struct watch *w, uint16_t before, uint16_t now)
{
	int passed = (int16_t)(now - before);

	if (passed > HOLE_MINUTES)
		passed = HOLE_MINUTES;
	if (passed > 0 && w->lasted <= UINT16_MAX - HOLE_MINUTES)
		w->lasted = (uint16_t)(w->lasted + passed);
}

static void end_minute_latency(const struct seeing *s)
{
	struct watch *w = s->w;
	struct change_step step;
	unsigned n;

	if (w->minute.timed == 0)
		return;
	n = w->change.n < CHANGE_WINDOW ? w->change.n : CHANGE_WINDOW - 1;
	if (w->change.n == CHANGE_WINDOW)
		memmove(w->minutes, w->minutes + 1, n * sizeof(w->minutes[0]));
	w->minutes[n] = (uint16_t)(w->minute.from_ns / MINUTE_NS);
	if (n > 0)
		last(w, w->minutes[n - 1], w->minutes[n]);
	n++;
	if (change_add(&w->change, median_ms(&w->minute), &step)) {
		take_step(
			s, &step,
			minute_ns(w->minute.from_ns, w->minutes[n - step.ago]));
		memmove(w->minutes, w->minutes + n - step.ago,
			step.ago * sizeof(w->minutes[0]));
	} else if (w->latency_ns != 0 &&
		   w->lasted * MINUTE_NS >= s->limits->lasting_ns) {
		end_latency(s, WATCH_LASTING, change_level_ms(&w->change));
	}
}

/* --- loss --- */

struct share {
	unsigned asked, lost;
};

/* Of the last minutes: so many that enough were asked. */
static struct share recent(const struct watch *w)
{
	struct share sum = { 0, 0 };

	for (unsigned i = 0; i < WATCH_MINUTES && sum.asked < ASKED_LEAST;
	     i++) {
		sum.asked += w->past[i].asked;
		sum.lost += w->past[i].lost;
	}
	return sum;
}

static void end_minute_loss(const struct seeing *s)
{
	struct watch *w = s->w;
	const struct watch_minute *m = &w->minute;
	struct watch_news news = { .what = WATCH_LOSS };
	struct share sum;

	memmove(w->past + 1, w->past, (WATCH_MINUTES - 1) * sizeof(w->past[0]));
	w->past[0].asked = (uint16_t)(m->asked > 60000 ? 60000 : m->asked);
	w->past[0].lost =
		(uint16_t)(m->asked > 60000
				   ? 60000.0 * (m->asked - m->answered) /
					     m->asked
				   : m->asked - m->answered);
	sum = recent(w);
	if (sum.asked == 0 || !w->answered)
		return;
	news.loss_percent = 100.0 * sum.lost / sum.asked;
	if (w->loss_ns == 0 && w->outage_ns == 0 && sum.lost >= LOSS_LEAST &&
	    news.loss_percent >= s->limits->loss_percent) {
		w->loss_ns = m->from_ns;
		news.state = WATCH_OPEN;
	} else if (w->loss_ns != 0 &&
		   news.loss_percent < s->limits->loss_percent / 2) {
		news.state = WATCH_CLOSED;
	} else {
		return;
	}
	news.since_ns = w->loss_ns;
	if (news.state == WATCH_CLOSED)
		w->loss_ns = 0;
	tell(s, news);
}

/* --- outage --- */

static void hear(const struct seeing *s)
{
	struct watch *w = s->w;

	w->answered = true;
	w->silent = 0;
	w->silent_ns = 0;
	if (w->outage_ns == 0)
		return;
	if (++w->heard < HEARD_LEAST)
		return;
	tell(s, (struct watch_news){ .what = WATCH_OUTAGE,
				     .state = WATCH_CLOSED,
				     .since_ns = w->outage_ns });
	w->outage_ns = 0;
}

static void miss(const struct seeing *s, enum watch_silence silence)
{
	struct watch *w = s->w;

	w->heard = 0;
	if (w->silent++ == 0)
		w->silent_ns = s->now_ns;
	if (silence == WATCH_MUTE || (silence == WATCH_SPOKE && !w->answered))
		return;
	if (w->outage_ns != 0 || w->silent < s->limits->outage ||
	    since(s, w->silent_ns) < s->limits->outage_ns)
		return;
	w->outage_ns = w->silent_ns;
	tell(s, (struct watch_news){ .what = WATCH_OUTAGE,
				     .state = WATCH_OPEN,
				     .since_ns = w->outage_ns });
}

/* --- edge location --- */

static enum pops_expected expected_of(const struct seeing *s, const char *pop)
{
	for (size_t i = 0; i < s->limits->n_pops; i++)
		if (pops_same(s->limits->pops[i], pop))
			return POPS_CONFIGURED;
	if (s->limits->n_pops > 0)
		return POPS_UNEXPECTED;
	if (!pops_known(&s->w->landing->pops))
		return POPS_UNKNOWN;
	return pops_usual(&s->w->landing->pops, pop) ? POPS_USUAL
						     : POPS_UNUSUAL;
}

/* The one that answers is another one. */
static void move(const struct seeing *s)
{
	struct landing *l = s->w->landing;
	enum pops_expected expected = expected_of(s, l->other);
	bool astray = expected >= POPS_UNEXPECTED;
	struct watch_news news = { .what = WATCH_POP,
				   .state = WATCH_ONCE,
				   .since_ns = l->others_ns,
				   .from = l->pop,
				   .to = l->other,
				   .expected = expected };

	if (astray)
		news.state = l->astray_ns != 0 ? WATCH_UPDATE : WATCH_OPEN;
	else if (l->astray_ns != 0)
		news.state = WATCH_CLOSED;
	if (l->astray_ns != 0)
		news.since_ns = l->astray_ns;
	l->astray_ns = astray ? news.since_ns : 0;
	if (astray || l->pop[0] != '\0')
		tell(s, news);
	memcpy(l->pop, l->other, sizeof(l->pop));
	pops_add(&l->pops, l->pop, l->others, s->now_ns);
	l->others = 0;
}

/* Where nothing is configured, what has been so for long is usual. */
static void stay(const struct seeing *s)
{
	struct landing *l = s->w->landing;

	l->others = 0;
	pops_add(&l->pops, l->pop, 1, s->now_ns);
	if (l->astray_ns == 0 || s->limits->n_pops > 0 ||
	    since(s, l->astray_ns) < s->limits->lasting_ns)
		return;
	tell(s, (struct watch_news){ .what = WATCH_POP,
				     .state = WATCH_LASTING,
				     .since_ns = l->astray_ns,
				     .from = "",
				     .to = l->pop,
				     .expected = POPS_USUAL });
	l->astray_ns = 0;
}

static void see_pop(const struct seeing *s, const char *pop)
{
	struct landing *l = s->w->landing;

	if (pop[0] == '\0')
		return;
	if (strncmp(pop, l->pop, sizeof(l->pop)) == 0) {
		stay(s);
		return;
	}
	if (strncmp(pop, l->other, sizeof(l->other)) != 0)
		l->others = 0;
	memcpy(l->other, pop, sizeof(l->other));
	if (l->others++ == 0)
		l->others_ns = s->now_ns;
	if (l->others == POPS_ROW)
		move(s);
}

/* --- what stands between --- */

static void tell_between(const struct seeing *s, enum watch_state state,
			 const struct ep_sample *sample)
{
	tell(s, (struct watch_news){ .what = WATCH_BETWEEN,
				     .state = state,
				     .since_ns = s->w->landing->between_ns,
				     .evidence = s->w->landing->evidence,
				     .sample = sample });
}

static void see_clear(const struct seeing *s, const struct ep_sample *sample)
{
	struct landing *l = s->w->landing;

	l->flagged = 0;
	l->gathered = 0;
	if (l->between_ns == 0 || ++l->clear < CLEAR_LEAST)
		return;
	tell_between(s, WATCH_CLOSED, sample);
	l->between_ns = 0;
	l->evidence = 0;
}

static void see_flagged(const struct seeing *s, const struct ep_sample *sample)
{
	struct landing *l = s->w->landing;

	l->clear = 0;
	if (l->flagged++ == 0)
		l->flagged_ns = s->now_ns;
	l->gathered |= sample->flags & EVIDENCE_FLAGS;
	if (l->flagged < FLAGGED_LEAST || (l->gathered & ~l->evidence) == 0)
		return;
	l->evidence |= l->gathered;
	if (l->between_ns != 0) {
		tell_between(s, WATCH_UPDATE, sample);
		return;
	}
	l->between_ns = l->flagged_ns;
	tell_between(s, WATCH_OPEN, sample);
}

/* Of what has no certificate nothing can be said. */
static void see_between(const struct seeing *s, const struct ep_sample *sample)
{
	if (sample->https.tls_issuer[0] == '\0')
		return;
	if (sample->flags & EVIDENCE_FLAGS)
		see_flagged(s, sample);
	else
		see_clear(s, sample);
}

/* --- a sample --- */

static void end_minute(const struct seeing *s, uint64_t from_ns)
{
	if (s->w->minute.asked > 0) {
		end_minute_latency(s);
		end_minute_loss(s);
	}
	memset(&s->w->minute, 0, sizeof(s->w->minute));
	s->w->minute.from_ns = from_ns;
}

/* Of more than there is room for, some of all the minute. */
static void count(struct watch_minute *m, const struct ep_sample *sample)
{
	unsigned at = m->timed;

	m->asked++;
	m->answered += is_answered(sample);
	if (!is_timed(sample))
		return;
	if (at >= WATCH_RTTS)
		at = at * 2654435761U >> 16 & (WATCH_RTTS - 1);
	m->rtts[at] = figure_of_ms((double)sample->rtt_ns / 1e6);
	m->timed++;
}

void watch_see(struct watch *w, const struct watch_limits *limits,
	       const struct ep_sample *sample, enum watch_silence silence,
	       watch_cb cb, void *arg)
{
	struct seeing s = { w, limits, sample->sent_ns, cb, arg };
	uint64_t from_ns = sample->sent_ns - sample->sent_ns % MINUTE_NS;

	if (is_ours(sample))
		return;
	if (from_ns != w->minute.from_ns)
		end_minute(&s, from_ns);
	count(&w->minute, sample);
	if (is_answered(sample))
		hear(&s);
	else
		miss(&s, silence);
	if (w->landing == NULL)
		return;
	see_pop(&s, sample->https.pop);
	see_between(&s, sample);
}

bool watch_is_well(const struct watch *w)
{
	const struct landing *l = w->landing;

	return w->latency_ns == 0 && w->loss_ns == 0 && w->outage_ns == 0 &&
	       (l == NULL || (l->astray_ns == 0 && l->between_ns == 0));
}
