/* The schedule on virtual time: each test is a story told as a trace. */
#include "edgeprobe/clock.h"
#include "schedule/plan.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS
#define S  EP_NS_PER_S

struct story {
	struct plan *plan;
	uint64_t now_ns;
	char trace[4096];
	size_t len;
};

static void begin(struct story *s, uint64_t now_ns)
{
	memset(s, 0, sizeof(*s));
	s->plan = plan_create();
	assert_non_null(s->plan);
	s->now_ns = now_ns;
}

static int add(struct story *s, uint64_t interval_ms, uint64_t phase_ms)
{
	struct plan_item item = { .interval_ns = interval_ms * MS,
				  .phase_ns = phase_ms * MS,
				  .count = 1 };

	return plan_add(s->plan, &item);
}

static void tell(struct story *s, const struct plan_due *due)
{
	int n = snprintf(s->trace + s->len, sizeof(s->trace) - s->len,
			 due->missed ? "[%4u] %c missed %u from %u\n"
				     : "[%4u] %c sent\n",
			 (unsigned)(s->now_ns / MS), 'a' + (int)due->item,
			 (unsigned)due->missed, (unsigned)(due->due_ns / MS));

	s->len += (size_t)n;
	assert_true(s->len < sizeof(s->trace));
}

/* Serve the plan as a loop does, waking exactly when it asks. */
static void run_until(struct story *s, uint64_t end_ms)
{
	struct plan_due due;

	for (;;) {
		uint64_t next_ns = plan_next_ns(s->plan);

		if (next_ns > end_ms * MS)
			break;
		if (next_ns > s->now_ns)
			s->now_ns = next_ns;
		while (plan_take(s->plan, s->now_ns, &due))
			tell(s, &due);
	}
	s->now_ns = end_ms * MS;
}

static void expect(struct story *s, const char *trace)
{
	assert_string_equal(s->trace, trace);
	plan_destroy(s->plan);
}

static void each_keeps_its_own_phase(void **state)
{
	struct story s;

	(void)state;
	begin(&s, 0);
	add(&s, 1000, 100);
	add(&s, 500, 250);
	plan_start(s.plan, 0);
	run_until(&s, 2000);
	expect(&s, "[ 100] a sent\n[ 250] b sent\n[ 750] b sent\n"
		   "[1100] a sent\n[1250] b sent\n[1750] b sent\n");
}

static void a_restart_keeps_the_phase(void **state)
{
	struct story s;

	(void)state;
	begin(&s, 5333 * MS);
	add(&s, 1000, 100);
	plan_start(s.plan, s.now_ns);
	run_until(&s, 7200);
	expect(&s, "[6100] a sent\n[7100] a sent\n");
}

static void a_round_is_spaced(void **state)
{
	struct plan_item item = { .interval_ns = 1000 * MS,
				  .phase_ns = 0,
				  .spacing_ns = 100 * MS,
				  .count = 3 };
	struct story s;

	(void)state;
	begin(&s, 50 * MS);
	plan_add(s.plan, &item);
	plan_start(s.plan, s.now_ns);
	run_until(&s, 1300);
	expect(&s, "[ 100] a sent\n[ 200] a sent\n[1000] a sent\n"
		   "[1100] a sent\n[1200] a sent\n");
}

static void a_little_late_is_sent_late(void **state)
{
	struct story s;

	(void)state;
	begin(&s, 0);
	add(&s, 1000, 100);
	plan_start(s.plan, 0);
	s.now_ns = 140 * MS; /* the loop was blocked for 40 ms */
	run_until(&s, 1200);
	expect(&s, "[ 140] a sent\n[1100] a sent\n");
}

static void a_stall_is_declared_and_causes_no_burst(void **state)
{
	struct story s;

	(void)state;
	begin(&s, 0);
	add(&s, 1000, 100);
	add(&s, 1000, 350);
	plan_start(s.plan, 0);
	run_until(&s, 1000);
	s.now_ns = 31000 * MS; /* stopped for 30 s */
	run_until(&s, 32000);
	expect(&s, "[ 100] a sent\n[ 350] b sent\n"
		   "[31000] a missed 30 from 1100\n"
		   "[31000] b missed 30 from 1350\n"
		   "[31100] a sent\n[31350] b sent\n");
}

static void a_crowd_at_one_instant_leaves_in_slots(void **state)
{
	struct story s;

	(void)state;
	begin(&s, 0);
	for (int i = 0; i < 6; i++)
		add(&s, 1000, 100);
	plan_start(s.plan, 0);
	run_until(&s, 200);
	for (size_t i = 0; i < s.len; i++)
		if (s.trace[i] >= 'a' && s.trace[i] <= 'f' &&
		    s.trace[i + 1] == ' ')
			s.trace[i] = '*'; /* in which order does not matter */
	expect(&s, "[ 100] * sent\n[ 100] * sent\n[ 100] * sent\n"
		   "[ 100] * sent\n[ 102] * sent\n[ 102] * sent\n");
}

