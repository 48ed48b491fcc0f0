/* A store is damaged as a bad sector would; what can be read is salvaged, and
 * the rest is declared to each who lacks it. */
#include "lib/sectors.h"
#include "lib/seeds.h"
#include "lib/store_kit.h"
#include "store/salvage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 20000
#define HITS 20
#define PAGE 4096

/* What there was: two destinations, one of which has got a third of it. */
struct world {
	struct account ahead, behind;
	char epoch[17];
	char aside[128], to[128];
	uint64_t last; /* number */
	uint64_t right, wrong;
};

static void fill(struct kit *kit, uint64_t from, uint64_t to)
{
	uint32_t tcp = kit_series(kit, "erp", "tcp");
	uint32_t https = kit_series(kit, "mail", "https");

	for (uint64_t n = from; n < to; n++) {
		struct ep_sample s = kit_https(n);

		if (n % 1000 == 500)
			store_add_note(kit->store, ROW_SELF,
				       kit_sample(n).sent_ns,
				       "\"part\":\"test\"");
		else if (n % 10 == 3)
			store_add_sample(kit->store, https, &s);
		else
			kit_add(kit, tcp, n);
		if (n % 5000 == 0)
			kit_commit(kit);
	}
	kit_commit(kit);
}

static void begin(struct world *w, struct kit *kit)
{
	memset(w, 0, sizeof(*w));
	kit_open(kit, 0);
	snprintf(w->epoch, sizeof(w->epoch), "%s", store_epoch(kit->store));
	snprintf(w->aside, sizeof(w->aside), "%s.aside", kit->path);
	snprintf(w->to, sizeof(w->to), "%s.salvaged", kit->path);
	account_begin(&w->ahead, kit, "ahead", 1000);
	account_begin(&w->behind, kit, "behind", 1000);
	fill(kit, 1, ROWS / 3);
	account_drain(&w->ahead, kit);
	account_batch(&w->behind, kit);
	fill(kit, ROWS / 3, ROWS + 1);
	w->last = store_last_seq(kit->store);
}

static void end(struct world *w)
{
	account_end(&w->ahead);
	account_end(&w->behind);
}

static void set_aside(struct world *w, struct kit *kit)
{
	kit_close(kit);
	assert_int_equal(rename(kit->path, w->aside), 0);
}

static void write_at(const char *path, off_t at, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	close(fd);
}

static int salvage(struct world *w, struct store_salvage_result *result)
{
	struct store_salvage_options options = {
		.from = w->aside,
		.to = w->to,
		.max_bytes = 64u << 20,
	};
	struct ep_err err = { 0 };
	int r = store_salvage(&options, result, &err);

	if (r < 0)
		print_message("# %s\n", err.text);
	return r;
}

/* Each row is as it was, or some of it was damaged without a trace. */
static int compare(const struct record *r, void *arg)
{
	struct world *w = arg;
	struct ep_sample s = kit_sample(r->seq);
	bool same;

	if (r->type != ROW_SAMPLE)
		return 0;
	if (r->series && strcmp(r->series->target, "mail") == 0)
		s = kit_https(r->seq);
	same = r->sample.sent_ns == s.sent_ns && r->sample.rtt_ns == s.rtt_ns &&
	       r->sample.slip_ns == s.slip_ns &&
	       r->sample.uncertainty_ns == s.uncertainty_ns &&
	       r->sample.outcome == s.outcome && r->sample.ttl == s.ttl;
	w->right += same;
	w->wrong += !same;
	return 0;
}

