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

#include <cmocka.h>

static int destination(struct kit *kit, const char *name)
{
	struct ep_err err = { 0 };
	int id = 0;

	if (store_destination(kit->store, name, &id, &err) != 0)
		fail_msg("%s", err.text);
	return id;
}

static void add(struct kit *kit, uint64_t n)
{
	uint32_t series = kit_series(kit, "a", "tcp");

	for (uint64_t i = 0; i < n; i++)
		kit_add(kit, series, i);
	kit_commit(kit);
}

static int up_to(const struct record *record, void *arg)
{
	uint64_t *left = arg;

	(void)record;
	return (*left)-- == 0 ? -E2BIG : 0;
}

/* A batch of at most `rows`, with a body of bytes of every value. */
static struct store_batch freeze(struct kit *kit, int to, uint64_t rows)
{
	struct store_batch batch = { .encoding = "json-array", .gzip = true };
	struct ep_err err = { 0 };
	int64_t n;

	n = store_batch_collect(kit->store, to, up_to, &rows, &batch.first,
				&batch.last);
	assert_true(n > 0);
	batch.rows = (uint64_t)n;
	batch.body_len = 70000;
	batch.body = malloc(batch.body_len);
	for (size_t i = 0; i < batch.body_len; i++)
		batch.body[i] = (char)(i * 31 + batch.first);
	if (store_batch_freeze(kit->store, to, &batch, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(batch.id > 0);
	return batch;
}

static void pending_is(struct kit *kit, int to, const struct store_batch *is)
{
	struct store_batch batch;
	struct ep_err err = { 0 };

	assert_int_equal(store_batch_pending(kit->store, to, &batch, &err), 1);
	assert_int_equal(batch.id, is->id);
	assert_int_equal(batch.first, is->first);
	assert_int_equal(batch.last, is->last);
	assert_int_equal(batch.rows, is->rows);
	assert_string_equal(batch.encoding, is->encoding);
	assert_int_equal(batch.gzip, is->gzip);
	assert_int_equal(batch.attempts, is->attempts);
	assert_int_equal(batch.body_len, is->body_len);
	assert_memory_equal(batch.body, is->body, is->body_len);
	store_batch_finish(&batch);
}

static void nothing_pends(struct kit *kit, int to)
{
	struct store_batch batch;

	assert_int_equal(store_batch_pending(kit->store, to, &batch, NULL), 0);
}

static uint64_t backlog(struct kit *kit, int to)
{
	uint64_t rows = 0, age = 0;

	assert_int_equal(store_backlog(kit->store, to, &rows, &age), 0);
	assert_int_equal(age > 0, rows > 0);
	return rows;
}

static void a_batch_is_the_same_after_a_restart(void **state)
{
	struct kit *kit = *state;
	struct store_batch one, two;
	int to;

	kit_open(kit, 0);
	to = destination(kit, "a");
	nothing_pends(kit, to);
	add(kit, 100);
	assert_int_equal(backlog(kit, to), 100);
	one = freeze(kit, to, 30);
	assert_int_equal(one.first, 1);
	assert_int_equal(one.last, 30);
	two = freeze(kit, to, 1000);
	assert_int_equal(two.first, 31);
	assert_int_equal(two.last, 100);
	assert_int_equal(store_batch_attempted(kit->store, one.id), 0);
	assert_int_equal(store_batch_attempted(kit->store, one.id), 0);
	assert_int_equal(store_batch_attempted(kit->store, 999), -ENOENT);
	one.attempts = 2;
	kit_close(kit);

	kit_open(kit, 0);
	assert_int_equal(destination(kit, "a"), to);
	assert_int_equal(backlog(kit, to), 100);
	pending_is(kit, to, &one);
	assert_int_equal(store_batch_done(kit->store, to, &one, NULL), 0);
	assert_int_equal(store_batch_done(kit->store, to, &one, NULL), -ENOENT);
	assert_int_equal(backlog(kit, to), 70);
	pending_is(kit, to, &two);
	assert_int_equal(store_batch_done(kit->store, to, &two, NULL), 0);
	nothing_pends(kit, to);
	assert_int_equal(backlog(kit, to), 0);
	store_batch_finish(&one);
	store_batch_finish(&two);
}

static void destinations_do_not_see_each_other(void **state)
{
	struct kit *kit = *state;
	struct store_batch one;
	int a, b;

	kit_open(kit, 0);
	a = destination(kit, "a");
	b = destination(kit, "b");
	assert_int_not_equal(a, b);
	add(kit, 10);
	one = freeze(kit, a, 10);
	nothing_pends(kit, b);
	assert_int_equal(store_batch_done(kit->store, b, &one, NULL), -ENOENT);
	pending_is(kit, a, &one);
	assert_int_equal(backlog(kit, a), 10);
	assert_int_equal(backlog(kit, b), 10);
	store_batch_done(kit->store, a, &one, NULL);
	assert_int_equal(backlog(kit, a), 0);
	assert_int_equal(backlog(kit, b), 10);
	store_batch_finish(&one);
}

static void a_batch_outlives_its_rows(void **state)
{
	struct kit *kit = *state;
	struct store_batch one;
	struct store_facts facts;
	struct account rest;
	int to;

	kit_open(kit, 8u << 20);
	to = destination(kit, "a");
	add(kit, 5000);
	one = freeze(kit, to, 5000);
	for (int i = 0; i < 40; i++)
		add(kit, 10000);
	store_facts(kit->store, &facts);
	assert_true(facts.first_seq > 5000);
	kit_close(kit);
	kit_open(kit, 8u << 20);
	pending_is(kit, to, &one);
	store_batch_done(kit->store, to, &one, NULL);

	account_begin(&rest, kit, "a", 5000);
	account_drain(&rest, kit);
	/* The batch came first. */
	for (uint64_t seq = one.first; seq <= one.last; seq++)
		rest.rows[seq]++;
	rest.count += one.rows;
	rest.min = one.first;
	account_audit(&rest);
	account_end(&rest);
	store_batch_finish(&one);
}

static void what_was_not_collected_is_not_frozen(void **state)
{
	struct store_batch batch = { .encoding = "ndjson", .rows = 1 };
	struct kit *kit = *state;
	uint64_t limit = 5;
	int to;

	kit_open(kit, 0);
	to = destination(kit, "a");
	add(kit, 10);
	batch.first = batch.last = 1;
	batch.body = strdup("{}");
	batch.body_len = 2;
	assert_int_equal(store_batch_freeze(kit->store, to, &batch, NULL),
			 -ESTALE);
	assert_int_equal(store_batch_collect(kit->store, to, up_to, &limit,
					     &batch.first, &batch.last),
			 5);
	batch.last = 7;
	assert_int_equal(store_batch_freeze(kit->store, to, &batch, NULL),
			 -ESTALE);
	batch.last = 3; /* fewer rows than collected */
	assert_int_equal(store_batch_freeze(kit->store, to, &batch, NULL), 0);
	assert_int_equal(store_batch_freeze(kit->store, to, &batch, NULL),
			 -ESTALE);
	assert_int_equal(backlog(kit, to), 8);
	store_batch_finish(&batch);
	assert_int_equal(store_batch_collect(kit->store, 99, up_to, &limit,
					     &batch.first, &batch.last),
			 -ENOENT);
}

static void a_batch_is_split_in_two(void **state)
{
	struct kit *kit = *state;
	struct store_batch whole, halves[2];
	int to;

	kit_open(kit, 0);
	to = destination(kit, "a");
	add(kit, 10);
	whole = freeze(kit, to, 10);
	for (int i = 0; i < 2; i++) {
		halves[i] = whole;
		halves[i].body = (char *)(i ? "second" : "first");
		halves[i].body_len = strlen(halves[i].body);
		halves[i].first = i ? 7 : 1;
		halves[i].last = i ? 10 : 6;
		halves[i].rows = i ? 4 : 6;
	}
	halves[1].rows = 3;
	assert_int_equal(
		store_batch_split(kit->store, to, &whole, halves, NULL),
		-EINVAL);
	pending_is(kit, to, &whole);
	halves[1].rows = 4;
	assert_int_equal(
		store_batch_split(kit->store, to, &whole, halves, NULL), 0);
	kit_close(kit);
	kit_open(kit, 0);
	pending_is(kit, to, &halves[0]);
	assert_int_equal(backlog(kit, to), 10);
	store_batch_done(kit->store, to, &halves[0], NULL);
	pending_is(kit, to, &halves[1]);
	store_batch_done(kit->store, to, &halves[1], NULL);
	nothing_pends(kit, to);
	store_batch_finish(&whole);
}

/* The refused batch has a hole in it, and the gap row that tells of it: what
 * it held is declared, and what it said, each once. */
static void what_was_refused_is_declared(void **state)
{
	struct kit *kit = *state;
	struct account good, bad;
	struct store_batch batch;
	struct ep_err err = { 0 };

	kit_open(kit, 0);
	account_begin(&good, kit, "good", 7);
	account_begin(&bad, kit, "bad", 7);
	account_batch(&bad, kit);
	add(kit, 10);
	account_batch(&bad, kit);
	store_add_overflow(kit->store, 5);
	add(kit, 10);
	batch = freeze(kit, bad.destination, 12);
	assert_int_equal(store_batch_quarantine(kit->store, bad.destination,
						&batch, "400 Bad Request",
						&err),
			 0);
	nothing_pends(kit, bad.destination);
	kit_close(kit);
	kit_open(kit, 0);
	kit_commit(kit);
	account_drain(&bad, kit);
	account_drain(&good, kit);
	account_audit(&bad);
	account_audit(&good);
	assert_int_equal(bad.missing, 12 + 5);
	assert_int_equal(good.missing, 5);
	assert_int_equal(good.selves, 3); /* two runs, and what was said */
	account_end(&good);
	account_end(&bad);
	store_batch_finish(&batch);
}

static void dead_letters_are_bounded(void **state)
{
	struct kit *kit = *state;
	struct store_batch batch;
	uint64_t last_first = 0;
	sqlite3 *db;
	sqlite3_stmt *s;
	int to;

	kit_open(kit, 8u << 20); /* a sixteenth: seven of 70,000 bytes */
	to = destination(kit, "a");
	for (int i = 0; i < 20; i++) {
		add(kit, 3);
		batch = freeze(kit, to, 2);
		assert_int_equal(store_batch_quarantine(kit->store, to, &batch,
							NULL, NULL),
				 0);
		last_first = batch.first;
		store_batch_finish(&batch);
	}
	kit_close(kit);
	assert_int_equal(sqlite3_open(kit->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT count(*), max(first),"
					    " sum(length(body)) FROM dead",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 7);
	assert_int_equal(sqlite3_column_int64(s, 1), last_first);
	assert_int_equal(sqlite3_column_int64(s, 2), 7 * 70000);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static void change(const struct kit *kit, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(kit->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_damaged_body_is_declared_not_sent(void **state)
{
	struct kit *kit = *state;
	struct store_batch one, two;
	struct account rest;

	kit_open(kit, 0);
	account_begin(&rest, kit, "a", 100);
	add(kit, 4);
	account_batch(&rest, kit);
	add(kit, 20);
	one = freeze(kit, rest.destination, 12);
	two = freeze(kit, rest.destination, 8);
	kit_close(kit);
	change(kit, "UPDATE batch_body SET body = zeroblob(70000)"
		    " WHERE id = (SELECT min(id) FROM batch_body)");
	kit_open(kit, 0);
	pending_is(kit, rest.destination, &two);
	store_batch_done(kit->store, rest.destination, &two, NULL);
	for (uint64_t seq = two.first; seq <= two.last; seq++)
		rest.rows[seq]++;
	rest.count += two.rows;
	kit_commit(kit);
	account_drain(&rest, kit);
	account_audit(&rest);
	assert_int_equal(rest.missing, 12);
	store_batch_finish(&one);
	store_batch_finish(&two);
	account_end(&rest);
}

static int see_view(const struct record *record, void *arg)
{
	enum row_type *type = arg;

	*type = record->type;
	return 0;
}

static void a_scan_takes_the_view_of_a_destination(void **state)
{
	struct store_range range = { .types = 1u << ROW_GAP | 1u << ROW_SELF };
	struct kit *kit = *state;
	enum row_type type = ROW_BOOT;
	struct store_batch batch;
	int a, b;

	kit_open(kit, 0);
	a = destination(kit, "a");
	b = destination(kit, "b");
	add(kit, 4);
	batch = freeze(kit, a, 4);
	store_batch_quarantine(kit->store, a, &batch, "no", NULL);
	kit_commit(kit);
	range.destination = a;
	assert_int_equal(store_scan(kit->store, &range, see_view, &type, NULL),
			 0);
	assert_int_equal(type, ROW_GAP);
	range.destination = b;
	store_scan(kit->store, &range, see_view, &type, NULL);
	assert_int_equal(type, ROW_SELF);
	range.destination = -1;
	store_scan(kit->store, &range, see_view, &type, NULL);
	assert_int_equal(type, ROW_GAP);
	range.destination = 77;
	assert_int_equal(store_scan(kit->store, &range, see_view, &type, NULL),
			 -ENOENT);
	store_batch_finish(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_batch_is_the_same_after_a_restart),
		KIT_TEST(destinations_do_not_see_each_other),
		KIT_TEST(a_batch_outlives_its_rows),
		KIT_TEST(what_was_not_collected_is_not_frozen),
		KIT_TEST(a_batch_is_split_in_two),
		KIT_TEST(what_was_refused_is_declared),
		KIT_TEST(dead_letters_are_bounded),
		KIT_TEST(a_damaged_body_is_declared_not_sent),
		KIT_TEST(a_scan_takes_the_view_of_a_destination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
