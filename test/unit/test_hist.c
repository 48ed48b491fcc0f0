/* The histogram beside the durations themselves. */
#include "base/hist.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void nothing_is_zero(void **state)
{
	struct hist h = { 0 };

	(void)state;
	assert_int_equal(hist_quantile_ns(&h, 0.99), 0);
}

static void one_is_itself(void **state)
{
	static const uint64_t each[] = {
		0,         1,         1023,         1024,
		1500000,   999999999, 200000000000, 300000000000,
		UINT64_MAX
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		struct hist h = { 0 };

		hist_add(&h, each[i]);
		assert_int_equal(h.max_ns, each[i]);
		assert_int_equal(hist_quantile_ns(&h, 0.99), each[i]);
		assert_int_equal(hist_quantile_ns(&h, 1), each[i]);
	}
}

/* Of 1 to 1,000 us, and the same times 1,000. */
static void quantiles_are_near(void **state)
{
	static const double parts[] = { 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };

	(void)state;
	for (uint64_t unit = 1000; unit <= 1000000; unit *= 1000) {
		struct hist h = { 0 };

		for (uint64_t i = 1; i <= 1000; i++)
			hist_add(&h, i * unit);
		for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]);
		     i++) {
			uint64_t wanted =
				(uint64_t)(parts[i] * 1000 + 0.5) * unit;
			uint64_t said = hist_quantile_ns(&h, parts[i]);

			assert_true(said >= wanted);
			assert_true(said <= wanted + wanted / 4 + 1024);
			assert_true(said <= h.max_ns);
		}
	}
}

static void one_in_a_thousand_is_no_p99(void **state)
{
	struct hist h = { 0 };

	(void)state;
	for (unsigned i = 0; i < 999; i++)
		hist_add(&h, 50000);
	hist_add(&h, UINT64_C(30000000000));
	assert_true(hist_quantile_ns(&h, 0.99) < 70000);
	assert_int_equal(h.max_ns, UINT64_C(30000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_zero),
		cmocka_unit_test(one_is_itself),
		cmocka_unit_test(quantiles_are_near),
		cmocka_unit_test(one_in_a_thousand_is_no_p99),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
