/* Standing still: the rule on virtual time, and what an engine makes of it with
 * a clock that the test moves: linked with --wrap. */
#include "core/standstill.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

/* --- the rule --- */

static void a_pause_below_the_bound_is_none(void **state)
{
	struct standstill s = { 0 };
	struct standstill_mark mark;

	(void)state;
	standstill_begin(&s, 1000 * MS, 0);
	mark = standstill_mark(&s);
	assert_false(standstill_look(&s, 1199 * MS));
	assert_false(standstill_look(&s, 1398 * MS));
	assert_false(standstill_since(&s, mark));
}

static void a_pause_beyond_it_is_of_those_under_way(void **state)
{
	struct standstill s = { 0 };
	struct standstill_mark before, after;

	(void)state;
	standstill_begin(&s, 1000 * MS, 0);
	before = standstill_mark(&s);
	assert_true(standstill_look(&s, 1200 * MS));
	standstill_count(&s, 0);
	after = standstill_mark(&s);
	assert_false(standstill_look(&s, 1300 * MS));
	assert_true(standstill_since(&s, before));
	assert_false(standstill_suspended(&s, before));
	assert_false(standstill_since(&s, after));
}

static void a_suspend_is_told_apart(void **state)
{
	struct standstill s = { 0 };
	struct standstill_mark mark;

	(void)state;
	standstill_begin(&s, 1000 * MS, 7000 * MS);
	mark = standstill_mark(&s);
	assert_true(standstill_look(&s, 9000 * MS));
	standstill_count(&s, 14990 * MS);
	assert_true(standstill_suspended(&s, mark));
	assert_true(standstill_least_ns(&s, mark) == 7900 * MS);
	mark = standstill_mark(&s);
	assert_true(standstill_look(&s, 19000 * MS));
	standstill_count(&s, 14990 * MS);
	assert_true(standstill_since(&s, mark));
	assert_false(standstill_suspended(&s, mark));
}

/* --- an engine --- */

/* By how much the test has moved the clock, and how much of it was a suspend. */
static uint64_t moved_ns, slept_ns;

uint64_t __real_ep_clock_boot_ns(void);
uint64_t __wrap_ep_clock_boot_ns(void);
uint64_t __wrap_ep_clock_suspended_ns(void);

uint64_t __wrap_ep_clock_boot_ns(void)
{
	return __real_ep_clock_boot_ns() + moved_ns;
}

uint64_t __wrap_ep_clock_suspended_ns(void)
{
	return slept_ns;
}

/* How the probes of a test are answered: by drain, right before the deadline
 * would have been kept. */
struct answer {
	bool comes;
	enum ep_stamp stamp;
	int64_t total_ns;
};

static struct answer answer;
static struct ep_probe *waiting;

static int fake_start(struct ep_probe *p)
{
	waiting = p;
	ep_probe_sent(p);
	return 0;
}

static void fake_drain(struct ep_engine *engine, void *shared)
{
	struct ep_sample *sample;

	(void)engine;
	(void)shared;
	if (waiting == NULL || !answer.comes)
		return;
	sample = ep_probe_sample(waiting);
	sample->rtt_ns = 1000;
	sample->dns_ns = 2000;
	sample->uncertainty_ns = 10;
	sample->stamp = (uint8_t)answer.stamp;
	sample->https.tls_ns = 3000;
	sample->https.total_ns = answer.total_ns;
	ep_probe_settle(waiting, EP_REPLIED, EP_REASON_NONE);
}

static void fake_close(struct ep_probe *p)
{
	(void)p;
	waiting = NULL;
}

static uint64_t fake_drops(const void *shared)
{
	(void)shared;
	return 5;
}

static const struct ep_kind asks = {
	.name = "asks",
	.phrase = "asks",
	.start = fake_start,
	.drain = fake_drain,
	.drops = fake_drops,
	.close = fake_close,
};

static const struct ep_kind talks = {
	.name = "talks",
	.phrase = "talks",
	.converses = true,
	.start = fake_start,
	.drain = fake_drain,
	.close = fake_close,
};

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_sample sample;
	struct ep_engine_stats stats;
};

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct world *w = arg;

	(void)target;
	w->sample = *sample;
	uv_stop(&w->loop);
}

/* One probe, during which the clock moves on by `stall_ns`, for `suspend_ns`
 * of it with the host suspended. */
