/* Which items answer, and since when not. */
#include "health.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct health_item after(const uint8_t *outcomes, size_t n)
{
	struct health health = { .n = 0 };
	struct health_item item;
	struct ep_sample sample;

	assert_int_equal(health_init(&health, 2), 0);
	for (size_t i = 0; i < n; i++) {
		ep_sample_init(&sample);
		sample.outcome = outcomes[i];
		sample.reason = EP_REASON_TIMEOUT;
		sample.sent_ns = 1000 + i;
		health_saw(&health, 1, &sample);
	}
	item = health.items[1];
	assert_false(health.items[0].asked);
	health_finish(&health);
	return item;
}

static void nothing_is_known_before_the_first(void **state)
{
	struct health_item item = after(NULL, 0);

	(void)state;
	assert_false(item.asked);
	assert_int_equal(item.silent, 0);
}

static void silence_is_counted_from_its_first(void **state)
{
	static const uint8_t outcomes[] = { EP_REPLIED, EP_LOST, EP_UNREACHABLE,
					    EP_FAILED };
	struct health_item item = after(outcomes, 4);

	(void)state;
	assert_true(item.asked);
	assert_int_equal(item.silent, 3);
	assert_int_equal(item.since_ns, 1001);
	assert_int_equal(item.outcome, EP_FAILED);
	assert_int_equal(item.reason, EP_REASON_TIMEOUT);
}

static void an_answer_ends_it(void **state)
{
	static const uint8_t outcomes[] = { EP_LOST, EP_LOST, EP_REFUSED,
					    EP_LOST };

	(void)state;
	assert_int_equal(after(outcomes, 3).silent, 0);
	assert_int_equal(after(outcomes, 4).silent, 1);
	assert_int_equal(after(outcomes, 4).since_ns, 1003);
}

/* It was us who did not ask. */
static void what_was_missed_tells_nothing(void **state)
{
	struct health health = { .n = 0 };
	struct ep_sample sample;

	(void)state;
	assert_int_equal(health_init(&health, 1), 0);
	ep_sample_init(&sample);
	sample.outcome = EP_FAILED;
	sample.reason = EP_REASON_MISSED;
	health_saw(&health, 0, &sample);
	assert_false(health.items[0].asked);
	health_finish(&health);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_before_the_first),
		cmocka_unit_test(silence_is_counted_from_its_first),
		cmocka_unit_test(an_answer_ends_it),
		cmocka_unit_test(what_was_missed_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