static void every_item_is_served(void **state)
{
	unsigned served[200] = { 0 };
	struct plan_due due;
	struct story s;

	(void)state;
	begin(&s, 0);
	for (unsigned i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "target-%u", i);
		add(&s, 1000, plan_phase(name, S) / MS);
	}
	plan_start(s.plan, 0);
	for (uint64_t t = 0; t < 10 * S; t = plan_next_ns(s.plan))
		while (plan_take(s.plan, t, &due)) {
			assert_int_equal(due.missed, 0);
			served[due.item]++;
		}
	for (unsigned i = 0; i < 200; i++)
		assert_in_range(served[i], 10, 10);
	plan_destroy(s.plan);
}

/* 1,000 a second: fewer wake-ups than probes, nobody waits for a slot. */
static void a_crowd_is_gathered(void **state)
{
	unsigned sent = 0, wakes = 0;
	struct plan_due due;
	struct story s;

	(void)state;
	begin(&s, 0);
	for (unsigned i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "target-%u", i);
		add(&s, 1000, plan_phase(name, S) / MS);
	}
	plan_start(s.plan, 0);
	for (uint64_t t = plan_next_ns(s.plan); t < 10 * S;
	     t = plan_next_ns(s.plan)) {
		wakes++;
		for (; plan_take(s.plan, t, &due); sent++) {
			assert_int_equal(due.missed, 0);
			assert_true(t - due.due_ns < 3 * PLAN_SLOT_MOST_NS);
		}
	}
	assert_in_range(sent, 9990, 10010);
	assert_true(wakes < 6000);
	plan_destroy(s.plan);
}

/* At 1 ms a probe, each waits longer for the end of its slot than half its
 * interval. */
static void waiting_for_its_slot_is_not_late(void **state)
{
	struct plan_item item = { .interval_ns = 100 * MS,
				  .count = 100,
				  .spacing_ns = MS };
	struct plan_due due;
	struct story s;
	unsigned sent = 0;

	(void)state;
	begin(&s, 0);
	assert_int_equal(plan_add(s.plan, &item), 0);
	plan_start(s.plan, 0);
	for (uint64_t t = plan_next_ns(s.plan); t < S; t = plan_next_ns(s.plan))
		while (plan_take(s.plan, t, &due)) {
			assert_int_equal(due.missed, 0);
			sent++;
		}
	assert_in_range(sent, 990, 1000);
	plan_destroy(s.plan);
}

/* The more are due, the shorter a slot, so that no more leave at once. */
static void a_larger_crowd_leaves_more_often(void **state)
{
	static const unsigned rates[] = { 1000, 5000, 10000, 15000, 25000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct plan_due due;
		struct story s;
		unsigned wakes = 0;
		uint64_t wait_ns = 0;

		begin(&s, 0);
		for (unsigned n = 0; n < rates[i] / 10; n++) {
			struct plan_item item = { .interval_ns = 100 * MS,
						  .count = 1 };

			item.phase_ns = n * item.interval_ns / (rates[i] / 10);
			plan_add(s.plan, &item);
		}
		plan_start(s.plan, 0);
		for (uint64_t t = plan_next_ns(s.plan); t < S;
		     t = plan_next_ns(s.plan), wakes++)
			while (plan_take(s.plan, t, &due))
				if (t - due.due_ns > wait_ns)
					wait_ns = t - due.due_ns;
		assert_in_range(wakes, 490, 1010);
		assert_true(wait_ns <= (rates[i] < 20000 ? 2 * MS : MS));
		plan_destroy(s.plan);
	}
}

static void phases_spread_and_stay(void **state)
{
	unsigned tenths[10] = { 0 };
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "ams-01/t%03u/icmp", i);
		assert_true(plan_phase(name, S) < S);
		assert_true(plan_phase(name, S) == plan_phase(name, S));
		tenths[plan_phase(name, S) / (S / 10)]++;
	}
	for (unsigned i = 0; i < 10; i++)
		assert_in_range(tenths[i], 60, 140);
}

/* --- many items, and a loop that stands still --- */

#define CROWD 200000

/* 20,000 a second: the shortest slots. */
#define CROWD_SLOT_NS PLAN_SLOT_LEAST_NS

