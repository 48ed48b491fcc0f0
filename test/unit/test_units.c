#include "base/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S            UINT64_C(1000000000)

struct good {
	const char *text;
	uint64_t value;
	const char *printed; /* NULL: as `text` */
};

static const struct good durations[] = {
	{ "0ms", 0, NULL },
	{ "250ms", 250000000, NULL },
	{ "10s", 10 * S, NULL },
	{ "90s", 90 * S, NULL },
	{ "5m", 300 * S, NULL },
	{ "60s", 60 * S, "1m" },
	{ "2h", 7200 * S, NULL },
	{ "1d", 86400 * S, NULL },
	{ "1.5h", 5400 * S, "90m" },
	{ "0.25s", 250000000, "250ms" },
	{ "0.001ms", 1000, NULL },
	{ "18446744073709ms", UINT64_C(18446744073709000000), NULL },
};

static const struct good sizes[] = {
	{ "0B", 0, NULL },
	{ "900000B", 900000, NULL },
	{ "64KiB", 65536, NULL },
	{ "16MiB", 16777216, NULL },
	{ "1024KiB", 1048576, "1MiB" },
	{ "1.5GiB", 1610612736, "1536MiB" },
};

static const char *const bad_durations[] = {
	"",        "10",       "s",     "-1s",    "10 s",  "10S",
	"1.s",     ".5s",      "1e3s",  "10s ",   " 10s",  "1us",
	"1.0001s", "0.0001ms", "10s5m", "1.5.5s", "0x10s", "infs",
};

static const char *const bad_sizes[] = { "",     "10",    "1KB", "1kib",
					 "1.5B", "-1KiB", "GiB" };

static void check(const struct good *g, int (*parse)(const char *, uint64_t *),
		  void (*print)(struct buf *, uint64_t))
{
	uint64_t value = 1;
	struct buf b;

	assert_int_equal(parse(g->text, &value), 0);
	assert_int_equal(value, g->value);
	buf_init(&b, 64);
	print(&b, value);
	assert_string_equal(b.data, g->printed ? g->printed : g->text);
	assert_int_equal(parse(b.data, &value), 0);
	assert_int_equal(value, g->value);
	buf_finish(&b);
}

static void what_is_read_is_printed_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(durations); i++)
		check(&durations[i], unit_parse_duration, unit_print_duration);
	for (size_t i = 0; i < COUNT(sizes); i++)
		check(&sizes[i], unit_parse_size, unit_print_size);
}

static void what_is_no_unit_is_refused(void **state)
{
	uint64_t value = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(bad_durations); i++)
		if (unit_parse_duration(bad_durations[i], &value) != -EINVAL)
			fail_msg("accepted: %s", bad_durations[i]);
	for (size_t i = 0; i < COUNT(bad_sizes); i++)
		if (unit_parse_size(bad_sizes[i], &value) != -EINVAL)
			fail_msg("accepted: %s", bad_sizes[i]);
	assert_int_equal(unit_parse_duration("18446744073710ms", &value),
			 -ERANGE);
	assert_int_equal(unit_parse_duration("99999999999999999999ms", &value),
			 -ERANGE);
	assert_int_equal(unit_parse_size("17179869184GiB", &value), -ERANGE);
	assert_int_equal(value, 42);
}

#define NOW (UINT64_C(1767225600) * S) /* 2026-01-01T00:00:00Z */

struct moment {
	const char *text;
	uint64_t ns;
};

/* In Amsterdam: UTC+1, in summer UTC+2. */
static const struct moment moments[] = {
	{ "now", NOW },
	{ "2h", NOW - 7200 * S },
	{ "1.5s", NOW - 3 * S / 2 },
	{ "1767225600", NOW },
	{ "1767225600.25", NOW + S / 4 },
	{ "0", 0 },
	{ "2026-01-01T00:00:00Z", NOW },
	{ "2026-01-01t00:00:00z", NOW },
	{ "2026-01-01T01:30:00.5+01:30", NOW + S / 2 },
	{ "2025-12-31T23:00:00-01:00", NOW },
	{ "2026-01-01 00:00Z", NOW },
	{ "2026-01-01", NOW - 3600 * S },
	{ "2026-01-01 01:00", NOW },
	{ "2026-01-01T01:00:01.123456789", NOW + S + 123456789 },
	{ "2026-07-01 02:00", UINT64_C(1782864000) * S },
	{ "2024-02-29T00:00:00Z", UINT64_C(1709164800) * S },
	{ "1970-01-01T00:00:00Z", 0 },
};

static const char *const bad_moments[] = {
	"",
	"yesterday",
	"-2h",
	"2h ago",
	"2026-13-01",
	"2026-00-01",
	"2026-02-29",
	"2026-01-32",
	"2026-01-00",
	"2026-1-1",
	"2026-01-01T",
	"2026-01-01T24:00:00Z",
	"2026-01-01T00:60:00Z",
	"2026-01-01T00:00:61Z",
	"2026-01-01T00:00:00.Z",
	"2026-01-01T00:00:00+1:00",
	"2026-01-01T00:00:00+24:00",
	"2026-01-01T00:00:00 Z",
	"2026-01-01Zulu",
	"26-01-01",
	"12:00",
	"1e9",
};

static void moments_are_read_in_every_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(moments); i++) {
		uint64_t ns = 1;

		if (unit_parse_time(moments[i].text, NOW, &ns) != 0)
			fail_msg("refused: %s", moments[i].text);
		if (ns != moments[i].ns)
			fail_msg("%s is %ju", moments[i].text, (uintmax_t)ns);
	}
}

static void what_is_no_moment_is_refused(void **state)
{
	uint64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(bad_moments); i++)
		if (unit_parse_time(bad_moments[i], NOW, &ns) != -EINVAL)
			fail_msg("accepted: %s", bad_moments[i]);
	assert_int_equal(unit_parse_time("99999d", NOW, &ns), -ERANGE);
	assert_int_equal(unit_parse_time("18446744074", NOW, &ns), -ERANGE);
	assert_int_equal(unit_parse_time("9999-01-01T00:00:00Z", NOW, &ns),
			 -ERANGE);
	assert_int_equal(unit_parse_time("1969-12-31T23:59:59Z", NOW, &ns),
			 -ERANGE);
	assert_int_equal(ns, 42);
}

static int use_amsterdam(void **state)
{
	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_printed_back),
		cmocka_unit_test(what_is_no_unit_is_refused),
		cmocka_unit_test(moments_are_read_in_every_form),
		cmocka_unit_test(what_is_no_moment_is_refused),
	};

	return cmocka_run_group_tests(tests, use_amsterdam, NULL);
}
