/* The worst windows of a call: of sequences made for it, and against counting
 * each window anew. */
#include "report/judging/voice.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS    UINT64_C(1000000)
#define S     (1000 * MS)
#define T0    (1767225600 * S)
#define RTT   ((int64_t)(20 * MS))
#define SPACE (20 * MS)

/* `n` packets from `at_ns` on, all answered alike. */
static uint64_t burst(struct voice *v, uint64_t at_ns, unsigned n)
{
	for (unsigned i = 0; i < n; i++, at_ns += SPACE)
		assert_int_equal(voice_see(v, at_ns, RTT), 0);
	return at_ns;
}

static uint64_t hole(struct voice *v, uint64_t at_ns, unsigned n)
{
	for (unsigned i = 0; i < n; i++, at_ns += SPACE)
		assert_int_equal(voice_see(v, at_ns, VOICE_LOST), 0);
	return at_ns;
}

static bool is(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

static void a_line_without_fault_has_none(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;

	(void)state;
	burst(&v, T0, 2000);
	voice_end(&v, &worst);
	assert_true(is(worst.loss_percent, 0));
	assert_true(is(worst.burst_percent, 0));
	assert_true(is(worst.jitter_ns, 0));
}

/* One a second says nothing of 200 ms, nor enough of 15 s. */
static void what_is_too_far_apart_is_not_judged(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		voice_see(&v, T0 + i * S, i % 7 ? RTT : VOICE_LOST);
	voice_end(&v, &worst);
	assert_true(isnan(worst.loss_percent));
	assert_true(isnan(worst.burst_percent));
	assert_true(isnan(worst.jitter_ns));
	assert_int_equal(worst.loss_at_ns, 0);
}

static void the_worst_of_many_rounds_is_told_and_when(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;
	uint64_t at;

	(void)state;
	for (unsigned minute = 0; minute < 60; minute++) {
		at = burst(&v, T0 + minute * 60 * S, 50);
		if (minute == 30)
			at = hole(&v, at, 3);
		if (minute == 31)
			at = hole(&v, at, 1);
		burst(&v, at, 50);
	}
	voice_end(&v, &worst);
	assert_true(is(worst.loss_percent, 300.0 / 100));
	assert_true(is(worst.burst_percent, 30));
	/* the hundredth packet of that round is in the middle of its end */
	assert_int_equal(worst.loss_at_ns, T0 + 30 * 60 * S + 99 * SPACE);
	assert_int_equal(worst.burst_at_ns, T0 + 30 * 60 * S + 52 * SPACE);
}

/* 750 in a row: what is 15 s apart is never in one window. */
static void windows_end_where_they_should(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;
	uint64_t at = burst(&v, T0, 1000);

	(void)state;
	at = hole(&v, at, 1);
	at = burst(&v, at, 749);
	at = hole(&v, at, 1);
	burst(&v, at, 1000);
	voice_end(&v, &worst);
	assert_true(is(worst.loss_percent, 100.0 / 750));
	assert_true(is(worst.burst_percent, 10));

	at = hole(&v, burst(&v, T0, 1000), 1);
	at = hole(&v, burst(&v, at, 748), 1);
	burst(&v, at, 1000);
	voice_end(&v, &worst);
	assert_true(is(worst.loss_percent, 200.0 / 750));

	at = hole(&v, burst(&v, T0, 1000), 1);
	at = hole(&v, burst(&v, at, 9), 1);
	burst(&v, at, 1000);
	voice_end(&v, &worst);
	assert_true(is(worst.burst_percent, 10));
}

/* A lost packet is known 3 s after those that were sent at its time. */
static void losses_come_after_their_time(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		if (i < 1000 || i >= 1005)
			voice_see(&v, T0 + i * SPACE, RTT);
		if (i >= 1150 && i < 1155)
			voice_see(&v, T0 + (i - 150) * SPACE, VOICE_LOST);
	}
	assert_int_equal(v.stale, 0);
	voice_end(&v, &worst);
	assert_true(is(worst.burst_percent, 50));
	assert_true(is(worst.loss_percent, 500.0 / 750));
}

static void what_is_too_late_is_left_out(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;

	(void)state;
	burst(&v, T0, 1500);
	voice_see(&v, T0 + 10 * S, VOICE_LOST);
	assert_int_equal(v.stale, 1);
	voice_end(&v, &worst);
	assert_true(is(worst.loss_percent, 0));
}

/* Differences are those of neighbours: not over a loss, not between rounds. */
static void jitter_is_of_packets_that_follow_each_other(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;
	uint64_t at = T0;

	(void)state;
	for (unsigned i = 0; i < 120; i++, at += SPACE)
		voice_see(&v, at, i % 2 ? RTT : RTT + (int64_t)(6 * MS));
	/* 14 s later, and much slower: no difference, and another level is
	 * no jitter */
	for (unsigned i = 0; i < 120; i++, at += SPACE)
		voice_see(&v, at + 14 * S, 10 * RTT);
	voice_end(&v, &worst);
	assert_true(is(worst.jitter_ns, 6.0 * MS));

	for (unsigned i = 0; i < 300; i++, at += SPACE)
		voice_see(&v, at,
			  i % 3 == 2   ? VOICE_LOST
			  : i % 3 == 1 ? RTT
				       : RTT + (int64_t)(3 * MS));
	voice_end(&v, &worst);
	assert_true(is(worst.jitter_ns, 3.0 * MS));
}

