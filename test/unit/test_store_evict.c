#include "lib/store_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SMALL_BYTES (8u << 20)
/* Some times what fits into SMALL_BYTES. */
#define ROWS 80000

static uint64_t on_disk(const struct kit *kit)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-ballast",
						"-lock" };
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char name[128];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", kit->path, suffixes[i]);
		if (stat(name, &st) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static void add(struct kit *kit, uint64_t n, uint64_t per_commit)
{
	uint32_t series = kit_series(kit, "exchange", "https");

	for (uint64_t i = 0; i < n; i++) {
		struct ep_sample sample = kit_https(i);

		store_add_sample(kit->store, series, &sample);
		if (i % per_commit == per_commit - 1) {
			kit_commit(kit);
			assert_true(on_disk(kit) <= SMALL_BYTES);
		}
	}
	kit_commit(kit);
}

struct local {
	uint64_t first, last, rows, gap_first, gap_last, gaps;
};

static int see(const struct record *record, void *arg)
{
	struct local *l = arg;

	if (l->rows++ == 0)
		l->first = record->seq;
	else
		assert_int_equal(record->seq, l->last + 1);
	l->last = record->seq;
	if (record->type == ROW_GAP) {
		l->gaps++;
		l->gap_first = record->first;
		l->gap_last = record->last;
	}
	return 0;
}

static struct local look(struct kit *kit)
{
	struct store_range all = { .destination = -1 };
	struct local l = { 0 };

	assert_int_equal(store_scan(kit->store, &all, see, &l, NULL), 0);
	return l;
}

static void with_nobody_configured_the_report_knows(void **state)
{
	struct kit *kit = *state;
	struct store_facts facts;
	struct local l;

	kit_open(kit, SMALL_BYTES);
	add(kit, ROWS, 1000);
	l = look(kit);
	assert_true(l.first > 1);
	assert_int_equal(l.gaps, 1); /* one that grows, not one a commit */
	assert_int_equal(l.gap_first, 1);
	assert_int_equal(l.gap_last, l.first - 1);
	assert_int_equal(store_facts(kit->store, &facts), 0);
	assert_int_equal(facts.rows, l.rows);
	assert_int_equal(facts.first_seq, l.first);
	assert_int_equal(facts.last_seq, l.last);
	assert_int_equal(facts.evicted_undelivered, 0);
	assert_true(facts.rows > 5000);
	kit_close(kit);
	kit_open(kit, SMALL_BYTES);
	assert_int_equal(store_last_seq(kit->store), l.last);
	assert_int_equal(look(kit).rows, l.rows);
}

static void delivered_data_goes_without_a_word(void **state)
{
	struct store_facts facts;
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "one", 5000);
	for (int i = 0; i < 40; i++) {
		add(kit, ROWS / 40, 1000);
		account_drain(&a, kit);
	}
	account_audit(&a);
	assert_int_equal(a.count, ROWS);
	assert_int_equal(a.missing, 0);
	assert_int_equal(look(kit).gaps, 0);
	store_facts(kit->store, &facts);
	assert_true(facts.first_seq > ROWS / 2);
	assert_int_equal(facts.evicted_undelivered, 0);
	account_end(&a);
}

static void a_destination_that_was_down_is_told(void **state)
{
	struct store_facts facts;
	struct kit *kit = *state;
	struct account a;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "one", 5000);
	add(kit, ROWS, 1000);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.min, 1); /* its first row was kept for it */
	assert_true(a.missing > ROWS / 2);
	assert_int_equal(a.max, store_last_seq(kit->store));
	store_facts(kit->store, &facts);
	assert_int_equal(facts.evicted_undelivered, a.missing);
	add(kit, 100, 100);
	account_drain(&a, kit);
	account_audit(&a);
	account_end(&a);
}

