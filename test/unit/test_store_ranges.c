/* Newest first after an outage: what a destination lacks is in pieces, and each
 * number is still there once or declared once. */
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

/* --- newest first --- */

static void newest_first_and_then_the_rest(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 25);
	pieces_add(kit, 100);
	assert_int_equal(pieces_split(kit, &a, 100), 0); /* no more than that */
	assert_int_equal(pieces_split(kit, &a, 10), 1);
	pieces_lacks(kit, &a, 10, 90, 0);
	account_batch_of(&a, kit, STORE_FRESH);
	assert_int_equal(a.min, 91);
	assert_int_equal(a.max, 100);
	pieces_lacks(kit, &a, 0, 90, 0);
	account_batch_of(&a, kit, STORE_BACKLOG);
	assert_int_equal(a.min, 1);
	assert_int_equal(a.count, 35);
	kit_close(kit);
	kit_open(kit, 0);
	pieces_add(kit, 5);
	pieces_lacks(kit, &a, 5, 65, 0);
	account_batch_of(&a, kit, STORE_FRESH);
	assert_int_equal(a.max, 105);
	pieces_drain_of(&a, kit, STORE_BACKLOG);
	pieces_lacks(kit, &a, 0, 0, 0);
	account_audit(&a);
	assert_int_equal(a.count, 105);
	pieces_add(kit, 5); /* and all is as it was */
	pieces_lacks(kit, &a, 5, 0, 0);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.count, 110);
	account_end(&a);
}

static void an_outage_while_an_earlier_one_is_made_up_for(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 30);
	pieces_add(kit, 100);
	assert_int_equal(pieces_split(kit, &a, 20), 1);
	account_batch_of(&a, kit, STORE_FRESH);
	account_batch_of(&a, kit, STORE_BACKLOG);
	pieces_add(kit, 200);
	assert_int_equal(pieces_split(kit, &a, 20), 1);
	pieces_lacks(kit, &a, 20, 50 + 180, 0);
	assert_int_equal(pieces_split(kit, &a, 15),
			 1); /* none of it went yet */
	pieces_lacks(kit, &a, 15, 50 + 185, 0);
	kit_close(kit);
	kit_open(kit, 0);
	pieces_lacks(kit, &a, 15, 50 + 185, 0);
	account_batch_of(&a, kit, STORE_FRESH);
	assert_int_equal(a.max, 300);
	account_batch_of(&a, kit, STORE_BACKLOG);
	assert_int_equal(a.rows[31] + a.rows[60], 2); /* the oldest of it */
	pieces_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.count, 300);
	account_end(&a);
}

static void outages_without_end(void **state)
{
	struct kit *kit = *state;
	struct account a;
	int n = 0;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 10);
	do {
		pieces_add(kit, 30);
		n += pieces_split(kit, &a, 5);
		account_batch_of(&a, kit, STORE_FRESH);
	} while (store_last_seq(kit->store) < 1000);
	assert_true(n > 10 && n < 30); /* no more pieces than have room */
	pieces_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.count, store_last_seq(kit->store));
	account_end(&a);
}

static void frozen_batches_know_what_they_are_of(void **state)
{
	struct store_batch one, two, batch;
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, 0);
	account_begin(&a, kit, "a", 10);
	pieces_add(kit, 100);
	assert_int_equal(pieces_split(kit, &a, 10), 1);
	assert_true(pieces_freeze(kit, &a, STORE_FRESH, 10, &one));
	assert_true(pieces_freeze(kit, &a, STORE_BACKLOG, 10, &two));
	kit_close(kit);
	kit_open(kit, 0);
	assert_int_equal(store_batch_pending_of(kit->store, a.destination,
						STORE_FRESH, &batch, NULL),
			 1);
	assert_int_equal(batch.id, one.id);
	assert_int_equal(batch.part, STORE_FRESH);
	store_batch_finish(&batch);
	assert_int_equal(store_batch_pending_of(kit->store, a.destination,
						STORE_AGAIN, &batch, NULL),
			 0);
	assert_int_equal(store_batch_pending_of(kit->store, a.destination,
						STORE_BACKLOG, &batch, NULL),
			 1);
	assert_int_equal(batch.id, two.id);
	assert_int_equal(batch.part, STORE_BACKLOG);
	store_batch_finish(&batch);
	store_batch_finish(&one);
	store_batch_finish(&two);
	account_end(&a);
}

/* Rows of the backlog go between collecting and freezing, and it is told of in
 * a gap row that may be among those that were collected. */
static void stale(struct kit *kit, struct account *a, enum store_part part)
{
	struct store_batch batch = { .encoding = "ndjson", .rows = 50 };
	struct store_facts facts = { 0 };
	struct ep_err err = { 0 };
	uint64_t rows = 50;

	assert_int_equal(store_batch_collect_of(kit->store, a->destination,
						part, pieces_take, &rows,
						&batch),
			 50);
	while (facts.first_seq < 100) {
		pieces_add(kit, 100);
		assert_int_equal(store_facts(kit->store, &facts), 0);
	}
	assert_true(pieces_lacking(kit, a).backlog > 0);
	batch.body = strdup("{}\n");
	batch.body_len = 3;
	assert_int_equal(
		store_batch_freeze(kit->store, a->destination, &batch, &err),
		-ESTALE);
	store_batch_finish(&batch);
	for (int i = 0; i < 2; i++) {
		pieces_drain(a, kit);
		kit_commit(kit);
	}
	account_audit(a);
}

