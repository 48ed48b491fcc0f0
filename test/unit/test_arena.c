/* Memory that is given back at once. */
#include "base/arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct arena *arena = arena_create();
	unsigned char *before = NULL;

	(void)state;
	for (size_t n = 1; n < 200000; n = n * 3 + 1) {
		unsigned char *piece = arena_alloc(arena, n, 1);

		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 0xff, n);
		if (before != NULL)
			assert_int_equal(before[0], 0xff);
		before = piece;
	}
	arena_destroy(arena);
}

static void a_size_that_overflows_is_refused(void **state)
{
	struct arena *arena = arena_create();

	(void)state;
	assert_null(arena_alloc(arena, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(arena, SIZE_MAX, 1));
	assert_non_null(arena_alloc(arena, 0, 8));
	arena_destroy(arena);
}

static void texts_are_copies_and_never_null(void **state)
{
	struct arena *arena = arena_create();
	char text[] = "AMS";
	const char *copy = arena_text(arena, text);

	(void)state;
	text[0] = '-';
	assert_string_equal(copy, "AMS");
	assert_string_equal(arena_text(arena, NULL), "");
	assert_string_equal(arena_text(arena, ""), "");
	assert_string_equal(arena_printf(arena, "%s %d", text, 7), "-MS 7");
	arena_destroy(arena);
	arena_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(a_size_that_overflows_is_refused),
		cmocka_unit_test(texts_are_copies_and_never_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
