/* What a series' samples make of events. */
#include "events/figure.h"
#include "events/watch.h"

#include "edgeprobe/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START    (UINT64_C(1767225600) * EP_NS_PER_S)
#define S        EP_NS_PER_S
#define NEWS_MAX 64

struct scene {
	struct watch w;
	struct watch_limits limits;
	enum watch_silence silence;
	uint64_t at_ns, step_ns, seed;
	struct watch_news news[NEWS_MAX];
	unsigned n;
};

static void on_news(const struct watch_news *news, void *arg)
{
	struct scene *s = arg;

	assert_true(s->n < NEWS_MAX);
	s->news[s->n++] = *news;
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->limits = watch_defaults;
	s->at_ns = START;
	s->step_ns = 10 * S;
	s->seed = 1;
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void see(struct scene *s, enum ep_outcome outcome, enum ep_reason reason,
		double ms)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = s->at_ns;
	sample.outcome = (uint8_t)outcome;
	sample.reason = (uint8_t)reason;
	if (ms >= 0)
		sample.rtt_ns = (int64_t)(ms * 1e6);
	watch_see(&s->w, &s->limits, &sample, s->silence, on_news, s);
	s->at_ns += s->step_ns;
}

static double noise(struct scene *s)
{
	s->seed = s->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (double)(s->seed >> 11) / (double)(UINT64_C(1) << 53) - 0.5;
}

/* So many minutes of replies about that long. */
static void minutes(struct scene *s, unsigned n, double ms)
{
	uint64_t end_ns = s->at_ns + n * 60 * S;

	while (s->at_ns < end_ns)
		see(s, EP_REPLIED, EP_REASON_NONE, ms + noise(s));
}

static void silence(struct scene *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		see(s, EP_LOST, EP_REASON_TIMEOUT, -1);
}

static void a_quiet_day_is_no_news(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 1440; i++) {
		minutes(s, 1, 12);
		if (i % 50 == 0)
			see(s, EP_REPLIED, EP_REASON_NONE, 400);
		if (i % 90 == 0)
			silence(s, 1);
	}
	assert_int_equal(s->n, 0);
	assert_true(watch_is_well(&s->w));
}

static void a_longer_way_is_told_and_its_end(void **state)
{
	struct scene *s = *state;
	uint64_t began_ns;

	minutes(s, 120, 12);
	began_ns = s->at_ns;
	minutes(s, 60, 31);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].what, WATCH_LATENCY);
	assert_int_equal(s->news[0].state, WATCH_OPEN);
	assert_true(fabs(s->news[0].before_ms - 12) < 1);
	assert_true(s->news[0].now_ms > 17);
	assert_true(s->news[0].since_ns >= began_ns - 60 * S &&
		    s->news[0].since_ns <= began_ns + 120 * S);
	assert_true(s->news[0].now_ns < began_ns + 15 * 60 * S);
	assert_false(watch_is_well(&s->w));
	minutes(s, 60, 12);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].state, WATCH_CLOSED);
	assert_true(s->news[1].since_ns == s->news[0].since_ns);
	assert_true(watch_is_well(&s->w));
}

static void what_nobody_need_hear_of_is_not_told(void **state)
{
	struct scene *s = *state;

	minutes(s, 60, 12);
	minutes(s, 60, 15); /* 25 %, but 3 ms */
	minutes(s, 60, 12);
	minutes(s, 60, 120);
	s->n = 0;
	s->w.latency_ns = 0;
	s->w.normal_ms = 120;
	minutes(s, 60, 130); /* 10 ms, but 8 % */
	assert_int_equal(s->n, 0);
}

static void a_shorter_way_is_an_improvement(void **state)
{
	struct scene *s = *state;

	minutes(s, 60, 31);
	minutes(s, 60, 12);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].what, WATCH_IMPROVED);
	assert_int_equal(s->news[0].state, WATCH_ONCE);
	/* what is normal then is the shorter one */
	minutes(s, 60, 31);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].what, WATCH_LATENCY);
}

static void it_becomes_worse_still(void **state)
{
	struct scene *s = *state;

	minutes(s, 60, 12);
	minutes(s, 60, 31);
	minutes(s, 60, 80);
	minutes(s, 60, 13);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->news[1].state, WATCH_UPDATE);
	assert_int_equal(s->news[2].state, WATCH_CLOSED);
	assert_true(fabs(s->news[2].before_ms - 12) < 1);
}

static void what_lasts_becomes_normal(void **state)
{
	struct scene *s = *state;

	minutes(s, 60, 12);
	minutes(s, 25 * 60, 31);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].state, WATCH_LASTING);
	assert_true(watch_is_well(&s->w));
	minutes(s, 60, 60);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->news[2].state, WATCH_OPEN);
	assert_true(fabs(s->news[2].before_ms - 31) < 1);
}

/* A day that was none: the clock was wrong, and is right now. */
static void a_clock_that_is_stepped_forward_makes_nothing_normal(void **state)
{
	struct scene *s = *state;

	minutes(s, 60, 12);
	minutes(s, 60, 31);
	assert_int_equal(s->n, 1);
	s->at_ns += (uint64_t)3 * 86400 * S;
	minutes(s, 60, 31);
	assert_int_equal(s->n, 1);
	assert_false(watch_is_well(&s->w));
	minutes(s, 23 * 60, 31);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->news[1].state, WATCH_LASTING);
}