static void deliver_rest(struct world *w, struct kit *kit)
{
	struct store_options options = { .path = w->to,
					 .max_bytes = 64u << 20 };
	struct store_range all = { .destination = -1 };
	struct account *each[] = { &w->ahead, &w->behind };
	static const char *const names[] = { "ahead", "behind" };
	struct ep_err err = { 0 };

	if (store_open(&options, &kit->store, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(store_notice(kit->store), "");
	assert_string_equal(store_epoch(kit->store), w->epoch);
	assert_int_equal(store_scan(kit->store, &all, compare, w, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_destination(kit->store, names[i],
						   &each[i]->destination, NULL),
				 0);
		account_drain(each[i], kit);
		account_audit(each[i]);
	}
	kit_close(kit);
}

static void nothing_is_lost_of_a_whole_file(void **state)
{
	struct store_salvage_result result = { 0 };
	struct kit *kit = *state;
	struct world w;

	begin(&w, kit);
	set_aside(&w, kit);
	assert_int_equal(salvage(&w, &result), 0);
	assert_int_equal(result.declared, 0);
	assert_int_equal(result.rows, w.last);
	deliver_rest(&w, kit);
	assert_int_equal(w.wrong, 0);
	assert_int_equal(w.ahead.missing + w.behind.missing, 0);
	assert_int_equal(w.behind.max, w.last);
	end(&w);
}

static void twenty_bad_sectors(void **state)
{
	struct store_salvage_result result = { 0 };
	struct kit *kit = *state;
	struct world w;

	begin(&w, kit);
	set_aside(&w, kit);
	sectors_hit(w.aside, HITS);
	assert_int_equal(salvage(&w, &result), 0);
	assert_int_equal(result.rows + result.declared,
			 result.last - result.first + 1);
	assert_true(result.last >= w.last);
	deliver_rest(&w, kit);
	print_message("# rows %llu of %llu, %llu declared, wrong %llu\n",
		      (unsigned long long)result.rows,
		      (unsigned long long)w.last,
		      (unsigned long long)result.declared,
		      (unsigned long long)w.wrong);
	assert_in_range(w.wrong, 0, HITS * 4);
	end(&w);
}

/* Without its first page SQLite reads nothing of a file. */
static void the_first_page_is_gone(void **state)
{
	static const char nothing[PAGE];
	struct store_salvage_result result = { 0 };
	struct kit *kit = *state;
	struct world w;

	begin(&w, kit);
	set_aside(&w, kit);
	write_at(w.aside, 0, nothing, sizeof(nothing));
	assert_int_equal(salvage(&w, &result), 0);
	assert_int_equal(result.rows, w.last);
	deliver_rest(&w, kit);
	assert_int_equal(w.ahead.missing + w.behind.missing, 0);
	assert_int_equal(w.behind.max, w.last);
	end(&w);
}

static void forget(struct account *a)
{
	memset(a->rows, 0, a->size);
	memset(a->gaps, 0, a->size);
	a->count = a->missing = a->min = a->max = 0;
}

/* The table of one kind of names, of the destinations, of what was frozen: each
 * of these is one page in a store like this. */
static void a_page_that_much_hangs_on(void **state)
{
	static const char *const tables[] = { "meta", "series",      "path",
					      "word", "destination", "batch" };
	struct store_salvage_result result = { 0 };
	struct kit *kit = *state;
	struct world w;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char text[128];
		sqlite3 *db;
		sqlite3_stmt *s;
		uint64_t noise[64];

		begin(&w, kit);
		set_aside(&w, kit);
		assert_int_equal(sqlite3_open(w.aside, &db), SQLITE_OK);
		snprintf(text, sizeof(text),
			 "SELECT rootpage FROM sqlite_schema WHERE name = '%s'",
			 tables[i]);
		sqlite3_prepare_v2(db, text, -1, &s, NULL);
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		for (size_t n = 0; n < 64; n++)
			noise[n] = sectors_random();
		write_at(w.aside, (sqlite3_column_int64(s, 0) - 1) * PAGE,
			 noise, sizeof(noise));
		sqlite3_finalize(s);
		sqlite3_close(db);
		assert_int_equal(salvage(&w, &result), 0);
		assert_int_equal(result.rows, w.last);
		if (strcmp(tables[i], "batch") == 0) {
			/* What was on its way is not known: all again. */
			forget(&w.ahead);
			forget(&w.behind);
		}
		deliver_rest(&w, kit);
		assert_int_equal(w.wrong, 0);
		assert_int_equal(w.behind.missing, 0);
		end(&w);
		store_remove(w.aside);
		store_remove(w.to);
	}
}

/* --- what the fuzzer does --- */

static void any_change_of_its_bytes(void **state)
{
	uint8_t bytes[512];

	(void)state;
	seeds_replay(SEED_DIR, 1);
	for (int i = 0; i < 8; i++) {
		for (size_t b = 0; b < sizeof(bytes); b++)
			bytes[b] = (uint8_t)(sectors_random() >> 24);
		LLVMFuzzerTestOneInput(bytes, sizeof(bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(nothing_is_lost_of_a_whole_file),
		KIT_TEST(twenty_bad_sectors),
		KIT_TEST(the_first_page_is_gone),
		KIT_TEST(a_page_that_much_hangs_on),
		cmocka_unit_test(any_change_of_its_bytes),
	};
	sectors_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