static void eviction_between_collecting_and_freezing(void **state)
{
	static const enum store_part parts[] = { STORE_FRESH, STORE_BACKLOG };
	struct kit *kit = *state;
	struct account a;

	for (int i = 0; i < 2; i++) {
		kit_open(kit, SMALL_BYTES);
		account_begin(&a, kit, "a", 1000);
		for (int n = 0; n < 3; n++)
			pieces_add(kit, 1000);
		assert_int_equal(pieces_split(kit, &a, 100), 1);
		stale(kit, &a, parts[i]);
		account_end(&a);
		kit_close(kit);
		assert_int_equal(remove(kit->path), 0);
	}
}

/* --- the size bound --- */

static void the_backlog_is_evicted_and_declared(void **state)
{
	struct store_facts facts;
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 2000);
	pieces_add(kit, 2000);
	account_batch(&a, kit); /* it has its first row */
	for (int i = 0; i < 10; i++)
		pieces_add(kit, 1000);
	assert_int_equal(pieces_split(kit, &a, 500), 1);
	account_batch_of(&a, kit, STORE_FRESH);
	account_batch_of(&a, kit, STORE_BACKLOG);
	for (int i = 0; i < 30; i++) {
		pieces_add(kit, 1000);
		account_batch_of(&a, kit, STORE_FRESH);
	}
	assert_int_equal(store_facts(kit->store, &facts), 0);
	assert_true(facts.first_seq > 4000); /* it reached the backlog */
	kit_commit(kit);
	pieces_drain(&a, kit);
	account_audit(&a);
	assert_true(a.missing > 0);
	assert_int_equal(facts.evicted_undelivered, a.missing);
	account_end(&a);
}

/* All of the backlog goes, and what was fresh after it. */
static void nothing_but_the_first_row_is_left(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 2000);
	pieces_add(kit, 1000);
	assert_int_equal(pieces_split(kit, &a, 100), 1);
	account_batch_of(&a, kit, STORE_FRESH);
	for (int i = 0; i < 60; i++)
		pieces_add(kit, 1000);
	pieces_drain(&a, kit);
	kit_commit(kit);
	pieces_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.min, 1); /* was kept */
	account_end(&a);
}

/* What never reached the disk is told by a row that comes later: the fresh rows
 * do not begin between the two. */
static void an_overflow_and_its_row_stay_together(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 2000);
	pieces_add(kit, 1500);
	store_add_overflow(kit->store, 50);
	kit_commit(kit);
	assert_int_equal(pieces_split(kit, &a, 20),
			 0); /* only its row is left */
	pieces_add(kit, 10);
	assert_int_equal(pieces_split(kit, &a, 20), 1);
	pieces_lacks(kit, &a, 10, 1501, 0);
	account_batch_of(&a, kit, STORE_FRESH);
	for (int i = 0; i < 40; i++)
		pieces_add(kit, 1000);
	pieces_drain(&a, kit);
	kit_commit(kit);
	pieces_drain(&a, kit);
	account_audit(&a);
	account_end(&a);
}

/* --- everything at once --- */

static uint64_t next_random(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return *random >> 33;
}

static void reopen(struct kit *kit)
{
	kit_close(kit);
	kit_open(kit, SMALL_BYTES);
}

static void do_anything(struct kit *kit, struct account *a, uint64_t *random)
{
	static const enum store_part parts[] = { STORE_FRESH, STORE_BACKLOG };
	enum store_part part = parts[next_random(random) % 2];

	a->limit = 1 + next_random(random) % 1500;
	switch (next_random(random) % 16) {
	case 0:
		pieces_split(kit, a, 1 + next_random(random) % 700);
		break;
	case 1:
		pieces_refuse(kit, a, part, 1 + next_random(random) % 40);
		break;
	case 2:
	case 3:
	case 4:
		account_batch_of(a, kit, part);
		break;
	case 5:
		store_add_overflow(kit->store, 1 + next_random(random) % 90);
		break;
	case 6:
		if (next_random(random) % 8 == 0)
			reopen(kit);
		break;
	default:
		pieces_add(kit, next_random(random) % 200);
	}
}

static void one_seed(struct kit *kit, uint64_t seed)
{
	struct account accounts[3];
	char names[3][16];
	uint64_t random = seed;

	for (int i = 0; i < 3; i++) {
		snprintf(names[i], sizeof(names[i]), "%d-%d", (int)seed, i);
		account_begin(&accounts[i], kit, names[i], 100);
	}
	pieces_add(kit, 200);
	for (int i = 0; i < 3; i++)
		account_batch(&accounts[i], kit); /* it has its first row */
	for (int i = 0; i < 1200; i++)
		/* The last is mostly away. */
		do_anything(
			kit,
			&accounts[i % 9 == 0 ? 2 : next_random(&random) % 2],
			&random);
	for (int i = 0; i < 4; i++) {
		kit_commit(kit);
		for (int n = 0; n < 3; n++)
			pieces_drain(&accounts[n], kit);
	}
	for (int i = 0; i < 3; i++) {
		printf("# seed %d: %llu rows, %llu declared\n", (int)seed,
		       (unsigned long long)accounts[i].count,
		       (unsigned long long)accounts[i].missing);
		account_audit(&accounts[i]);
		account_end(&accounts[i]);
	}
}

static void anything_in_any_order(void **state)
{
	struct kit *kit = *state;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		kit_open(kit, SMALL_BYTES);
		one_seed(kit, seed);
		kit_close(kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(newest_first_and_then_the_rest),
		KIT_TEST(an_outage_while_an_earlier_one_is_made_up_for),
		KIT_TEST(outages_without_end),
		KIT_TEST(frozen_batches_know_what_they_are_of),
		KIT_TEST(eviction_between_collecting_and_freezing),
		KIT_TEST(the_backlog_is_evicted_and_declared),
		KIT_TEST(nothing_but_the_first_row_is_left),
		KIT_TEST(an_overflow_and_its_row_stay_together),
		KIT_TEST(anything_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
