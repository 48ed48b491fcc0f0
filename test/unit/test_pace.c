/* When probes are dense, and how often to look then, on virtual time. */
#include "core/pace.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

/* Send at `rate` for a second. Returns how often `dense` changed. */
static unsigned send_at(struct pace *p, uint64_t *now_ns, uint64_t rate)
{
	uint64_t end_ns = *now_ns + S;
	unsigned changes = 0;

	for (; *now_ns < end_ns; *now_ns += S / rate)
		changes += pace_sent(p, *now_ns);
	return changes;
}

static void few_probes_are_sparse(void **state)
{
	struct pace p = { 0 };
	uint64_t now_ns = 5 * S;

	(void)state;
	assert_int_equal(send_at(&p, &now_ns, 40), 0);
	assert_false(p.dense);
	assert_true(pace_due(&p) == UINT64_MAX);
}

static void many_probes_are_dense(void **state)
{
	struct pace p = { 0 };
	uint64_t now_ns = 5 * S;

	(void)state;
	assert_int_equal(send_at(&p, &now_ns, 500), 1);
	assert_true(p.dense);
	pace_looked(&p, now_ns, false);
	assert_true(pace_due(&p) > now_ns);
	assert_true(pace_due(&p) <= now_ns + PACE_MAX_NS);
}

static void more_probes_are_looked_for_more_often(void **state)
{
	static const uint64_t rates[] = { 200, 1000, 2000, 5000, 20000 };
	uint64_t last_ns = UINT64_MAX;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct pace p = { 0 };
		uint64_t now_ns = 5 * S;

		send_at(&p, &now_ns, rates[i]);
		assert_true(p.interval_ns <= last_ns);
		assert_true(p.interval_ns >= PACE_MIN_NS);
		/* what a small receive buffer (256 packets) holds */
		assert_true(rates[i] * p.interval_ns / S <= 64);
		last_ns = p.interval_ns;
	}
}

static void between_the_limits_nothing_changes(void **state)
{
	struct pace p = { 0 };
	uint64_t now_ns = 5 * S;

	(void)state;
	send_at(&p, &now_ns, 60);
	assert_false(p.dense);
	send_at(&p, &now_ns, 500);
	assert_true(p.dense);
	send_at(&p, &now_ns, 60);
	assert_true(p.dense);
	send_at(&p, &now_ns, 40);
	assert_false(p.dense);
}

/* Replies that come at once leave nothing in flight between two sends. */
static void when_all_has_been_quiet_for_long_it_is_sparse(void **state)
{
	struct pace p = { 0 };
	uint64_t now_ns = 5 * S;

	(void)state;
	send_at(&p, &now_ns, 500);
	assert_false(pace_looked(&p, now_ns, false));
	assert_false(pace_looked(&p, now_ns, true));
	assert_true(p.dense);
	now_ns += PACE_QUIET_NS;
	assert_false(pace_looked(&p, now_ns, false));
	assert_true(pace_looked(&p, now_ns, true));
	assert_false(p.dense);
	assert_false(pace_looked(&p, now_ns, true));
	assert_true(pace_due(&p) == UINT64_MAX);
}

static void a_look_rides_shortly_before_it_is_due(void **state)
{
	struct pace p = { 0 };
	uint64_t now_ns = 5 * S;

	(void)state;
	assert_true(pace_ride(&p) == UINT64_MAX);
	send_at(&p, &now_ns, 1000);
	pace_looked(&p, now_ns, false);
	assert_true(pace_ride(&p) > now_ns + p.interval_ns / 2);
	/* a slot of 2 ms before it is due at least */
	assert_true(pace_ride(&p) + 2 * MS <= pace_due(&p));
}

static void a_long_silence_is_no_rate(void **state)
{
	struct pace p = { 0 };
	uint64_t now_ns = 5 * S;

	(void)state;
	send_at(&p, &now_ns, 500);
	now_ns += 3600 * S;
	assert_true(pace_sent(&p, now_ns));
	assert_false(p.dense);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_probes_are_sparse),
		cmocka_unit_test(many_probes_are_dense),
		cmocka_unit_test(more_probes_are_looked_for_more_often),
		cmocka_unit_test(between_the_limits_nothing_changes),
		cmocka_unit_test(when_all_has_been_quiet_for_long_it_is_sparse),
		cmocka_unit_test(a_look_rides_shortly_before_it_is_due),
		cmocka_unit_test(a_long_silence_is_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
