/* When it is said that something expires. */
#include "delivery/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DAY INT64_C(86400)

static void days_are_whole_and_rounded_down(void **state)
{
	const struct expiry_span span = { 0, 1000 * DAY };
	const struct expiry_span nothing = { 0, 0 };

	(void)state;
	assert_int_equal(expiry_days(&span, 990 * DAY), 10);
	assert_int_equal(expiry_days(&span, 990 * DAY + 1), 9);
	assert_int_equal(expiry_days(&span, 1000 * DAY), 0);
	assert_int_equal(expiry_days(&span, 1000 * DAY + 1), -1);
	assert_int_equal(expiry_days(&nothing, 5), INT32_MIN);
}

/* Days left at which something was said of it, asked every hour. */
static unsigned story(struct expiry_span span, int64_t from_s, int64_t to_s,
		      int32_t *ret_days, unsigned max)
{
	struct expiry expiry = { 0 };
	unsigned n = 0;

	for (int64_t now_s = from_s; now_s < to_s; now_s += 3600) {
		enum expiry_news news = expiry_look(&expiry, &span, now_s);

		if (news == EXPIRY_NOTHING)
			continue;
		assert_true(n < max);
		assert_int_equal(news, span.ends_s <= now_s ? EXPIRY_OVER
							    : EXPIRY_SOON);
		ret_days[n++] = expiry_days(&span, now_s);
	}
	return n;
}

static void weeks_ahead_and_then_each_day(void **state)
{
	static const int32_t wanted[] = {
		30, 14, 7, 6, 5, 4, 3, 2, 1, 0, -1, -2
	};
	const struct expiry_span year = { DAY, 366 * DAY };
	int32_t days[32];

	(void)state;
	assert_int_equal(story(year, 2 * DAY, 366 * DAY + 47 * 3600, days, 32),
			 12);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(days[i], wanted[i]);
}

static void found_late_it_is_said_once(void **state)
{
	const struct expiry_span year = { DAY, 366 * DAY };
	int32_t days[4];

	(void)state;
	assert_int_equal(
		story(year, 363 * DAY + 3600, 363 * DAY + 20 * 3600, days, 4),
		1);
	assert_int_equal(days[0], 2);
}

static void what_lives_shortly_is_warned_of_late(void **state)
{
	const struct expiry_span week = { 100 * DAY, 108 * DAY };
	int32_t days[8];

	(void)state;
	assert_int_equal(story(week, 100 * DAY, 106 * DAY, days, 8), 0);
	assert_true(story(week, 100 * DAY, 107 * DAY, days, 8) >= 1);
	assert_int_equal(days[0], 2);
}

static void a_renewal_is_said(void **state)
{
	struct expiry expiry = { 0 };
	struct expiry_span span = { DAY, 366 * DAY };

	(void)state;
	assert_int_equal(expiry_look(&expiry, &span, 350 * DAY), EXPIRY_SOON);
	assert_int_equal(expiry_look(&expiry, &span, 350 * DAY),
			 EXPIRY_NOTHING);
	span.ends_s = 700 * DAY;
	assert_int_equal(expiry_look(&expiry, &span, 350 * DAY),
			 EXPIRY_RENEWED);
	assert_int_equal(expiry_look(&expiry, &span, 350 * DAY),
			 EXPIRY_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_are_whole_and_rounded_down),
		cmocka_unit_test(weeks_ahead_and_then_each_day),
		cmocka_unit_test(found_late_it_is_said_once),
		cmocka_unit_test(what_lives_shortly_is_warned_of_late),
		cmocka_unit_test(a_renewal_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