/* What a crowd got, and the most that left within one slot. */
struct crowd {
	uint64_t sent, missed, said;
	uint64_t slot, slot_sent, slot_most;
	bool declared[CROWD];
};

static struct plan *plan_crowd(void)
{
	struct plan *plan = plan_create();

	for (unsigned i = 0; i < CROWD; i++) {
		struct plan_item item = { .interval_ns = 10 * S, .count = 1 };
		char name[16];

		snprintf(name, sizeof(name), "target-%u", i);
		item.phase_ns = plan_phase(name, item.interval_ns);
		assert_int_equal(plan_add(plan, &item), (int)i);
	}
	return plan;
}

static void count(struct crowd *c, uint64_t now_ns, const struct plan_due *due)
{
	if (due->missed > 0) {
		c->missed += due->missed;
		c->said++;
		assert_false(c->declared[due->item]);
		c->declared[due->item] = true;
		return;
	}
	if (due->due_ns < 70 * S)
		c->sent++;
	if (now_ns / CROWD_SLOT_NS != c->slot) {
		c->slot = now_ns / CROWD_SLOT_NS;
		c->slot_sent = 0;
	}
	if (++c->slot_sent > c->slot_most)
		c->slot_most = c->slot_sent;
}

/* What is due in 70 s, 20 s after the begin of which the loop stands still. */
static void live_crowd(struct crowd *c, uint64_t stall_ns)
{
	struct plan *plan = plan_crowd();
	struct plan_due due;
	bool stalled = false;
	uint64_t t;

	memset(c, 0, sizeof(*c));
	plan_start(plan, 0);
	for (t = plan_next_ns(plan); t < 71 * S; t = plan_next_ns(plan)) {
		if (t >= 20 * S && !stalled) {
			t += stall_ns;
			stalled = true;
		}
		while (plan_take(plan, t, &due))
			count(c, t, &due);
	}
	plan_destroy(plan);
}

/* The mean in a slot, and the most. */
#define CROWD_MEAN ((unsigned)(CROWD / 10 * CROWD_SLOT_NS / S))
#define CROWD_MOST (PLAN_SLOT_AT_LEAST + 2 * CROWD_MEAN)

static void a_crowd_that_stood_still_says_what_it_missed(void **state)
{
	struct crowd *c = test_malloc(sizeof(*c));

	(void)state;
	live_crowd(c, 30 * S);
	assert_in_range(c->slot_most, CROWD_MEAN, CROWD_MOST);
	/* three each, but for those that are due at the edges */
	assert_in_range(c->said, CROWD - CROWD / 1000, CROWD);
	assert_int_equal(c->sent + c->missed, 7 * CROWD);
	assert_in_range(c->missed, 3 * CROWD - CROWD / 1000,
			3 * CROWD + CROWD / 1000);
	test_free(c);
}

static void a_crowd_that_was_late_for_a_moment_misses_nothing(void **state)
{
	struct crowd *c = test_malloc(sizeof(*c));

	(void)state;
	live_crowd(c, S / 10);
	assert_in_range(c->slot_most, CROWD_MEAN, CROWD_MOST);
	assert_int_equal(c->missed, 0);
	assert_int_equal(c->sent, 7 * CROWD);
	test_free(c);
}

static void what_cannot_be_planned_is_refused(void **state)
{
	static const struct plan_item bad[] = {
		{ .interval_ns = 0, .count = 1 },
		{ .interval_ns = S, .count = 0 },
		{ .interval_ns = S, .phase_ns = S, .count = 1 },
		{ .interval_ns = S, .spacing_ns = S / 2, .count = 3 },
	};
	struct plan *plan = plan_create();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(plan_add(plan, &bad[i]), -EINVAL);
	assert_true(plan_next_ns(plan) == UINT64_MAX);
	plan_destroy(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_keeps_its_own_phase),
		cmocka_unit_test(a_restart_keeps_the_phase),
		cmocka_unit_test(a_round_is_spaced),
		cmocka_unit_test(a_little_late_is_sent_late),
		cmocka_unit_test(a_stall_is_declared_and_causes_no_burst),
		cmocka_unit_test(a_crowd_at_one_instant_leaves_in_slots),
		cmocka_unit_test(every_item_is_served),
		cmocka_unit_test(a_crowd_is_gathered),
		cmocka_unit_test(waiting_for_its_slot_is_not_late),
		cmocka_unit_test(a_larger_crowd_leaves_more_often),
		cmocka_unit_test(phases_spread_and_stay),
		cmocka_unit_test(a_crowd_that_stood_still_says_what_it_missed),
		cmocka_unit_test(
			a_crowd_that_was_late_for_a_moment_misses_nothing),
		cmocka_unit_test(what_cannot_be_planned_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