static void each_destination_is_told_what_it_lacks(void **state)
{
	struct kit *kit = *state;
	struct account quick, slow, dead;

	kit_open(kit, SMALL_BYTES);
	account_begin(&quick, kit, "quick", 5000);
	account_begin(&slow, kit, "slow", 500);
	account_begin(&dead, kit, "dead", 5000);
	for (int i = 0; i < 80; i++) {
		add(kit, ROWS / 80, 1000);
		account_drain(&quick, kit);
		if (i % 2)
			account_batch(&slow, kit);
		if (i == 37) {
			kit_close(kit);
			kit_open(kit, SMALL_BYTES);
		}
	}
	kit_commit(kit);
	account_drain(&quick, kit);
	account_drain(&slow, kit);
	account_drain(&dead, kit);
	account_audit(&quick);
	account_audit(&slow);
	account_audit(&dead);
	assert_int_equal(quick.missing, 0);
	assert_true(quick.selves > 0);
	assert_true(slow.missing > 0);
	assert_true(dead.missing > slow.missing);
	assert_int_equal(quick.max, store_last_seq(kit->store));
	assert_int_equal(slow.max, quick.max);
	assert_int_equal(dead.max, quick.max);
	account_end(&quick);
	account_end(&slow);
	account_end(&dead);
}

static void overflow_and_eviction_are_counted_once(void **state)
{
	struct kit *kit = *state;
	struct account a, b;

	kit_open(kit, SMALL_BYTES);
	account_begin(&a, kit, "a", 170);
	account_begin(&b, kit, "b", 190);
	add(kit, 10, 10);
	for (uint64_t i = 0; i < 160; i++) {
		add(kit, ROWS / 160, 500);
		store_add_overflow(kit->store, 1 + i * i % 700);
		if (i % 3 == 0)
			kit_commit(kit);
		if (i % 5 == 0)
			account_batch(&b, kit);
	}
	kit_commit(kit);
	account_drain(&a, kit);
	account_drain(&b, kit);
	account_audit(&a);
	account_audit(&b);
	account_end(&a);
	account_end(&b);
}

static void one_that_comes_later_begins_with_the_oldest_row(void **state)
{
	struct kit *kit = *state;
	struct account a;
	struct local l;

	kit_open(kit, SMALL_BYTES);
	add(kit, ROWS / 2, 1000);
	l = look(kit);
	account_begin(&a, kit, "later", 5000);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.min, l.first);
	assert_int_equal(a.missing, 0);
	assert_int_equal(a.selves, 1);
	account_end(&a);
}

static void one_that_is_configured_no_more_holds_nothing_back(void **state)
{
	struct kit *kit = *state;
	struct account stays, goes;
	struct store_facts facts;

	kit_open(kit, SMALL_BYTES);
	account_begin(&stays, kit, "stays", 5000);
	account_begin(&goes, kit, "goes", 5000);
	add(kit, 1000, 100);
	account_batch(&goes, kit);
	assert_int_equal(store_retire_destinations(kit->store,
						   &stays.destination, 1, NULL),
			 0);
	for (int i = 0; i < 40; i++) {
		add(kit, ROWS / 40, 1000);
		account_drain(&stays, kit);
	}
	store_facts(kit->store, &facts);
	assert_int_equal(facts.evicted_undelivered, 0);
	assert_int_equal(stays.selves, 0);
	account_audit(&stays);
	account_end(&goes);
	account_begin(&goes, kit, "goes", 5000);
	account_drain(&goes, kit);
	account_audit(&goes);
	assert_int_equal(goes.min, facts.first_seq);
	account_end(&stays);
	account_end(&goes);
}

static void a_lower_bound_is_reached_after_a_while(void **state)
{
	struct kit *kit = *state;

	kit_open(kit, 4 * SMALL_BYTES);
	for (uint64_t i = 0; i < 300000; i++) {
		kit_add(kit, kit_series(kit, "a", "tcp"), i);
		if (i % 20000 == 0)
			kit_commit(kit);
	}
	kit_close(kit);
	assert_true(on_disk(kit) > SMALL_BYTES);
	kit_open(kit, SMALL_BYTES);
	for (int i = 0; i < 40; i++) {
		kit_add(kit, kit_series(kit, "a", "tcp"), (uint64_t)i);
		kit_commit(kit);
	}
	assert_true(on_disk(kit) <= SMALL_BYTES);
}

static struct ep_sample from_elsewhere(uint64_t n)
{
	struct ep_sample s = kit_sample(n);

	s.address.family = 6;
	memcpy(s.address.bytes, &n, sizeof(n));
	return s;
}

static int same_address(const struct record *record, void *arg)
{
	struct ep_sample is;

	(void)arg;
	if (record->type != ROW_SAMPLE)
		return 0;
	is = from_elsewhere(record->seq);
	kit_same_sample(&record->sample, &is);
	assert_string_equal(record->series->target, "a");
	return 0;
}

