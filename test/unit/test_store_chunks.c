/* Chunks go as rows do: evicted, or damaged, each that lacks them is told. */
#include "lib/any_rows.h"
#include "store/chunk.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL_BYTES (8u << 20)

/* --- evicted --- */

static void evict(struct kit *kit, uint64_t first_seq)
{
	while (facts_of(kit).first_seq < first_seq) {
		fill_to(kit, store_last_seq(kit->store) + 10000);
		assert_true(facts_of(kit).bytes + facts_of(kit).wal_bytes <=
			    SMALL_BYTES);
	}
}

static void whole_chunks_are_evicted_and_declared(void **state)
{
	struct kit *kit = *state;
	struct account a, b;

	kit_old();
	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 5000);
	account_begin(&b, kit, "b", 900);
	fill_to(kit, 20000);
	account_batch(&b, kit); /* its cursor is within a chunk */
	evict(kit, 60000);
	account_drain(&a, kit);
	account_drain(&b, kit);
	account_audit(&a);
	account_audit(&b);
	assert_true(a.missing > 20000);
	assert_true(a.count > 2 * CHUNK_NUMBERS);
	/* The floor may be in a chunk. */
	assert_true(facts_of(kit).sealed_rows <
		    facts_of(kit).rows + CHUNK_NUMBERS);
	account_end(&a);
	account_end(&b);
}

/* The first row of one that has got none is kept: it is a row again. */
static void a_first_row_is_kept_beyond_its_chunk(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_old();
	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 5000);
	fill_to(kit, 3 * CHUNK_NUMBERS);
	seal_all(kit, 2);
	evict(kit, 40000);
	kit_close(kit);
	kit_open(kit, SMALL_BYTES);
	account_drain(&a, kit);
	assert_int_equal(a.min, 1);
	account_audit(&a);
	account_end(&a);
}

/* Delivered up to the middle of a chunk: the floor is in it for a while. */
static void what_was_delivered_of_a_chunk_goes_in_silence(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_old();
	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 6000);
	while (facts_of(kit).first_seq < 60000) {
		fill_to(kit, store_last_seq(kit->store) + 10000);
		account_batch(&a, kit);
		account_batch(&a, kit);
	}
	account_drain(&a, kit);
	account_audit(&a);
	assert_true(a.missing < 3000); /* what never reached the disk */
	account_end(&a);
}

static struct ep_sample from_anywhere(uint64_t seq)
{
	struct ep_sample s = kit_sample(seq);

	s.address.bytes[1] = (uint8_t)(seq >> 16);
	s.address.bytes[2] = (uint8_t)(seq >> 8);
	s.address.bytes[3] = (uint8_t)seq;
	return s;
}

static int same_address(const struct record *record, void *arg)
{
	struct ep_sample wanted = from_anywhere(record->seq);

	(void)arg;
	if (record->type != ROW_SAMPLE)
		return 0;
	assert_string_equal(record->series->target, "a");
	kit_same_sample(&record->sample, &wanted);
	return 0;
}

/* Names go with the last rows that carried them, not before. */
static void names_are_kept_for_chunks(void **state)
{
	struct store_range all = { .destination = -1 };
	struct kit *kit = *state;
	uint32_t series;

	kit_old();
	kit_open(kit, SMALL_BYTES);
	series = kit_series(kit, "a", "tcp");
	while (facts_of(kit).first_seq < 30000) {
		uint64_t seq = store_last_seq(kit->store) + 1;
		struct ep_sample s = from_anywhere(seq);

		store_add_sample(kit->store, series, &s);
		if (seq % 5000 == 0)
			kit_commit(kit);
	}
	kit_close(kit);
	kit_open(kit, SMALL_BYTES);
	assert_true(facts_of(kit).sealed_rows > 0);
	assert_int_equal(store_scan(kit->store, &all, same_address, NULL, NULL),
			 0);
}

/* --- damaged --- */

