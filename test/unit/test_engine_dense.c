/* Many probes: when the engine looks for their answers, and what it keeps. */
#include "../lib/engine_world.h"

static void keep_going(struct world *w)
{
	if (w->answered < 4000)
		start(w, DRAINED);
}

/* Nobody tells of these answers: with sparse probes each would come at its
 * deadline. Dense ones are looked for every few milliseconds. */
static void dense_probes_are_looked_for(void **state)
{
	uint64_t began_ns;
	struct world w;

	(void)state;
	begin(&w);
	w.target.timeout_ns = 60 * EP_NS_PER_S;
	w.then = keep_going;
	began_ns = ep_clock_mono_ns();
	/* a rate to judge takes 200 ms: settled inside, they need no look */
	while (ep_clock_mono_ns() - began_ns < 250 * EP_NS_PER_MS)
		ep_probe_cancel(start(&w, STAY_SILENT));
	assert_true(ep_engine_dense(w.engine));
	w.then = NULL;
	w.answered = 0;
	uv_run(&w.loop, UV_RUN_NOWAIT);
	w.answered = 0;
	w.then = keep_going;
	for (int i = 0; i < 40; i++)
		start(&w, DRAINED);
	w.wanted = 4000;
	uv_run(&w.loop, UV_RUN_DEFAULT);
	w.then = NULL;
	assert_true(w.answered >= 4000); /* and those of the last look */
	assert_int_equal(w.last.outcome, EP_REPLIED);
	assert_true(current->dense >= 1);
	end(&w);
}

static void burn(uint64_t until_ns)
{
	while (ep_clock_mono_ns() < until_ns)
		;
}

/* 250 probes a second: looked for every 20 ms. */
static void make_dense(struct world *w)
{
	uint64_t at_ns = ep_clock_mono_ns();

	for (int i = 0; i < 150; i++) {
		burn(at_ns += 4 * EP_NS_PER_MS);
		ep_probe_cancel(start(w, STAY_SILENT));
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	assert_true(ep_engine_dense(w->engine));
}

/* Whoever is awake shortly before it is due makes the look. */
static void a_look_rides_on_another_wake_up(void **state)
{
	struct world w;
	unsigned looks;

	(void)state;
	begin(&w);
	w.target.timeout_ns = 60 * EP_NS_PER_S;
	make_dense(&w);
	looks = current->drained;
	start(&w, STAY_SILENT);
	while (current->drained == looks)
		uv_run(&w.loop, UV_RUN_NOWAIT);
	looks = current->drained;
	burn(ep_clock_mono_ns() + 17 * EP_NS_PER_MS);
	uv_run(&w.loop, UV_RUN_NOWAIT);
	assert_int_equal(current->drained, looks + 1);
	end(&w);
}

/* Memory of probes that ended is used again: nothing of them may show. */
static void one_begins_without_a_trace_of_those_before(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i < 3; i++) {
		start(&w, ANSWER);
		wait_for(&w, w.answered + 1);
		assert_int_equal(w.last.rtt_ns, 1000);
		start(&w, STAY_SILENT);
		wait_for(&w, w.answered + 1);
		assert_int_equal(w.last.outcome, EP_LOST);
		assert_int_equal(w.last.rtt_ns, EP_ABSENT);
		assert_int_equal(w.last.https.tls_days_left, EP_DAYS_ABSENT);
	}
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dense_probes_are_looked_for),
		cmocka_unit_test(a_look_rides_on_another_wake_up),
		cmocka_unit_test(one_begins_without_a_trace_of_those_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
