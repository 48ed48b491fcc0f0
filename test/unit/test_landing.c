/* What was learned of edge locations, as a text and back. */
#include "events/landing.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DAY (86400 * EP_NS_PER_S)

static void what_is_written_is_read(void **state)
{
	struct landing l = { .astray_ns = 9 * DAY }, again;
	struct buf one, other;

	(void)state;
	memcpy(l.pop, "FRA", 4);
	pops_add(&l.pops, "AMS", 8640, 8 * DAY);
	pops_add(&l.pops, "FRA", 30, 9 * DAY);
	buf_init(&one, 1024);
	buf_init(&other, 1024);
	assert_true(landing_write(&l, &one));
	assert_true(landing_read(&again, one.data));
	assert_string_equal(again.pop, "FRA");
	assert_true(again.astray_ns == 9 * DAY);
	assert_true(pops_known(&again.pops));
	assert_true(pops_usual(&again.pops, "AMS"));
	assert_false(pops_usual(&again.pops, "FRA"));
	assert_true(landing_write(&again, &other));
	assert_string_equal(one.data, other.data);
	buf_finish(&one);
	buf_finish(&other);
}

static void nothing_was_learned(void **state)
{
	struct landing l = { .others = 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_false(landing_write(&l, &out));
	assert_int_equal(out.len, 0);
	buf_finish(&out);
}

/* A code is a header's, and so anybody's. */
static void a_code_that_is_no_word_is_left_out(void **state)
{
	struct landing l = { .others = 0 };
	struct buf out;

	(void)state;
	memcpy(l.pop, "A B", 4);
	pops_add(&l.pops, "A B", 5, 1);
	pops_add(&l.pops, "AMS", 5, 1);
	buf_init(&out, 1024);
	assert_true(landing_write(&l, &out));
	assert_string_equal(out.data, "- 0 1 1 AMS 5.00");
	buf_finish(&out);
}

static void anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"AMS",
		"AMS 0 1",
		"AMS 0 1 1 AMS",
		"AMS 0 1 1 AMS x",
		"AMS 0 1 1 AMS -1",
		"AMS 0 1 1 AMS nan",
		"AMS 0 1 1  AMS 5",
		"AMS 0 2 1 AMS 5",
		"AMS 0 0 1 AMS 5",
		"AMS -1 1 1 AMS 5",
		"AMS 0 1 1 AMSTERDAM 5",
		"A-S 0 1 1 AMS 5",
		"AMS 0 1 1 A 1 B 1 C 1 D 1 E 1 F 1 G 1",
	};
	struct landing l = { .others = 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(landing_read(&l, texts[i]));
	assert_int_equal(l.others, 3);
	assert_true(landing_read(&l, "AMS 0 1 1 AMS 5"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(nothing_was_learned),
		cmocka_unit_test(a_code_that_is_no_word_is_left_out),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