static void live_through(struct world *w, const struct ep_kind *kind,
			 uint64_t timeout_ns, uint64_t stall_ns,
			 uint64_t suspend_ns)
{
	struct ep_target target = { .kind = kind,
				    .host = "127.0.0.1",
				    .timeout_ns = timeout_ns };

	memset(w, 0, sizeof(*w));
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, NULL, &w->engine, NULL), 0);
	assert_int_equal(
		ep_probe_start(w->engine, &target, 0, on_sample, w, NULL), 0);
	moved_ns += stall_ns;
	slept_ns += suspend_ns;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	ep_engine_stats(w->engine, &w->stats);
	ep_engine_close(w->engine, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void live(struct world *w, const struct ep_kind *kind,
		 uint64_t timeout_ns, uint64_t stall_ns)
{
	live_through(w, kind, timeout_ns, stall_ns, 0);
}

static void expect_unmeasured(const struct world *w)
{
	assert_int_equal(w->sample.outcome, EP_FAILED);
	assert_int_equal(w->sample.reason, EP_REASON_UNMEASURED);
	assert_int_equal(w->sample.flags, EP_FLAG_STALLED);
	assert_true(w->sample.rtt_ns == EP_ABSENT);
	assert_true(w->sample.dns_ns == EP_ABSENT);
	assert_true(w->sample.https.tls_ns == EP_ABSENT);
	assert_int_equal(w->stats.stalls, 1);
}

static void the_kernels_stamps_outlive_it(void **state)
{
	struct world w;

	(void)state;
	answer = (struct answer){ true, EP_STAMP_KERNEL, 0 };
	live(&w, &asks, 20 * MS, 300 * MS);
	assert_int_equal(w.sample.outcome, EP_REPLIED);
	assert_int_equal(w.sample.flags, EP_FLAG_STALLED);
	assert_true(w.sample.rtt_ns == 1000);
	assert_int_equal(w.stats.stalls, 1);
	assert_int_equal(w.stats.stamps_kernel, 1);
}

static void our_own_clock_does_not(void **state)
{
	struct world w;

	(void)state;
	answer = (struct answer){ true, EP_STAMP_USER, 0 };
	live(&w, &asks, 20 * MS, 300 * MS);
	expect_unmeasured(&w);
	answer.stamp = EP_STAMP_MIXED;
	live(&w, &asks, 20 * MS, 300 * MS);
	expect_unmeasured(&w);
	assert_int_equal(w.stats.stamps_mixed, 0);
}

/* Unless it was so short that we cannot be in it. */
static void nor_does_a_conversation(void **state)
{
	struct world w;

	(void)state;
	answer = (struct answer){ true, EP_STAMP_KERNEL, 199 * MS };
	live(&w, &talks, 20 * MS, 300 * MS);
	assert_int_equal(w.sample.outcome, EP_REPLIED);
	assert_int_equal(w.sample.flags, EP_FLAG_STALLED);
	answer.total_ns = 310 * MS;
	live(&w, &talks, 20 * MS, 300 * MS);
	expect_unmeasured(&w);
	answer.total_ns = EP_ABSENT;
	live(&w, &talks, 20 * MS, 300 * MS);
	expect_unmeasured(&w);
	answer.comes = false;
	live(&w, &talks, 20 * MS, 300 * MS);
	expect_unmeasured(&w);
}

static void silence_is_the_networks_if_the_kernel_heard_none(void **state)
{
	struct world w;

	(void)state;
	answer.comes = false;
	live(&w, &asks, 20 * MS, 300 * MS);
	assert_int_equal(w.sample.outcome, EP_LOST);
	assert_int_equal(w.sample.flags, EP_FLAG_STALLED);
}

static void a_suspended_host_hears_nothing(void **state)
{
	struct world w;

	(void)state;
	answer.comes = false;
	live_through(&w, &asks, 20 * MS, 60000 * MS, 59900 * MS);
	expect_unmeasured(&w);
	answer = (struct answer){ true, EP_STAMP_KERNEL, 0 };
	live_through(&w, &asks, 20 * MS, 60000 * MS, 59900 * MS);
	expect_unmeasured(&w);
	/* it was, but long ago */
	live(&w, &asks, 20 * MS, 0);
	assert_int_equal(w.sample.outcome, EP_REPLIED);
	assert_int_equal(w.sample.flags, 0);
}

/* A quarter of a second in which nothing is due. */
static void a_loop_that_sleeps_does_not_stand_still(void **state)
{
	struct world w;

	(void)state;
	answer.comes = false;
	live(&w, &asks, 450 * MS, 0);
	assert_int_equal(w.sample.outcome, EP_LOST);
	assert_int_equal(w.sample.flags, 0);
	assert_int_equal(w.stats.stalls, 0);
}

static void an_engine_knows_what_it_did(void **state)
{
	struct world w;

	(void)state;
	answer = (struct answer){ true, EP_STAMP_USER, 0 };
	live(&w, &asks, 20 * MS, 0);
	assert_int_equal(w.stats.started, 1);
	assert_int_equal(w.stats.in_flight_max, 1);
	assert_int_equal(w.stats.drains, 1);
	assert_int_equal(w.stats.wakeups, 1);
	assert_int_equal(w.stats.local_drops, 5);
	assert_int_equal(w.stats.stamps_user, 1);
	assert_int_equal(w.stats.stamps_kernel, 0);
	assert_int_equal(w.stats.stalls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pause_below_the_bound_is_none),
		cmocka_unit_test(a_pause_beyond_it_is_of_those_under_way),
		cmocka_unit_test(a_suspend_is_told_apart),
		cmocka_unit_test(the_kernels_stamps_outlive_it),
		cmocka_unit_test(our_own_clock_does_not),
		cmocka_unit_test(nor_does_a_conversation),
		cmocka_unit_test(
			silence_is_the_networks_if_the_kernel_heard_none),
		cmocka_unit_test(a_suspended_host_hears_nothing),
		cmocka_unit_test(a_loop_that_sleeps_does_not_stand_still),
		cmocka_unit_test(an_engine_knows_what_it_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