/* What is kept of a figure is two bytes. */
static void figures_are_exact_to_one_in_four_thousand(void **state)
{
	(void)state;
	for (double ms = 0.0003; ms < 500000; ms *= 1.0001) {
		uint16_t figure = figure_of_ms(ms);

		assert_true(fabs(figure_ms(figure) - ms) <= ms / 4096);
		assert_true(figure_of_ms(ms * 1.0005) > figure);
	}
	assert_int_equal(figure_of_ms(0), 0);
	assert_int_equal(figure_of_ms(0.0001), 0);
	assert_int_equal(figure_of_ms(-1), 0);
	assert_int_equal(figure_of_ms(1e9), UINT16_MAX);
	assert_int_equal(figure_of_ms(figure_ms(12345)), 12345);
}

static void loss_is_told_from_one_percent_on(void **state)
{
	struct scene *s = *state;

	s->step_ns = S;
	minutes(s, 10, 12);
	for (int i = 0; i < 600; i++) /* 2 % */
		if (i % 50 == 25)
			silence(s, 1);
		else
			see(s, EP_REPLIED, EP_REASON_NONE, 12);
	minutes(s, 20, 12);
	assert_true(s->n == 2);
	assert_int_equal(s->news[0].what, WATCH_LOSS);
	assert_int_equal(s->news[0].state, WATCH_OPEN);
	assert_true(s->news[0].loss_percent >= 1);
	assert_int_equal(s->news[1].state, WATCH_CLOSED);
	assert_true(s->news[1].since_ns == s->news[0].since_ns);
}

static void an_outage_begins_with_its_first_silence(void **state)
{
	struct scene *s = *state;
	uint64_t began_ns;

	minutes(s, 10, 12);
	began_ns = s->at_ns;
	silence(s, 4);
	assert_int_equal(s->n, 0);
	silence(s, 10);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->news[0].what, WATCH_OUTAGE);
	assert_true(s->news[0].since_ns == began_ns);
	see(s, EP_REPLIED, EP_REASON_NONE, 12);
	silence(s, 1); /* it is not over for one answer */
	minutes(s, 1, 12);
	assert_int_equal(s->news[1].what, WATCH_OUTAGE);
	assert_int_equal(s->news[1].state, WATCH_CLOSED);
}

/* The wall clock only labels: a step back makes no outage of half a second, and
 * ends nothing that has lasted for a day. */
static void a_clock_that_is_stepped_back_makes_no_event(void **state)
{
	struct scene *s = *state;

	s->step_ns = S / 10;
	minutes(s, 60, 12);
	silence(s, 4);
	s->at_ns -= 3600 * S;
	silence(s, 4);
	assert_int_equal(s->n, 0);
	memset(&s->w, 0, sizeof(s->w));
	s->step_ns = 10 * S;
	minutes(s, 10, 12);
	minutes(s, 20, 31);
	assert_int_equal(s->n, 1);
	s->at_ns -= 3600 * S;
	minutes(s, 20, 31);
	assert_int_equal(s->n, 1);
}

/* At ten a second five silent ones are half a second. */
static void a_short_silence_is_no_outage(void **state)
{
	struct scene *s = *state;

	s->step_ns = S / 10;
	minutes(s, 1, 12);
	silence(s, 90);
	assert_int_equal(s->n, 0);
	silence(s, 20);
	assert_int_equal(s->n, 1);
}

static void one_that_never_answered(void **state)
{
	struct scene *s = *state;

	s->silence = WATCH_SPOKE; /* ICMP alone */
	silence(s, 500);
	assert_int_equal(s->n, 0);
	s->silence = WATCH_SPEAKS; /* TCP */
	silence(s, 1);
	assert_int_equal(s->n, 1);
	memset(&s->w, 0, sizeof(s->w));
	s->silence = WATCH_MUTE; /* ICMP beside TCP */
	minutes(s, 10, 12);
	s->n = 0;
	silence(s, 20);
	for (unsigned i = 0; i < s->n; i++)
		assert_int_not_equal(s->news[i].what, WATCH_OUTAGE);
}

/* Our own host's trouble is in `self` rows and in reasons. */
static void our_own_doing_is_no_event(void **state)
{
	static const enum ep_reason ours[] = {
		EP_REASON_UNMEASURED, EP_REASON_MISSED,   EP_REASON_NO_SOURCE,
		EP_REASON_NO_ROUTE,   EP_REASON_INTERNAL,
	};
	struct scene *s = *state;

	minutes(s, 60, 12);
	for (int i = 0; i < 1000; i++)
		see(s, EP_FAILED, ours[i % 5], -1);
	minutes(s, 60, 12);
	assert_int_equal(s->n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_quiet_day_is_no_news),
		TEST(a_longer_way_is_told_and_its_end),
		TEST(what_nobody_need_hear_of_is_not_told),
		TEST(a_shorter_way_is_an_improvement),
		TEST(it_becomes_worse_still),
		TEST(what_lasts_becomes_normal),
		TEST(a_clock_that_is_stepped_forward_makes_nothing_normal),
		cmocka_unit_test(figures_are_exact_to_one_in_four_thousand),
		TEST(loss_is_told_from_one_percent_on),
		TEST(an_outage_begins_with_its_first_silence),
		TEST(a_clock_that_is_stepped_back_makes_no_event),
		TEST(a_short_silence_is_no_outage),
		TEST(one_that_never_answered),
		TEST(our_own_doing_is_no_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
