/* What was delivered goes once more, and is neither declared nor kept for it. */
#include "lib/range_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL_BYTES (8u << 20)

/* --- once more --- */

/* From the sample `n` on to before `end`; 0: from the first, to the last. */
static uint64_t replay_of(struct kit *kit, const struct account *a, uint64_t n,
			  uint64_t end)
{
	uint64_t since_ns = n ? kit_sample(n).sent_ns : 0;
	uint64_t until_ns = end ? kit_sample(end).sent_ns : 0, rows = 0;
	struct ep_err err = { 0 };

	if (store_replay(kit->store, a->destination, since_ns, until_ns, &rows,
			 &err) != 0)
		fail_msg("%s", err.text);
	return rows;
}

static uint64_t replay(struct kit *kit, const struct account *a, uint64_t n)
{
	return replay_of(kit, a, n, 0);
}

/* Of the same destination, with nothing in it yet. */
static void collector_lost_all(struct account *a)
{
	memset(a->rows, 0, a->size);
	memset(a->gaps, 0, a->size);
	a->count = a->missing = a->min = a->max = 0;
}

static void once_more_from_a_time_on(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 30);
	assert_int_equal(replay(kit, &a, 0), 0); /* nothing is there */
	pieces_add(kit, 100);
	assert_int_equal(replay(kit, &a, 0), 0); /* nothing was delivered */
	account_drain(&a, kit);
	assert_int_equal(replay(kit, &a, 101), 0); /* nothing is as new */
	assert_int_equal(replay(kit, &a, 41), 60);
	pieces_lacks(kit, &a, 0, 0, 60);
	pieces_add(kit, 10);
	collector_lost_all(&a);
	account_batch_of(&a, kit, STORE_AGAIN);
	assert_int_equal(a.min, 41);
	assert_int_equal(a.max, 70);
	kit_close(kit);
	kit_open(kit, 0);
	pieces_lacks(kit, &a, 10, 0, 30);
	account_drain(&a, kit);
	pieces_drain_of(&a, kit, STORE_AGAIN);
	account_audit(&a);
	assert_int_equal(a.count, 70);
	pieces_lacks(kit, &a, 0, 0, 0);
	account_end(&a);
}

static void once_more_up_to_a_time(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 30);
	pieces_add(kit, 100);
	assert_int_equal(replay_of(kit, &a, 1, 50), 0); /* not delivered yet */
	account_drain(&a, kit);
	assert_int_equal(replay_of(kit, &a, 200, 300), 0);
	assert_int_equal(replay_of(kit, &a, 41, 61), 20);
	collector_lost_all(&a);
	pieces_drain_of(&a, kit, STORE_AGAIN);
	assert_int_equal(a.min, 41);
	assert_int_equal(a.max, 60);
	assert_int_equal(a.count, 20);
	/* A second one takes what the first has still to send. */
	assert_int_equal(replay_of(kit, &a, 71, 81), 10);
	assert_int_equal(replay_of(kit, &a, 51, 61), 30);
	assert_int_equal(replay_of(kit, &a, 61, 71), 30);
	collector_lost_all(&a);
	pieces_drain_of(&a, kit, STORE_AGAIN);
	account_audit(&a);
	assert_int_equal(a.min, 51);
	assert_int_equal(a.max, 80);
	account_end(&a);
}

/* It was sent before `until`, and lost so much later that newer ones have lower
 * numbers. */
static void one_that_came_late_goes_with_its_time(void **state)
{
	struct kit *kit = *state;
	struct ep_sample late = kit_sample(20);
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 100);
	pieces_add(kit, 40);
	late.outcome = EP_LOST;
	store_add_sample(kit->store, kit_series(kit, "exchange", "tcp"), &late);
	kit_commit(kit);
	account_drain(&a, kit);
	assert_int_equal(replay_of(kit, &a, 11, 31), 31);
	account_end(&a);
}

static void once_more_while_there_is_a_backlog(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 40);
	pieces_add(kit, 100);
	account_batch(&a, kit); /* 1 to 40 */
	assert_int_equal(pieces_split(kit, &a, 20), 1);
	account_batch_of(&a, kit, STORE_FRESH); /* 81 to 100 */
	assert_int_equal(replay(kit, &a, 31), 30);
	pieces_lacks(kit, &a, 0, 40, 30);
	collector_lost_all(&a);
	a.limit = 15;
	account_batch_of(&a, kit, STORE_AGAIN); /* up to the backlog */
	pieces_lacks(kit, &a, 0, 40, 20);
	account_batch_of(&a, kit, STORE_AGAIN);
	pieces_lacks(kit, &a, 0, 40, 5);
	pieces_drain_of(&a, kit, STORE_BACKLOG);
	pieces_drain_of(&a, kit, STORE_AGAIN);
	account_audit(&a);
	assert_int_equal(a.min, 31);
	assert_int_equal(a.count, 70);
	/* Asked again half way: from the earliest that was asked for. */
	assert_int_equal(replay(kit, &a, 91), 10);
	account_batch_of(&a, kit, STORE_AGAIN);
	assert_int_equal(replay(kit, &a, 11), 90);
	account_batch_of(&a, kit, STORE_AGAIN);
	assert_int_equal(replay(kit, &a, 91), 75);
	account_end(&a);
}

/* They were declared to be missing, and are not there twice. */
static void what_was_refused_stays_declared(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 20);
	pieces_add(kit, 30);
	account_batch(&a, kit); /* 1 to 20 */
	pieces_refuse(kit, &a, STORE_FRESH, 5);
	pieces_add(kit, 30);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.missing, 5);
	replay(kit, &a, 0);
	collector_lost_all(&a);
	pieces_drain_of(&a, kit, STORE_AGAIN);
	account_audit(&a);
	assert_int_equal(a.min, 1);
	assert_int_equal(a.missing, 5);
	/* Refused the second time only: it has them from the first. */
	replay(kit, &a, 0);
	pieces_refuse(kit, &a, STORE_AGAIN, 10);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.missing, 5);
	account_end(&a);
}

static void evicted_before_its_second_turn(void **state)
{
	struct store_facts facts;
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 2000);
	pieces_add(kit, 3000);
	account_drain(&a, kit);
	assert_int_equal(replay(kit, &a, 0), 3000);
	for (int i = 0; i < 40; i++) {
		pieces_add(kit, 1000);
		account_batch(&a, kit);
	}
	pieces_lacks(kit, &a, 0, 0, 0);
	assert_false(pieces_freeze(kit, &a, STORE_AGAIN, 10, NULL));
	account_audit(&a);
	assert_int_equal(a.missing, 0);
	assert_int_equal(store_facts(kit->store, &facts), 0);
	assert_int_equal(facts.evicted_undelivered, 0);
	account_end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(once_more_from_a_time_on),
		KIT_TEST(once_more_up_to_a_time),
		KIT_TEST(one_that_came_late_goes_with_its_time),
		KIT_TEST(once_more_while_there_is_a_backlog),
		KIT_TEST(what_was_refused_stays_declared),
		KIT_TEST(evicted_before_its_second_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
