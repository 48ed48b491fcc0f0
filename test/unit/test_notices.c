/* Rows that are no samples, from a measuring thread into a real store. */
#include "edgeprobe/clock.h"
#include "lib/store_kit.h"
#include "notices.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 65536

static int tell(const struct record *record, void *arg)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, TEXT_MAX - n, "%s %s\n", row_type_name(record->type),
		 record->type == ROW_GAP ? gap_reason_name(record->reason)
					 : record->body);
	return 0;
}

/* Rows as "type body\n"; the caller frees. */
static char *rows_of(struct kit *kit)
{
	struct store_range range = { .destination = -1 };
	char *text = calloc(1, TEXT_MAX);

	kit_commit(kit);
	assert_int_equal(store_scan(kit->store, &range, tell, text, NULL), 0);
	return text;
}

static void what_is_put_becomes_rows_in_order(void **state)
{
	struct kit *kit = *state;
	struct ring *notices = notices_create();
	char *text;

	kit_open(kit, 0);
	assert_int_equal(notices_put(notices, ROW_EVENT, "\"event\":\"a\""), 0);
	assert_int_equal(notices_put(notices, ROW_SELF, "\"n\":1"), 0);
	notices_keep(notices, kit->store);
	notices_keep(notices, kit->store); /* there is no more */
	text = rows_of(kit);
	assert_string_equal(text, "event \"event\":\"a\"\nself \"n\":1\n");
	free(text);
	ring_destroy(notices);
	kit_close(kit);
}

static void the_longest_fits_and_a_longer_one_is_refused(void **state)
{
	struct kit *kit = *state;
	struct ring *notices = notices_create();
	char body[NOTICE_BODY_MAX + 1];
	char *text;

	memset(body, 'x', sizeof(body));
	body[NOTICE_BODY_MAX] = '\0';
	assert_int_equal(notices_put(notices, ROW_SELF, body), -E2BIG);
	body[NOTICE_BODY_MAX - 1] = '\0';
	assert_int_equal(notices_put(notices, ROW_SELF, body), 0);
	kit_open(kit, 0);
	notices_keep(notices, kit->store);
	text = rows_of(kit);
	assert_int_equal(strlen(text), strlen("self \n") + strlen(body));
	free(text);
	ring_destroy(notices);
	kit_close(kit);
}

static void what_a_full_ring_refuses_is_declared(void **state)
{
	struct kit *kit = *state;
	struct ring *notices = notices_create();
	unsigned put = 0, lines = 0;
	char *text;

	while (notices_put(notices, ROW_SELF, "") == 0)
		put++;
	assert_int_equal(notices_put(notices, ROW_SELF, ""), -ENOBUFS);
	kit_open(kit, 0);
	notices_keep(notices, kit->store);
	assert_int_equal(notices_put(notices, ROW_SELF, ""), 0);
	text = rows_of(kit);
	for (const char *at = text; (at = strstr(at, "self")) != NULL; at++)
		lines++;
	assert_int_equal(lines, put);
	assert_non_null(strstr(text, "gap overflow\n"));
	assert_int_equal(store_last_seq(kit->store), put + 3);
	free(text);
	ring_destroy(notices);
	kit_close(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_is_put_becomes_rows_in_order),
		KIT_TEST(the_longest_fits_and_a_longer_one_is_refused),
		KIT_TEST(what_a_full_ring_refuses_is_declared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
