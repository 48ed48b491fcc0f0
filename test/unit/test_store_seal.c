/* Rows that were packed into chunks are the rows they were: to whoever reads
 * and delivers them. */
#include "base/buf.h"
#include "delivery/row.h"
#include "lib/any_rows.h"
#include "store/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES (64u << 20)

/* --- the same rows --- */

static int write_row(const struct record *record, void *arg)
{
	static const struct identity who = { "agent", "0123456789abcdef" };
	struct buf *out = arg;

	row_write(out, &who, record);
	buf_char(out, '\n');
	return out->error;
}

static int write_lean(const struct scan_row *row, void *arg)
{
	struct buf *out = arg;

	buf_printf(out, "%llu %llu %lld %lld %u %u %d %d %d %d %d",
		   (unsigned long long)row->seq,
		   (unsigned long long)row->sent_ns, (long long)row->rtt_ns,
		   (long long)row->dns_ns, row->series, row->missed,
		   row->outcome, row->reason, row->stamp, row->flags,
		   row->late);
	if (row->https)
		buf_printf(out, " %lld %lld %lld %lld %lld %lld %d %d %u %u",
			   (long long)row->https->connect_ns,
			   (long long)row->https->tls_ns,
			   (long long)row->https->first_byte_ns,
			   (long long)row->https->total_ns,
			   (long long)row->https->srtt_ns,
			   (long long)row->https->min_rtt_ns,
			   row->https->tls_days_left, row->https->http_status,
			   row->https->pop, row->https->tls_issuer);
	buf_char(out, '\n');
	return out->error;
}

static int count_row(const struct record *record, void *arg)
{
	(void)record;
	++*(uint64_t *)arg;
	return 0;
}

static uint64_t lines(const struct buf *text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	return n;
}

/* Both ways to read give the same samples. */
static void check_lines(struct store *store, const struct store_range *range,
			const struct buf *lean)
{
	struct store_range samples = *range;
	uint64_t n = 0;

	samples.types = 1u << ROW_SAMPLE | 1u << ROW_LATE;
	assert_int_equal(store_scan(store, &samples, count_row, &n, NULL), 0);
	assert_int_equal(lines(lean), n);
}

static void read_all(struct store *store, const struct store_range *range,
		     struct buf *rows, struct buf *lean)
{
	buf_init(rows, TEXT_BYTES);
	buf_init(lean, TEXT_BYTES);
	assert_int_equal(store_scan(store, range, write_row, rows, NULL), 0);
	assert_int_equal(store_scan_rows(store, range, write_lean, lean, NULL),
			 0);
	assert_true(rows->len > 0);
	check_lines(store, range, lean);
}

/* Of some range, before all of it is sealed and after. */
struct before {
	struct store_range range;
	struct buf rows, lean;
};

static void check_after(struct store *store, const struct before *b)
{
	struct buf rows, lean;

	read_all(store, &b->range, &rows, &lean);
	assert_string_equal(rows.data, b->rows.data);
	assert_string_equal(lean.data, b->lean.data);
	buf_finish(&rows);
	buf_finish(&lean);
}

#define ONE (CHUNK_NUMBERS - 10)
#define TWO (2 * CHUNK_NUMBERS - 10)

static void look_before(struct kit *kit, struct before *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b[i].range.destination = -1;
		read_all(kit->store, &b[i].range, &b[i].rows, &b[i].lean);
	}
}

static void look_after(struct kit *kit, struct before *b, size_t n)
{
	struct store *other = reader(kit);

	for (size_t i = 0; i < n; i++) {
		check_after(kit->store, &b[i]);
		check_after(other, &b[i]);
		buf_finish(&b[i].rows);
		buf_finish(&b[i].lean);
	}
	store_close(other);
}

static void the_same_rows_before_and_after(void **state)
{
	uint64_t ns;
	struct before rows[] = {
		{ .range = { .last_seq = ONE } },
		{ .range = { .first_seq = 3000, .last_seq = 3001 } },
		{ .range = { .last_seq = ONE } },
		{ .range = { .last_seq = ONE } },
		{ .range = { .last_seq = ONE,
			     .types = 1u << ROW_LATE | 1u << ROW_EVENT } },
	};
	struct before mixed[] = {
		{ .range = { .last_seq = TWO } },
		{ .range = { .first_seq = 8190, .last_seq = 8200 } },
		{ .range = { .first_seq = CHUNK_NUMBERS, .last_seq = TWO } },
		{ .range = { .first_seq = 1, .last_seq = CHUNK_NUMBERS } },
	};
	struct kit *kit = *state;

	kit_old();
	ns = kit_sample(5000).sent_ns;
	rows[2].range.since_ns = rows[3].range.until_ns = ns;
	kit_open(kit, 0);
	fill_to(kit, ONE);
	assert_int_equal(facts_of(kit).sealed_rows, 0);
	look_before(kit, rows, 5);
	fill_to(kit, TWO);
	seal_all(kit, 1);
	assert_true(facts_of(kit).sealed_rows < CHUNK_NUMBERS);
	look_before(kit, mixed, 4);
	fill_to(kit, 3 * CHUNK_NUMBERS);
	seal_all(kit, 2);
	look_after(kit, rows, 5);
	look_after(kit, mixed, 4);
}

