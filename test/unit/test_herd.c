/* 5,000 agents come back after an outage of three days, all to one collector
 * that takes 1,000 requests a second and refuses what is beyond. The code that
 * decides is the agents' own (drain.c, retry.c); time, line and collector are
 * simulated. */
#include "delivery/drain.h"
#include "delivery/retry.h"
#include "edgeprobe/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AGENTS   5000u
#define CAPACITY 1000u /* requests a second */
#define BACKLOG  432u  /* batches of 10 minutes: 72 hours */
#define STEP_NS  (100 * EP_NS_PER_MS)
#define STEPS_S  10u
#define DOWN_S   600u /* until the collector is back */
#define END_S    (DOWN_S + 4u * 3600u)
/* Nobody waits longer than this. */
#define WHEEL 8192u

struct agent {
	struct agent *next; /* in its slot of the wheel */
	struct drain drain;
	uint64_t hold_ns, due_ns;
	unsigned failures, backlog;
	bool frozen;                /* a fresh batch was made and refused */
	bool parted;                /* newest first since the outage was over */
	uint64_t fresh_ns, done_ns; /* back; all made up for */
};

struct herd {
	struct agent agents[AGENTS];
	struct agent *wheel[WHEEL];
	uint64_t now_ns, interval_ns, random;
	bool naive; /* the way that does not work */
	double tokens;
	uint64_t sent, refused, left;
	unsigned peak, in_second;
};

