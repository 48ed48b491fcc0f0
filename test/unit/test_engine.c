/* The engine with a kind of our own, whose probes do as the test says. */
#include "../lib/engine_world.h"
#include <errno.h>
#include <string.h>

/* --- stories --- */

static void an_answer_known_at_once_comes_from_the_loop(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	start(&w, SETTLE_INSIDE);
	assert_int_equal(w.answered, 0);
	wait_for(&w, 1);
	assert_int_equal(w.last.outcome, EP_REFUSED);
	assert_int_equal(w.last.reason, EP_REASON_TCP_RESET);
	assert_true(w.last.id > 0 && w.last.sent_ns > 0);
	end(&w);
}

static void silence_is_a_loss_after_the_timeout(void **state)
{
	uint64_t began_ns;
	struct world w;

	(void)state;
	begin(&w);
	began_ns = ep_clock_mono_ns();
	start(&w, STAY_SILENT);
	wait_for(&w, 1);
	assert_int_equal(w.last.outcome, EP_LOST);
	assert_int_equal(w.last.reason, EP_REASON_TIMEOUT);
	assert_true(ep_clock_mono_ns() - began_ns >= w.target.timeout_ns);
	assert_int_equal(current->drained, 1);
	end(&w);
}

static void what_cannot_be_sent_has_failed(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	start(&w, REFUSE_TO_SEND);
	wait_for(&w, 1);
	assert_int_equal(w.last.outcome, EP_FAILED);
	assert_int_equal(w.last.reason, EP_REASON_NO_ROUTE);
	assert_true(w.last.sent_ns > 0);
	end(&w);
}

static void an_event_settles(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	start(&w, ANSWER);
	wait_for(&w, 1);
	assert_int_equal(w.last.outcome, EP_REPLIED);
	assert_true(w.last.rtt_ns == 1000);
	assert_int_equal(current->closed, 1);
	end(&w);
}

static void a_reply_that_was_not_read_in_time_is_no_loss(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	start(&w, DRAINED);
	wait_for(&w, 1);
	assert_int_equal(w.last.outcome, EP_REPLIED);
	end(&w);
}

static void cancelling_answers_once_and_is_no_loss(void **state)
{
	struct world w;
	struct ep_probe *p;

	(void)state;
	begin(&w);
	p = start(&w, STAY_SILENT);
	ep_probe_cancel(p);
	ep_probe_cancel(p);
	assert_int_equal(w.answered, 0);
	wait_for(&w, 1);
	assert_int_equal(w.last.outcome, EP_CANCELLED);
	end(&w);
	assert_int_equal(w.answered, 1);
}

static void start_another(struct world *w)
{
	if (w->answered < 5)
		start(w, ANSWER);
}

static void a_callback_may_start_the_next(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.then = start_another;
	start(&w, ANSWER);
	wait_for(&w, 5);
	assert_int_equal(ep_engine_in_flight(w.engine), 0);
	end(&w);
}

static void close_engine(struct world *w)
{
	if (w->engine != NULL)
		ep_engine_close(w->engine, on_engine_gone, w);
	w->engine = NULL;
}

/* All four are ready in one wake-up; the first callback closes the engine. */
static void a_callback_may_close_the_engine(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.then = close_engine;
	start(&w, ANSWER);
	start(&w, ANSWER);
	start(&w, ANSWER);
	start(&w, STAY_SILENT);
	uv_run(&w.loop, UV_RUN_DEFAULT);
	assert_int_equal(w.answered, 4);
	end(&w);
}

static void closing_answers_whatever_is_under_way(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i < 10; i++)
		start(&w, i % 2 ? STAY_SILENT : ANSWER);
	end(&w);
	assert_int_equal(w.answered, 10);
	assert_int_equal(w.last.outcome, EP_CANCELLED);
}

static void an_engine_that_closes_starts_nothing(void **state)
{
	struct ep_engine *engine;
	struct world w;

	(void)state;
	begin(&w);
	engine = w.engine;
	close_engine(&w);
	assert_int_equal(
		ep_probe_start(engine, &w.target, 0, on_sample, &w, NULL),
		-ECANCELED);
	end(&w);
}

static void a_bad_target_is_refused(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.target.host = "";
	assert_int_equal(
		ep_probe_start(w.engine, &w.target, 0, on_sample, &w, NULL),
		-EINVAL);
	end(&w);
}

static void a_late_start_says_by_how_much(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.target.flow = ANSWER;
	assert_int_equal(ep_probe_start(w.engine, &w.target,
					ep_clock_mono_ns() - EP_NS_PER_S,
					on_sample, &w, NULL),
			 0);
	wait_for(&w, 1);
	assert_true(w.last.slip_ns >= (int64_t)EP_NS_PER_S);
	end(&w);
}

static void many_time_out_in_order(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 500; i++) {
		w.target.timeout_ns = (1 + i % 7) * EP_NS_PER_MS;
		start(&w, STAY_SILENT);
	}
	assert_int_equal(ep_engine_in_flight(w.engine), 500);
	wait_for(&w, 500);
	assert_int_equal(current->closed, 500);
	end(&w);
}

static void bad_options_are_refused_with_words(void **state)
{
	static const struct ep_engine_options bad[] = {
		{ .dns_servers = "not-an-address" },
		{ .dns_servers = "192.0.2.1,,192.0.2.2" },
		{ .dns_servers = "192.0.2.1:0" },
		{ .ca_file = "/nonexistent/ca.pem" },
	};
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ep_engine *engine;
		struct ep_err err = { 0 };

		assert_true(ep_engine_open(&loop, &bad[i], &engine, &err) < 0);
		assert_true(strlen(err.text) > 10);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_known_at_once_comes_from_the_loop),
		cmocka_unit_test(silence_is_a_loss_after_the_timeout),
		cmocka_unit_test(what_cannot_be_sent_has_failed),
		cmocka_unit_test(an_event_settles),
		cmocka_unit_test(a_reply_that_was_not_read_in_time_is_no_loss),
		cmocka_unit_test(cancelling_answers_once_and_is_no_loss),
		cmocka_unit_test(a_callback_may_start_the_next),
		cmocka_unit_test(a_callback_may_close_the_engine),
		cmocka_unit_test(closing_answers_whatever_is_under_way),
		cmocka_unit_test(an_engine_that_closes_starts_nothing),
		cmocka_unit_test(a_bad_target_is_refused),
		cmocka_unit_test(a_late_start_says_by_how_much),
		cmocka_unit_test(many_time_out_in_order),
		cmocka_unit_test(bad_options_are_refused_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