static void a_clock_that_is_set_back_begins_anew(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;

	(void)state;
	burst(&v, T0, 1000);
	hole(&v, burst(&v, T0 - 3600 * S, 500), 100);
	burst(&v, T0 - 3600 * S + 600 * SPACE, 500);
	assert_int_equal(v.stale, 0);
	voice_end(&v, &worst);
	assert_true(is(worst.burst_percent, 100));
}

/* Twenty times as many as are held: windows are shorter, nothing breaks. */
static void more_than_there_is_room_for(void **state)
{
	struct voice v = { 0 };
	struct voice_worst worst;

	(void)state;
	for (unsigned i = 0; i < 20 * VOICE_HELD_MAX; i++)
		voice_see(&v, T0 + i * MS / 10, i % 100 ? RTT : VOICE_LOST);
	assert_true(v.size <= VOICE_HELD_MAX);
	voice_end(&v, &worst);
	assert_true(worst.loss_percent >= 1 && worst.loss_percent < 3);
}

/* --- against counting each window anew --- */

#define MANY 1500

static double share(const struct voice_packet *p, size_t last, uint64_t ns,
		    unsigned least)
{
	unsigned n = 0, lost = 0;

	for (size_t i = 0; i <= last; i++) {
		if (p[last].sent_ns - p[i].sent_ns >= ns)
			continue;
		n++;
		lost += p[i].rtt_ns < 0;
	}
	return n < least ? -1 : 100.0 * lost / n;
}

static double jitter(const struct voice_packet *p, size_t last)
{
	double sum = 0;
	unsigned n = 0;

	for (size_t i = 1; i <= last; i++) {
		if (p[last].sent_ns - p[i - 1].sent_ns >= VOICE_LONG_NS ||
		    p[i].sent_ns - p[i - 1].sent_ns > VOICE_SHORT_NS ||
		    p[i].rtt_ns < 0 || p[i - 1].rtt_ns < 0)
			continue;
		sum += fabs((double)(p[i].rtt_ns - p[i - 1].rtt_ns));
		n++;
	}
	return n < VOICE_LONG_LEAST / 2 ? -1 : sum / n;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void expect_as_counted(const struct voice_packet *p, size_t n,
			      const struct voice_worst *worst)
{
	double loss = -1, short_loss = -1, ns = -1;

	for (size_t i = 0; i < n; i++) {
		loss = larger(loss,
			      share(p, i, VOICE_LONG_NS, VOICE_LONG_LEAST));
		short_loss = larger(short_loss, share(p, i, VOICE_SHORT_NS,
						      VOICE_SHORT_LEAST));
		ns = larger(ns, jitter(p, i));
	}
	assert_true(loss < 0 ? isnan(worst->loss_percent)
			     : is(worst->loss_percent, loss));
	assert_true(short_loss < 0 ? isnan(worst->burst_percent)
				   : is(worst->burst_percent, short_loss));
	assert_true(ns < 0 ? isnan(worst->jitter_ns)
			   : fabs(worst->jitter_ns - ns) < 1e-3);
}

static void as_when_each_window_is_counted(void **state)
{
	static struct voice_packet p[MANY];
	struct voice_worst worst;

	(void)state;
	srandom(20260101);
	for (unsigned round = 0; round < 6; round++) {
		struct voice v = { 0 };
		uint64_t at = T0;

		for (size_t i = 0; i < MANY; i++) {
			at += i % 200 ? SPACE + (uint64_t)random() % MS
				      : (uint64_t)random() % (20 * S);
			p[i].sent_ns = at;
			p[i].rtt_ns = random() % 50 > (long)round
					      ? RTT + random() % (5 * RTT)
					      : VOICE_LOST;
		}
		/* in pairs the wrong way round */
		for (size_t i = 0; i < MANY; i++)
			voice_see(&v, p[i ^ 1].sent_ns, p[i ^ 1].rtt_ns);
		voice_end(&v, &worst);
		expect_as_counted(p, MANY, &worst);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_without_fault_has_none),
		cmocka_unit_test(what_is_too_far_apart_is_not_judged),
		cmocka_unit_test(the_worst_of_many_rounds_is_told_and_when),
		cmocka_unit_test(windows_end_where_they_should),
		cmocka_unit_test(losses_come_after_their_time),
		cmocka_unit_test(what_is_too_late_is_left_out),
		cmocka_unit_test(jitter_is_of_packets_that_follow_each_other),
		cmocka_unit_test(a_clock_that_is_set_back_begins_anew),
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(as_when_each_window_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