static int64_t count_paths(const struct kit *kit)
{
	int64_t n = -1;
	sqlite3_stmt *s;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(kit->path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT count(*) FROM path", -1, &s, NULL);
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

/* A name server may invent a new one each time. */
static void addresses_go_with_their_rows(void **state)
{
	static const struct store_range all = { .destination = -1 };
	struct kit *kit = *state;
	struct store_facts facts;
	uint32_t series;

	kit_open(kit, SMALL_BYTES);
	series = kit_series(kit, "a", "tcp");
	while (store_last_seq(kit->store) < 200000) {
		struct ep_sample s =
			from_elsewhere(store_last_seq(kit->store) + 1);

		store_add_sample(kit->store, series, &s);
		if (store_last_seq(kit->store) % 5000 == 0)
			kit_commit(kit);
		if (store_last_seq(kit->store) == 100000) {
			kit_close(kit);
			kit_open(kit, SMALL_BYTES);
		}
	}
	kit_commit(kit);
	assert_true(on_disk(kit) <= SMALL_BYTES);
	assert_int_equal(store_scan(kit->store, &all, same_address, NULL, NULL),
			 0);
	store_facts(kit->store, &facts);
	kit_close(kit);
	assert_true(facts.rows > 10000);
	assert_true(count_paths(kit) < 3 * (int64_t)facts.rows);
}

/* What waits in memory is bounded, too. */
static void the_oldest_queued_are_declared(void **state)
{
	struct kit *kit = *state;
	struct store_options options = { .path = kit->path,
					 .max_bytes = SMALL_BYTES,
					 .queue_bytes = 256u << 10 };
	struct account a;

	assert_int_equal(store_open(&options, &kit->store, NULL), 0);
	account_begin(&a, kit, "a", 5000);
	add(kit, 10, 10);
	for (uint64_t i = 0; i < 20000; i++)
		kit_add(kit, kit_series(kit, "a", "tcp"), i);
	kit_commit(kit);
	/* A gap row, and one for each minute of what went. */
	assert_in_range(store_last_seq(kit->store), 20012, 20016);
	account_drain(&a, kit);
	account_audit(&a);
	assert_int_equal(a.max, store_last_seq(kit->store));
	assert_true(a.missing > 10000 && a.missing < 20000);
	account_end(&a);
}

/* More waits than the store can hold, and what was given up before it is
 * evicted while it is no row yet. */
static void an_overflow_is_evicted_before_it_is_a_row(void **state)
{
	struct kit *kit = *state;
	struct store_options options = { .path = kit->path,
					 .max_bytes = SMALL_BYTES,
					 .queue_bytes = 24u << 20 };
	struct account a, b;
	uint32_t series;

	assert_int_equal(store_open(&options, &kit->store, NULL), 0);
	account_begin(&a, kit, "a", 5000);
	account_begin(&b, kit, "b", 5000);
	add(kit, 10, 10);
	account_drain(&b, kit);
	series = kit_series(kit, "exchange", "https");
	for (uint64_t i = 0; i < 100000; i++) {
		struct ep_sample sample = kit_https(i);

		store_add_sample(kit->store, series, &sample);
	}
	kit_commit(kit);
	assert_true(on_disk(kit) <= SMALL_BYTES);
	account_drain(&a, kit);
	account_drain(&b, kit);
	account_audit(&a);
	account_audit(&b);
	assert_int_equal(a.max, store_last_seq(kit->store));
	account_end(&a);
	account_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(with_nobody_configured_the_report_knows),
		KIT_TEST(delivered_data_goes_without_a_word),
		KIT_TEST(a_destination_that_was_down_is_told),
		KIT_TEST(each_destination_is_told_what_it_lacks),
		KIT_TEST(overflow_and_eviction_are_counted_once),
		KIT_TEST(one_that_comes_later_begins_with_the_oldest_row),
		KIT_TEST(one_that_is_configured_no_more_holds_nothing_back),
		KIT_TEST(a_lower_bound_is_reached_after_a_while),
		KIT_TEST(addresses_go_with_their_rows),
		KIT_TEST(the_oldest_queued_are_declared),
		KIT_TEST(an_overflow_is_evicted_before_it_is_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
