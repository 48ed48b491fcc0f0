/* Samples that are added up by series and minute. */
#include "store/minutes.h"

#include "edgeprobe/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MINUTE (60 * EP_NS_PER_S)
#define START  (UINT64_C(1767225600) * EP_NS_PER_S)

static void add(struct minutes *m, uint32_t series, uint64_t at_ns,
		enum ep_outcome outcome, int64_t rtt_ns)
{
	struct ep_sample sample;

	ep_sample_init(&sample);
	sample.sent_ns = at_ns;
	sample.outcome = (uint8_t)outcome;
	sample.rtt_ns = rtt_ns;
	minutes_add(m, series, &sample);
}

static void a_minute_is_added_up(void **state)
{
	struct minutes m;
	struct minute row;
	uint64_t period_ns;

	(void)state;
	minutes_init(&m, 100);
	assert_int_equal(minutes_take(&m, &row, &period_ns), 0);
	add(&m, 7, START + 1, EP_REPLIED, 300);
	add(&m, 7, START + MINUTE - 1, EP_REPLIED, 100);
	add(&m, 7, START + 2, EP_LOST, EP_ABSENT);
	add(&m, 7, START + 3, EP_REFUSED, 500);
	add(&m, 7, START + 4, EP_FAILED, EP_ABSENT);
	assert_int_equal(minutes_take(&m, &row, &period_ns), 1);
	assert_int_equal(period_ns, MINUTE);
	assert_int_equal(row.series, 7);
	assert_int_equal(row.from_ns, START);
	assert_int_equal(row.samples, 5);
	assert_int_equal(row.replied, 2);
	assert_int_equal(row.lost, 1);
	assert_int_equal(row.timed, 3);
	assert_int_equal(row.min_ns, 100);
	assert_int_equal(row.max_ns, 500);
	assert_int_equal(row.sum_ns, 900);
	assert_int_equal(minutes_take(&m, &row, &period_ns), 0);
	minutes_finish(&m);
}

static void series_and_minutes_are_apart(void **state)
{
	struct minutes m;
	struct minute row;
	uint64_t period_ns;
	unsigned n = 0;

	(void)state;
	minutes_init(&m, 1000);
	for (uint64_t minute = 0; minute < 10; minute++)
		for (uint32_t series = 1; series <= 5; series++)
			for (int i = 0; i < 3; i++)
				add(&m, series, START + minute * MINUTE,
				    EP_REPLIED, 1000);
	while (minutes_take(&m, &row, &period_ns)) {
		assert_int_equal(row.samples, 3);
		n++;
	}
	assert_int_equal(n, 50);
}

/* Three days of 20 series have room for 64 rows. */
static void short_of_memory_periods_grow_and_nothing_is_left_out(void **state)
{
	struct minutes m;
	struct minute row;
	uint64_t period_ns, samples = 0, sum_ns = 0;

	(void)state;
	minutes_init(&m, 128);
	for (uint64_t minute = 0; minute < 3 * 1440; minute++)
		for (uint32_t series = 1; series <= 20; series++)
			add(&m, series, START + minute * MINUTE, EP_REPLIED,
			    (int64_t)minute + 1);
	assert_true(m.n <= 128);
	while (minutes_take(&m, &row, &period_ns)) {
		assert_true(period_ns > MINUTE);
		assert_int_equal(row.from_ns % period_ns, 0);
		assert_true(row.min_ns >= 1 && row.max_ns <= 3 * 1440);
		samples += row.samples;
		sum_ns += row.sum_ns;
	}
	assert_int_equal(samples, 20 * 3 * 1440);
	assert_int_equal(sum_ns,
			 UINT64_C(20) * (3 * 1440) * (3 * 1440 + 1) / 2);
	/* all is out: minutes again */
	add(&m, 1, START, EP_REPLIED, 1);
	assert_int_equal(minutes_take(&m, &row, &period_ns), 1);
	assert_int_equal(period_ns, MINUTE);
	minutes_finish(&m);
}

static void more_series_than_room(void **state)
{
	struct minutes m;
	struct minute row;
	uint64_t period_ns;
	unsigned n = 0;

	(void)state;
	minutes_init(&m, 16);
	for (uint32_t series = 1; series <= 1000; series++)
		add(&m, series, START, EP_REPLIED, 1);
	while (minutes_take(&m, &row, &period_ns))
		n++;
	assert_int_equal(n, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_minute_is_added_up),
		cmocka_unit_test(series_and_minutes_are_apart),
		cmocka_unit_test(
			short_of_memory_periods_grow_and_nothing_is_left_out),
		cmocka_unit_test(more_series_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