/* One byte of the chunk `id`, behind the store's back. */
static void damage(struct kit *kit, int id)
{
	sqlite3_stmt *s;
	unsigned char *body;
	sqlite3 *db;
	int len;

	kit_close(kit);
	assert_int_equal(sqlite3_open(kit->path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT body FROM chunk WHERE id = ?", -1, &s,
			   NULL);
	sqlite3_bind_int(s, 1, id);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	len = sqlite3_column_bytes(s, 0);
	body = malloc((size_t)len);
	assert_non_null(body);
	memcpy(body, sqlite3_column_blob(s, 0), (size_t)len);
	sqlite3_finalize(s);
	body[len / 2] ^= 0x10;
	sqlite3_prepare_v2(db, "UPDATE chunk SET body = ? WHERE id = ?", -1, &s,
			   NULL);
	sqlite3_bind_blob(s, 1, body, len, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, id);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(db);
	free(body);
	kit_open(kit, 0);
}

static int count_row(const struct record *record, void *arg)
{
	(void)record;
	++*(uint64_t *)arg;
	return 0;
}

static int count_lean(const struct scan_row *row, void *arg)
{
	(void)row;
	++*(uint64_t *)arg;
	return 0;
}

static void check_readers(struct kit *kit, uint64_t all, uint64_t without)
{
	struct store_range range = { .destination = -1 };
	struct store *other = reader(kit);
	uint64_t rows = 0, lean = 0;

	assert_int_equal(store_scan(other, &range, count_row, &rows, NULL), 0);
	assert_int_equal(
		store_scan_rows(other, &range, count_lean, &lean, NULL), 0);
	store_close(other);
	assert_in_range(rows, all - without, all - 1);
	assert_in_range(lean, 1, rows);
}

/* One has got it, one is in the middle of it, one has got nothing. */
static void who_lacks_a_damaged_chunk_is_told_once(void **state)
{
	struct kit *kit = *state;
	struct account has, half, none;
	uint64_t last;

	kit_old();
	kit_open(kit, 0);
	account_begin(&has, kit, "has", 5000);
	account_begin(&half, kit, "half", CHUNK_NUMBERS + 3000);
	account_begin(&none, kit, "none", 500);
	fill_to(kit, 4 * CHUNK_NUMBERS);
	account_drain(&has, kit);
	account_batch(&half, kit);
	account_batch(&none, kit);
	seal_all(kit, 3);
	last = store_last_seq(kit->store);
	damage(kit, 1);
	check_readers(kit, last, CHUNK_NUMBERS + 300);
	account_drain(&half, kit);
	account_drain(&none, kit);
	kit_commit(kit);
	account_drain(&has, kit);
	account_drain(&half, kit);
	account_drain(&none, kit);
	account_audit(&has);
	account_audit(&half);
	account_audit(&none);
	assert_in_range(none.missing, CHUNK_NUMBERS * 9 / 10,
			CHUNK_NUMBERS + 300);
	assert_in_range(half.missing, CHUNK_NUMBERS / 2, none.missing - 2000);
	assert_true(has.missing < 300);
	assert_true(facts_of(kit).sealed_rows < 3 * CHUNK_NUMBERS);
	account_end(&has);
	account_end(&half);
	account_end(&none);
}

/* What destinations were to begin with: a gap row is there in its place, and
 * says what comes after it. */
static void a_damaged_first_chunk_is_declared(void **state)
{
	struct kit *kit = *state;
	struct account has, a, b;

	kit_old();
	kit_open(kit, 0);
	account_begin(&has, kit, "has", 500);
	account_begin(&a, kit, "a", 500);
	account_begin(&b, kit, "b", 5000);
	fill_to(kit, 3 * CHUNK_NUMBERS);
	account_batch(&has, kit);
	seal_all(kit, 2);
	damage(kit, 0);
	for (int i = 0; i < 2; i++) {
		account_drain(&has, kit);
		account_drain(&a, kit);
		account_drain(&b, kit);
		kit_commit(kit);
	}
	account_audit(&has);
	account_audit(&a);
	account_audit(&b);
	assert_int_equal(a.min, 1);
	assert_int_equal(b.min, 1);
	assert_true(a.missing > CHUNK_NUMBERS * 9 / 10);
	assert_int_equal(a.max, store_last_seq(kit->store));
	account_end(&has);
	account_end(&a);
	account_end(&b);
}

/* It goes as any other does; nobody has to read it for that. */
static void a_damaged_chunk_is_evicted(void **state)
{
	struct kit *kit = *state;
	struct account a;

	kit_old();
	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 500);
	fill_to(kit, 3 * CHUNK_NUMBERS);
	account_batch(&a, kit);
	seal_all(kit, 2);
	damage(kit, 0);
	kit_close(kit);
	kit_open(kit, SMALL_BYTES);
	evict(kit, 40000);
	account_drain(&a, kit);
	account_audit(&a);
	account_end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(whole_chunks_are_evicted_and_declared),
		KIT_TEST(a_first_row_is_kept_beyond_its_chunk),
		KIT_TEST(what_was_delivered_of_a_chunk_goes_in_silence),
		KIT_TEST(names_are_kept_for_chunks),
		KIT_TEST(who_lacks_a_damaged_chunk_is_told_once),
		KIT_TEST(a_damaged_first_chunk_is_declared),
		KIT_TEST(a_damaged_chunk_is_evicted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
