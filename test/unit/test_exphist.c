/* Exponential histograms: counts lie where their bounds say. */
#include "delivery/exphist.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void seconds_are_exact(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "0.000000001" },
		{ 1000000000, "1" },
		{ 1500000000, "1.5" },
		{ 60000000010, "60.00000001" },
		{ UINT64_MAX, "18446744073.709551615" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&b);
		exphist_seconds(&b, cases[i].ns);
		assert_string_equal(b.data, cases[i].text);
	}
	buf_finish(&b);
}

/* Of what was written: counts lie in buckets whose bounds hold the values. */
static void check_hist(const struct figure *figures, size_t n, int scale)
{
	uint64_t least = UINT64_MAX, most = 0, total = 0;
	long offset, buckets = 0;
	struct buf b;
	char *at;
	double base, low, high;

	for (size_t i = 0; i < n; i++) {
		uint64_t ns = (uint64_t)figures[i].value;

		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	buf_init(&b, 1 << 16);
	exphist_write(&b, figures, n, scale);
	at = strstr(b.data, "\"scale\":");
	base = pow(2, pow(2, -strtod(at + 8, NULL)));
	at = strstr(b.data, "\"offset\":");
	offset = strtol(at + 9, &at, 10);
	at = strchr(at, '[');
	while (*at != ']') {
		uint64_t count = strtoull(at + 2, &at, 10);

		at++; /* its quote */
		total += count;
		buckets++;
		assert_true(count > 0 || (buckets > 1 && *at != ']'));
	}
	low = pow(base, (double)offset);
	high = pow(base, (double)(offset + buckets));
	assert_true(buckets <= EXPHIST_BUCKETS);
	assert_int_equal(total, n);
	assert_true((double)least / 1e9 >= low * (1 - 1e-9));
	assert_true((double)least / 1e9 <= low * base * (1 + 1e-9));
	assert_true((double)most / 1e9 <= high * (1 + 1e-9));
	assert_true((double)most / 1e9 >= high / base * (1 - 1e-9));
	buf_finish(&b);
}

static void buckets_hold_their_values(void **state)
{
	static const int64_t values[][4] = {
		{ 1, 1, 1, 1 },
		{ 1000000, 1000001, 1500000, 2000000 },
		{ 1, 1000, 1000000, 300000000000 },
		{ 1000000000, 2000000000, 500000000, 4000000000 },
		{ 100000, 9223372036854775807, 100001, 5 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct figure figures[4] = { { .value = 0 } };

		for (size_t k = 0; k < 4; k++)
			figures[k].value = values[i][k];
		for (int scale = 1; scale <= 5; scale++)
			check_hist(figures, 4, scale);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_are_exact),
		cmocka_unit_test(buckets_hold_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
