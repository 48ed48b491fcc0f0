/* Stores as each schema's own code left them (test/data): read as they are,
 * brought forward with nothing lost, and delivered. */
#include "lib/store_kit.h"
#include "store/memo.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* What is in each, counted from its first number. */
#define LOST_FIRST  25
#define LOST_LAST   27
#define FROZEN      11
#define FROZEN_LAST 15

/* Where each begins, as number 1, and how many it has given. From the third on
 * most rows are in a chunk; the spare destination of the third and of the fifth
 * has a backlog. */
static const struct {
	uint64_t before, last;
} shapes[] = {
	[1] = { 0, 50 },     [2] = { 0, 50 },     [3] = { 8063, 140 },
	[4] = { 8063, 140 }, [5] = { 8063, 140 },
};

static void unpack(const struct kit *kit, int schema)
{
	char name[512];
	static char bytes[1 << 20];
	gzFile from;
	FILE *to;
	int n;

	snprintf(name, sizeof(name), "%s/store-schema%d.db.gz", DATA_DIR,
		 schema);
	from = gzopen(name, "rb");
	to = fopen(kit->path, "w");
	assert_non_null(from);
	assert_non_null(to);
	while ((n = gzread(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(fwrite(bytes, 1, (size_t)n, to), n);
	assert_int_equal(n, 0);
	gzclose(from);
	assert_int_equal(fclose(to), 0);
}

static void set_version(const struct kit *kit, int version)
{
	char sql[64];
	sqlite3 *db;

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	assert_int_equal(sqlite3_open(kit->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int version_of(const struct kit *kit)
{
	sqlite3_stmt *s;
	sqlite3 *db;
	int version;

	assert_int_equal(sqlite3_open(kit->path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return version;
}

static int try_open(const struct kit *kit, bool read_only,
		    struct store **ret_store)
{
	struct store_options options = { .path = kit->path,
					 .max_bytes = 64u << 20,
					 .read_only = read_only };

	return store_open(&options, ret_store, NULL);
}

/* --- its rows --- */

struct seen {
	int schema;
	uint64_t next, rows;
};

/* From the fourth on there are some of stun. */
static bool is_stun(int schema, uint64_t n)
{
	return schema >= 4 && n > 43 && n % 6 == 1;
}

static void check_sample(const struct record *record, uint64_t n,
			 const struct seen *seen)
{
	bool https = n % 3 == 0, stun = is_stun(seen->schema, n);
	struct ep_sample wanted = https  ? kit_https(n)
				  : stun ? kit_stun(n)
					 : kit_sample(n);

	assert_string_equal(record->series->target, https  ? "exchange"
						    : stun ? "relay"
							   : "gateway");
	assert_string_equal(record->series->probe, https  ? "https"
						   : stun ? "stun"
							  : "icmp");
	if (seen->schema == 1)
		wanted.https.srtt_ns = wanted.https.min_rtt_ns = EP_ABSENT;
	if (seen->schema < 4)
		wanted.https.tls_first_byte_ns = EP_ABSENT;
	if (seen->schema < 5)
		wanted.https.edge_cache[0] = '\0';
	if (n % 10 == 7 && n <= 42) {
		wanted.outcome = EP_LOST;
		wanted.reason = EP_REASON_TIMEOUT;
		wanted.rtt_ns = wanted.ttl = EP_ABSENT;
	}
	kit_same_sample(&record->sample, &wanted);
}

static int check_row(const struct record *record, void *arg)
{
	static const enum row_type notes[] = { [1] = ROW_BOOT,
					       [20] = ROW_CLOCK,
					       [21] = ROW_SELF,
					       [22] = ROW_EVENT };
	struct seen *seen = arg;
	uint64_t before = shapes[seen->schema].before;
	uint64_t n = record->seq - before;

	if (seen->next == LOST_FIRST)
		seen->next = LOST_LAST + 1;
	assert_int_equal(n, seen->next++);
	seen->rows++;
	if (record->type == ROW_SAMPLE) {
		check_sample(record, n, seen);
	} else if (record->type == ROW_LATE) {
		assert_int_equal(record->of, before + 17);
	} else if (record->type == ROW_GAP) {
		assert_true(n == 28 || n == 43);
	} else {
		assert_true(n <= 22);
		assert_int_equal(record->type, notes[n]);
		assert_true(record->body[0] == '"');
	}
	return 0;
}

static int count_lean(const struct scan_row *row, void *arg)
{
	struct seen *lean = arg;
	uint64_t n = row->seq - shapes[lean->schema].before;

	assert_int_equal(row->https != NULL,
			 n % 3 == 0 || is_stun(lean->schema, n));
	lean->rows++;
	return 0;
}

static void check_rows(struct store *store, int schema)
{
	uint64_t last = shapes[schema].last;
	struct store_range all = { .last_seq = shapes[schema].before + last,
				   .destination = -1 };
	struct seen seen = { .schema = schema, .next = 1 };
	struct seen lean = { .schema = schema };

	assert_int_equal(store_scan(store, &all, check_row, &seen, NULL), 0);
	assert_int_equal(seen.rows, last - (LOST_LAST - LOST_FIRST + 1));
	assert_int_equal(store_scan_rows(store, &all, count_lean, &lean, NULL),
			 0);
	assert_int_equal(lean.rows, seen.rows - 4 - 2); /* notes, gap rows */
}

/* --- and what becomes of it --- */

/* One batch was delivered, one refused, one is frozen; of the other, none. */
static void check_delivery(struct kit *kit, int schema)
{
	uint64_t before = shapes[schema].before;
	bool has_backlog = schema == 3 || schema == 5;
	struct store_batch batch;
	struct account hq, spare;

	account_begin(&hq, kit, "hq", 7);
	account_begin(&spare, kit, "spare", 7);
	assert_int_equal(
		store_batch_pending(kit->store, hq.destination, &batch, NULL),
		1);
	assert_int_equal(batch.first, before + FROZEN);
	assert_int_equal(batch.last, before + FROZEN_LAST);
	assert_int_equal(batch.rows, FROZEN_LAST - FROZEN + 1);
	assert_string_equal(batch.body, "{}\n");
	assert_int_equal(
		store_batch_done(kit->store, hq.destination, &batch, NULL), 0);
	store_batch_finish(&batch);
	account_drain(&hq, kit);
	account_drain(&spare, kit);
	assert_int_equal(spare.min > before + 1, has_backlog);
	while (account_batch_of(&spare, kit, STORE_BACKLOG) > 0)
		;
	assert_int_equal(hq.min, before + FROZEN_LAST + 1);
	assert_int_equal(hq.missing, 5 + 3); /* refused, and never on disk */
	assert_int_equal(spare.min, before + 1);
	assert_int_equal(spare.missing, 3);
	account_audit(&spare);
	account_end(&hq);
	account_end(&spare);
}

static void of_schema(struct kit *kit, int schema)
{
	struct store *store;
	char epoch[32];

	kit_old();
	unpack(kit, schema);
	assert_int_equal(version_of(kit), schema);
	assert_int_equal(try_open(kit, true, &store), 0);
	check_rows(store, schema);
	snprintf(epoch, sizeof(epoch), "%s", store_epoch(store));
	store_close(store);
	assert_int_equal(version_of(kit), schema);
	kit_open(kit, 0);
	assert_string_equal(store_epoch(kit->store), epoch);
	assert_int_equal(store_last_seq(kit->store),
			 shapes[schema].before + shapes[schema].last);
	check_rows(kit->store, schema);
	check_delivery(kit, schema);
	kit_close(kit);
	assert_int_equal(version_of(kit), STORE_SCHEMA);
	kit_open(kit, 0);
	check_rows(kit->store, schema);
}

static void one(void **state)
{
	of_schema(*state, 1);
}

static void two(void **state)
{
	of_schema(*state, 2);
}

static void three(void **state)
{
	of_schema(*state, 3);
}

static void four(void **state)
{
	of_schema(*state, 4);
}

static void five(void **state)
{
	struct kit *kit = *state;
	char *memo;

	of_schema(kit, 5);
	memo = store_memo(kit->store, "usual");
	assert_non_null(memo);
	assert_string_equal(memo, "text");
	free(memo);
}

/* Whoever raises STORE_SCHEMA adds a store as its code leaves it. */
static void each_schema_is_here(void **state)
{
	(void)state;
	assert_int_equal(sizeof(shapes) / sizeof(shapes[0]), STORE_SCHEMA + 1);
}

static void a_newer_one_is_read_and_not_written(void **state)
{
	struct kit *kit = *state;
	struct store *store;

	kit_old();
	unpack(kit, 5);
	set_version(kit, 99);
	assert_int_equal(try_open(kit, false, &store), -ENOTSUP);
	assert_int_equal(version_of(kit), 99);
	assert_int_equal(try_open(kit, true, &store), 0);
	check_rows(store, 5);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(one),
		KIT_TEST(two),
		KIT_TEST(three),
		KIT_TEST(four),
		KIT_TEST(five),
		cmocka_unit_test(each_schema_is_here),
		KIT_TEST(a_newer_one_is_read_and_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