static uint64_t random_bits(struct herd *h)
{
	uint64_t z = h->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Not before the next step: a request takes its time. */
static void arm(struct herd *h, struct agent *a, uint64_t when_ns)
{
	uint64_t soonest = h->now_ns / STEP_NS + 1;
	uint64_t step = when_ns / STEP_NS;
	struct agent **slot;

	if (step < soonest)
		step = soonest;
	assert_true(step - soonest < WHEEL);
	slot = &h->wheel[step % WHEEL];
	a->next = *slot;
	*slot = a;
}

static struct drain_view view(const struct herd *h, const struct agent *a)
{
	return (struct drain_view){
		.now_ns = h->now_ns,
		.hold_ns = a->hold_ns,
		.due_ns = a->due_ns,
		.frozen = a->frozen,
		.backlog = a->parted && a->backlog > 0,
	};
}

/* Is it taken? */
static bool ask(struct herd *h)
{
	if (h->now_ns < DOWN_S * EP_NS_PER_S)
		return false;
	h->sent++;
	h->in_second++;
	if (h->tokens < 1) {
		h->refused++;
		return false;
	}
	h->tokens--;
	return true;
}

static void note_done(struct herd *h, struct agent *a)
{
	if (a->done_ns || a->backlog > 0 || !a->fresh_ns)
		return;
	a->done_ns = h->now_ns;
	h->left--;
}

static void passed(struct herd *h, struct agent *a, bool backlog)
{
	bool anew = drain_passed(&a->drain, h->now_ns, backlog, random_bits(h));

	a->failures = 0;
	a->hold_ns = 0;
	if (backlog) {
		a->backlog--;
	} else if (!a->parted && anew) {
		/* What it tried all the time is as old as the outage. */
		a->parted = true;
		a->frozen = false;
		a->due_ns = 0;
	} else {
		a->frozen = false;
		a->due_ns = h->now_ns + h->interval_ns;
		if (a->parted && !a->fresh_ns)
			a->fresh_ns = h->now_ns;
	}
	note_done(h, a);
}

static void failed(struct herd *h, struct agent *a, bool backlog)
{
	drain_failed(&a->drain, h->now_ns, true);
	a->failures++;
	a->hold_ns = h->now_ns + retry_wait_ns(&retry_defaults, a->failures,
					       RETRY_NO_AFTER, random_bits(h));
	a->frozen = a->frozen || !backlog;
	a->due_ns = 0;
}

static void act(struct herd *h, struct agent *a)
{
	struct drain_view v = view(h, a);
	enum drain_what what = drain_choose(&a->drain, &v);
	bool backlog = what == DRAIN_BACKLOG;

	if (what != DRAIN_NOTHING)
		drain_sent(&a->drain, h->now_ns, backlog);
	if (what != DRAIN_NOTHING && ask(h))
		passed(h, a, backlog);
	else if (what != DRAIN_NOTHING)
		failed(h, a, backlog);
	v = view(h, a);
	arm(h, a, drain_when(&a->drain, &v));
}

/* Oldest first, one request after the other, and a wait whose random part is
 * cut off by its cap. */
static void act_naively(struct herd *h, struct agent *a)
{
	uint64_t wait_s, cap_s = 300;

	if (ask(h)) {
		a->failures = 0;
		if (a->backlog > 0)
			a->backlog--;
		else if (!a->fresh_ns)
			a->fresh_ns = h->now_ns;
		note_done(h, a);
		arm(h, a, a->backlog > 0 ? 0 : h->now_ns + h->interval_ns);
		return;
	}
	a->failures++;
	wait_s = a->failures < 12 ? 1u << a->failures : cap_s;
	wait_s += random_bits(h) % (wait_s / 10 + 1);
	arm(h, a, h->now_ns + (wait_s < cap_s ? wait_s : cap_s) * EP_NS_PER_S);
}

/* As they are when the collector goes away. */
static void gather(struct herd *h)
{
	for (unsigned i = 0; i < AGENTS; i++) {
		struct agent *a = &h->agents[i];

		*a = (struct agent){ .backlog = BACKLOG };
		a->drain.options = &drain_defaults;
		drain_begin(&a->drain, 0, random_bits(h));
		a->due_ns = random_bits(h) % h->interval_ns;
		arm(h, a, a->due_ns);
	}
	h->left = AGENTS;
}

/* Those of one slot come in any order. */
static void one_step(struct herd *h)
{
	static struct agent *coming[AGENTS];
	struct agent **slot = &h->wheel[h->now_ns / STEP_NS % WHEEL];
	unsigned n = 0;

	for (struct agent *a = *slot; a; a = a->next)
		coming[n++] = a;
	*slot = NULL;
	for (; n > 0; n--) {
		unsigned i = (unsigned)(random_bits(h) % n);
		struct agent *a = coming[i];

		coming[i] = coming[n - 1];
		if (h->naive)
			act_naively(h, a);
		else
			act(h, a);
	}
}

static void one_second(struct herd *h)
{
	h->in_second = 0;
	for (unsigned i = 0; i < STEPS_S; i++) {
		h->tokens += CAPACITY / STEPS_S;
		if (h->tokens > CAPACITY)
			h->tokens = CAPACITY;
		one_step(h);
		h->now_ns += STEP_NS;
	}
	if (h->in_second > h->peak)
		h->peak = h->in_second;
}

/* --- what operators feel --- */

struct outcome {
	double refused; /* share of requests */
	unsigned peak;  /* requests in a second */
	double fresh_p50_s, fresh_p99_s, done_p50_s, done_max_s;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double since_back_s(uint64_t at_ns)
{
	double at_s = (double)at_ns / (double)EP_NS_PER_S;

	return at_ns ? at_s - DOWN_S : END_S;
}

static void sum_up(const struct herd *h, struct outcome *o)
{
	static double fresh[AGENTS], done[AGENTS];

	for (unsigned i = 0; i < AGENTS; i++) {
		fresh[i] = since_back_s(h->agents[i].fresh_ns);
		done[i] = since_back_s(h->agents[i].done_ns);
	}
	qsort(fresh, AGENTS, sizeof(fresh[0]), by_value);
	qsort(done, AGENTS, sizeof(done[0]), by_value);
	*o = (struct outcome){
		.refused = (double)h->refused / (double)h->sent,
		.peak = h->peak,
		.fresh_p50_s = fresh[AGENTS / 2],
		.fresh_p99_s = fresh[AGENTS * 99 / 100],
		.done_p50_s = done[AGENTS / 2],
		.done_max_s = done[AGENTS - 1],
	};
}

static struct outcome run(const char *name, bool naive, unsigned interval_s)
{
	struct herd *h = calloc(1, sizeof(*h));
	struct outcome o;

	assert_non_null(h);
	h->naive = naive;
	h->interval_ns = interval_s * EP_NS_PER_S;
	h->random = 20260101;
	gather(h);
	/* The naive ones would go on for days. */
	while (h->left > 0 && h->now_ns < END_S * EP_NS_PER_S &&
	       h->sent < 20u * AGENTS * BACKLOG)
		one_second(h);
	sum_up(h, &o);
	printf("# %s, a batch each %u s: peak %u/s, refused %.2f %%, fresh "
	       "again p50 %.0f s p99 %.0f s, all done p50 %.0f min max %.0f "
	       "min\n",
	       name, interval_s, o.peak, 100 * o.refused, o.fresh_p50_s,
	       o.fresh_p99_s, o.done_p50_s / 60, o.done_max_s / 60);
	free(h);
	return o;
}

static bool is_good(const struct outcome *o)
{
	return o->refused < 0.1 && o->fresh_p99_s < 600 &&
	       o->done_max_s < 3 * 3600 && o->peak < 3 * CAPACITY;
}

static void they_come_back_and_do_not_crowd(void **state)
{
	static const unsigned intervals_s[] = { 60, 10 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct outcome o =
			run("newest first, paced", false, intervals_s[i]);

		assert_true(is_good(&o));
	}
}

/* What is asserted above can fail. */
static void without_care_they_do(void **state)
{
	struct outcome o = run("oldest first, not paced", true, 60);

	(void)state;
	assert_false(is_good(&o));
	assert_true(o.refused > 0.3);
	assert_true(o.fresh_p99_s > 1800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_back_and_do_not_crowd),
		cmocka_unit_test(without_care_they_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
