/* The library's small parts: addresses, targets, errors, the heap, names. */
#include "edgeprobe/address.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/error.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/private/heap.h"
#include "edgeprobe/target.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void addresses_go_to_text_and_back(void **state)
{
	static const char *const texts[] = { "192.0.2.1",   "0.0.0.0",
					     "2001:db8::1", "::1",
					     "::",          "fe80::1%lo" };
	char text[EP_ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ep_address a, b;
		union ep_sockaddr sa;

		assert_int_equal(ep_address_parse(texts[i], &a), 0);
		assert_string_equal(ep_address_format(&a, text, sizeof(text)),
				    texts[i]);
		assert_true(ep_address_to_sockaddr(&a, 443, &sa) > 0);
		b = ep_address_from_sockaddr(&sa.sa);
		assert_true(ep_address_equal(&a, &b));
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"",          "192.0.2",  "192.0.2.256", "1.2.3.4.5",
		"[::1]",     "fe80::1%", "example.com", "::1%nosuchif0",
		"0x7f.0.0.1"
	};
	struct ep_address a = { .family = 9 };
	union ep_sockaddr sa;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(ep_address_parse(texts[i], &a), -EINVAL);
	assert_int_equal(a.family, 9);
	a.family = 0;
	assert_int_equal(ep_address_to_sockaddr(&a, 1, &sa), 0);
}

static void targets_are_checked(void **state)
{
	struct ep_target t = { .host = "example.com" };
	struct ep_err err = { 0 };
	char name[300];

	(void)state;
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	t.kind = ep_kind_find("tcp");
	assert_int_equal(ep_target_check(&t, &err), 0);
	t.family = 5;
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	assert_non_null(strstr(err.text, "family 5"));
	t.family = 6;
	t.host = "192.0.2.1";
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	t.family = 0;
	t.path = "x";
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	t.path = NULL;
	t.host = "";
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	assert_string_equal(err.text, "the host is empty");
	memset(name, 'a', 254);
	name[254] = '\0';
	t.host = name;
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	t.host = "exa\nmple.com";
	assert_int_equal(ep_target_check(&t, &err), -EINVAL);
	assert_non_null(strstr(err.text, "0x0a at position 4"));
}

static void errors_tell_where(void **state)
{
	struct ep_err err = { 0 };
	char longest[2000];

	(void)state;
	assert_int_equal(ep_err_set(&err, -EIO, "read: %d", 7), -EIO);
	assert_int_equal(ep_err_prefix(&err, "file %s", "x"), -EIO);
	assert_string_equal(err.text, "file x: read: 7");
	assert_int_equal(ep_err_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(ep_err_prefix(NULL, "x"), 0);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ep_err_set(&err, -EIO, "%s", longest);
	ep_err_prefix(&err, "%s", longest);
	assert_int_equal(strlen(err.text), EP_ERR_TEXT_MAX - 1);
}

#define ITEMS 500

static void the_heap_gives_the_smallest(void **state)
{
	struct ep_heap_item items[ITEMS] = { 0 };
	struct ep_heap heap = { 0 };
	uint64_t x = 88172645463325252u, last = 0;
	unsigned n = 0;

	(void)state;
	assert_null(ep_heap_top(&heap));
	for (unsigned i = 0; i < ITEMS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		assert_int_equal(ep_heap_reserve(&heap, i + 1), 0);
		ep_heap_put(&heap, &items[i], x % 1000);
	}
	for (unsigned i = 0; i < ITEMS; i += 3)
		ep_heap_put(&heap, &items[i], 5000 - i); /* move */
	for (unsigned i = 0; i < ITEMS; i += 5)
		ep_heap_remove(&heap, &items[i]);
	ep_heap_remove(&heap, &items[0]); /* again: harmless */
	for (; ep_heap_top(&heap) != NULL; n++) {
		struct ep_heap_item *top = ep_heap_top(&heap);

		assert_true(top->key >= last);
		last = top->key;
		ep_heap_remove(&heap, top);
	}
	assert_int_equal(n, ITEMS - ITEMS / 5);
	ep_heap_finish(&heap);
}

static void every_word_of_a_row_is_known(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= EP_CANCELLED; i++)
		assert_string_not_equal(ep_outcome_name(i), "unknown");
	for (unsigned i = 1; i < EP_REASON_COUNT; i++) {
		const char *word = ep_reason_name(i);

		assert_true(strlen(word) > 0 && strlen(word) < 24);
		assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(word));
		for (unsigned j = 1; j < i; j++)
			assert_string_not_equal(word, ep_reason_name(j));
	}
	assert_string_equal(ep_reason_name(EP_REASON_COUNT), "unknown");
}

static void kinds_are_found_by_name(void **state)
{
	const struct ep_kind *const *kinds;
	size_t n;

	(void)state;
	kinds = ep_kinds(&n);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(ep_kind_find(kinds[i]->name), kinds[i]);
		assert_non_null(kinds[i]->start);
		assert_true(kinds[i]->n_opts > 0);
	}
	assert_null(ep_kind_find("udp"));
	assert_null(ep_kind_find(""));
}

static void clocks_agree(void **state)
{
	int64_t offset_ns = ep_clock_offset_ns();
	uint64_t mono_ns = ep_clock_mono_ns();
	int64_t wall_ns = (int64_t)ep_clock_wall_ns();
	int64_t diff_ns = wall_ns - ((int64_t)mono_ns + offset_ns);

	(void)state;
	assert_true(diff_ns > -1000000000 && diff_ns < 1000000000);
	assert_true(ep_clock_mono_ns() >= mono_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_go_to_text_and_back),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(targets_are_checked),
		cmocka_unit_test(errors_tell_where),
		cmocka_unit_test(the_heap_gives_the_smallest),
		cmocka_unit_test(every_word_of_a_row_is_known),
		cmocka_unit_test(kinds_are_found_by_name),
		cmocka_unit_test(clocks_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
