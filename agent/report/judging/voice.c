/* Packets are held in the order of sending until those before them must have
 * come; then each in turn is the last one of both windows, which lose at their
 * beginning what is too old. Sums are whole numbers, so that nothing drifts. */
#include "report/judging/voice.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_lost(const struct voice_packet *p)
{
	return p->rtt_ns < 0;
}

/* What packet `i` differs from the one before; false: they do not follow each
 * other. */
static bool difference(const struct voice *v, size_t i, uint64_t *ret_ns)
{
	const struct voice_packet *b = &v->held[i], *a = b - 1;

	if (i == 0 || is_lost(a) || is_lost(b) ||
	    b->sent_ns - a->sent_ns > VOICE_SHORT_NS)
		return false;
	*ret_ns = (uint64_t)llabs(b->rtt_ns - a->rtt_ns);
	return true;
}

/* --- windows --- */

static void enter(struct voice_window *w, const struct voice_packet *p)
{
	w->n++;
	w->lost += is_lost(p);
}

static void leave(struct voice *v, struct voice_window *w)
{
	w->n--;
	w->lost -= is_lost(&v->held[w->from++]);
}

/* With its first packet goes the second one's difference from it. */
static void leave_long(struct voice *v)
{
	uint64_t ns;

	if (v->loss.from < v->next && difference(v, v->loss.from + 1, &ns)) {
		v->differences--;
		v->difference_ns -= ns;
	}
	leave(v, &v->loss);
}

static void note_loss(struct voice *v, const struct voice_packet *p)
{
	double percent = 100.0 * (double)v->loss.lost / (double)v->loss.n;

	if (v->loss.n < VOICE_LONG_LEAST ||
	    (v->worst_loss.at_ns > 0 && percent <= v->worst_loss.percent))
		return;
	v->worst_loss.percent = percent;
	v->worst_loss.at_ns = p->sent_ns;
}

static void note_burst(struct voice *v, const struct voice_packet *p)
{
	double percent = 100.0 * (double)v->burst.lost / (double)v->burst.n;

	if (v->burst.n < VOICE_SHORT_LEAST ||
	    (v->worst_burst.at_ns > 0 && percent <= v->worst_burst.percent))
		return;
	v->worst_burst.percent = percent;
	v->worst_burst.at_ns = p->sent_ns;
}

static void note_jitter(struct voice *v, const struct voice_packet *p)
{
	double ns;

	/* One that is lost takes two differences with it. */
	if (v->differences < VOICE_LONG_LEAST / 2)
		return;
	ns = (double)v->difference_ns / (double)v->differences;
	if (v->worst_jitter.at_ns > 0 && ns <= v->worst_jitter.ns)
		return;
	v->worst_jitter.ns = ns;
	v->worst_jitter.at_ns = p->sent_ns;
}

static void settle(struct voice *v)
{
	const struct voice_packet *p = &v->held[v->next];
	uint64_t ns;

	enter(&v->loss, p);
	enter(&v->burst, p);
	while (p->sent_ns - v->held[v->loss.from].sent_ns >= VOICE_LONG_NS)
		leave_long(v);
	while (p->sent_ns - v->held[v->burst.from].sent_ns >= VOICE_SHORT_NS)
		leave(v, &v->burst);
	if (v->loss.from < v->next && difference(v, v->next, &ns)) {
		v->differences++;
		v->difference_ns += ns;
	}
	note_loss(v, p);
	note_burst(v, p);
	note_jitter(v, p);
	v->settled_ns = p->sent_ns;
	v->next++;
}

/* --- what is held --- */

static void settle_all(struct voice *v)
{
	while (v->next < v->n)
		settle(v);
}

/* Nothing that was before matters to what comes. */
static void begin_anew(struct voice *v)
{
	settle_all(v);
	v->n = v->next = 0;
	v->loss = v->burst = (struct voice_window){ 0 };
	v->differences = v->difference_ns = 0;
	v->settled_ns = 0;
}

/* Packets before the long window are of no use. */
static void forget(struct voice *v)
{
	size_t n = v->loss.from;

	memmove(v->held, v->held + n, (v->n - n) * sizeof(*v->held));
	v->n -= n;
	v->next -= n;
	v->burst.from -= n;
	v->loss.from = 0;
}

/* A quarter leaves at once, so that this is not done for each. */
static void squeeze(struct voice *v)
{
	while (v->next < v->n / 2)
		settle(v);
	while (v->loss.from < v->n / 4) {
		if (v->burst.from == v->loss.from)
			leave(v, &v->burst);
		leave_long(v);
	}
	forget(v);
}

static int make_room(struct voice *v)
{
	struct voice_packet *held;
	size_t size = v->size ? 2 * v->size : 16;

	if (v->n < v->size)
		return 0;
	if (v->n > 0 && v->loss.from >= v->n / 2) {
		forget(v);
		return 0;
	}
	if (v->size == VOICE_HELD_MAX) {
		squeeze(v);
		return 0;
	}
	held = realloc(v->held, size * sizeof(*held));
	if (held == NULL)
		return -ENOMEM;
	v->held = held;
	v->size = size;
	return 0;
}

static void insert(struct voice *v, const struct voice_packet *p)
{
	size_t at = v->n;

	while (at > v->next && v->held[at - 1].sent_ns > p->sent_ns)
		at--;
	memmove(v->held + at + 1, v->held + at, (v->n - at) * sizeof(*v->held));
	v->held[at] = *p;
	v->n++;
}

int voice_see(struct voice *v, uint64_t sent_ns, int64_t rtt_ns)
{
	struct voice_packet p = { sent_ns, rtt_ns };

	if (sent_ns + VOICE_STEP_NS < v->settled_ns)
		begin_anew(v);
	if (make_room(v) < 0) /* which may settle some */
		return -ENOMEM;
	if (sent_ns < v->settled_ns) {
		v->stale++;
		return 0;
	}
	insert(v, &p);
	while (v->held[v->n - 1].sent_ns - v->held[v->next].sent_ns >
	       VOICE_SETTLE_NS)
		settle(v);
	return 0;
}

void voice_end(struct voice *v, struct voice_worst *ret_worst)
{
	const double none = (double)NAN;

	settle_all(v);
	*ret_worst = (struct voice_worst){
		.loss_percent =
			v->worst_loss.at_ns ? v->worst_loss.percent : none,
		.burst_percent =
			v->worst_burst.at_ns ? v->worst_burst.percent : none,
		.jitter_ns = v->worst_jitter.at_ns ? v->worst_jitter.ns : none,
		.loss_at_ns = v->worst_loss.at_ns,
		.burst_at_ns = v->worst_burst.at_ns,
		.jitter_at_ns = v->worst_jitter.at_ns,
	};
	free(v->held);
	memset(v, 0, sizeof(*v));
}