static int stop_at(const struct record *record, void *arg)
{
	return record->seq == *(uint64_t *)arg ? 42 : 0;
}

static int stop_lean(const struct scan_row *row, void *arg)
{
	return row->seq >= *(uint64_t *)arg ? 42 : 0;
}

static void a_callback_stops_within_a_chunk(void **state)
{
	struct store_range all = { .destination = -1 };
	struct kit *kit = *state;
	uint64_t at = 4242;

	kit_old();
	kit_open(kit, 0);
	fill_to(kit, 2 * CHUNK_NUMBERS + 1);
	seal_all(kit, 1);
	assert_int_equal(store_scan(kit->store, &all, stop_at, &at, NULL), 42);
	assert_int_equal(
		store_scan_rows(kit->store, &all, stop_lean, &at, NULL), 42);
}

/* --- when, and what for --- */

static void young_rows_stay_rows(void **state)
{
	struct kit *kit = *state;

	kit_open(kit, 0);
	fill_to(kit, 3 * CHUNK_NUMBERS);
	for (int i = 0; i < 10; i++)
		kit_commit(kit);
	assert_int_equal(facts_of(kit).sealed_rows, 0);
}

static void it_goes_on_after_a_restart(void **state)
{
	struct kit *kit = *state;
	uint64_t last;

	kit_old();
	kit_open(kit, 0);
	fill_to(kit, 3 * CHUNK_NUMBERS);
	seal_all(kit, 2);
	last = store_last_seq(kit->store);
	kit_close(kit);
	kit_open(kit, 0);
	assert_int_equal(store_last_seq(kit->store), last);
	fill_to(kit, 5 * CHUNK_NUMBERS);
	seal_all(kit, 4);
}

static void the_same_rows_in_less_room(void **state)
{
	struct kit *kit = *state;
	struct store_facts facts;
	uint32_t series;

	kit_old();
	kit_open(kit, 0);
	series = kit_series(kit, "a", "icmp");
	for (uint64_t n = 0; n <= 4 * CHUNK_NUMBERS; n++)
		kit_add(kit, series, n);
	kit_commit(kit);
	seal_all(kit, 4);
	facts = facts_of(kit);
	assert_int_equal(facts.rows, 4 * CHUNK_NUMBERS + 1);
	assert_true(facts.sealed_bytes < 10 * facts.sealed_rows);
}

/* Into the room that the rows leave. */
static void the_file_does_not_grow_by_it(void **state)
{
	struct kit *kit = *state;
	struct store_options options = { .path = kit->path,
					 .max_bytes = 64u << 20 };
	uint64_t bytes;

	kit_old();
	kit_open(kit, 0);
	fill_to(kit, CHUNK_NUMBERS - 1);
	kit_close(kit);
	kit_open(kit, 0);
	bytes = facts_of(kit).bytes;
	fill_to(kit, CHUNK_NUMBERS + 5000);
	seal_all(kit, 1);
	kit_close(kit);
	assert_int_equal(store_open(&options, &kit->store, NULL), 0);
	assert_true(facts_of(kit).bytes <= bytes + (512u << 10));
}

/* --- delivered --- */

static void each_row_is_delivered_once(void **state)
{
	struct kit *kit = *state;
	struct account a, b;

	kit_old();
	kit_open(kit, 0);
	account_begin(&a, kit, "a", 700);
	account_begin(&b, kit, "b", 5000);
	fill_to(kit, 1000);
	account_batch(&a, kit);
	for (uint64_t last = 1000; last < 5 * CHUNK_NUMBERS; last += 3000) {
		fill_to(kit, last);
		account_batch(&a, kit);
		account_batch(&a, kit);
	}
	seal_all(kit, 3);
	account_drain(&a, kit);
	account_drain(&b, kit);
	account_audit(&a);
	account_audit(&b);
	assert_int_equal(a.max, store_last_seq(kit->store));
	assert_int_equal(b.max, a.max);
	account_end(&a);
	account_end(&b);
}

static void the_backlog_knows_how_old_it_is(void **state)
{
	struct kit *kit = *state;
	struct account a;
	uint64_t rows, age_ns, before_ns;

	kit_old();
	kit_open(kit, 0);
	account_begin(&a, kit, "a", 3000);
	fill_to(kit, CHUNK_NUMBERS - 1);
	assert_int_equal(
		store_backlog(kit->store, a.destination, &rows, &before_ns), 0);
	fill_to(kit, 2 * CHUNK_NUMBERS);
	seal_all(kit, 1);
	assert_int_equal(
		store_backlog(kit->store, a.destination, &rows, &age_ns), 0);
	assert_true(age_ns >= before_ns);
	account_batch(&a, kit); /* to the middle of the chunk */
	assert_int_equal(
		store_backlog(kit->store, a.destination, &rows, &before_ns), 0);
	assert_true(before_ns > 0 && before_ns < age_ns);
	account_end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(the_same_rows_before_and_after),
		KIT_TEST(a_callback_stops_within_a_chunk),
		KIT_TEST(young_rows_stay_rows),
		KIT_TEST(it_goes_on_after_a_restart),
		KIT_TEST(the_same_rows_in_less_room),
		KIT_TEST(the_file_does_not_grow_by_it),
		KIT_TEST(each_row_is_delivered_once),
		KIT_TEST(the_backlog_knows_how_old_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
