/* Frozen batches and dead letters as people see them, and letters that are
 * sent again. */
#include "lib/store_kit.h"
#include "store/dead.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LETTERS 5

struct seen {
	unsigned n;
	uint64_t ids[LETTERS + 1];
	char text[2048]; /* a line each */
};

static int see(const struct store_parcel *p, void *arg)
{
	struct seen *seen = arg;
	size_t at = strlen(seen->text);

	seen->ids[seen->n++] = p->id;
	snprintf(seen->text + at, sizeof(seen->text) - at,
		 "%s %llu-%llu %llu %s %d %u %llu %s\n", p->destination,
		 (unsigned long long)p->first, (unsigned long long)p->last,
		 (unsigned long long)p->rows, p->encoding, p->gzip, p->attempts,
		 (unsigned long long)p->bytes, p->answer);
	return 0;
}

struct world {
	struct kit *kit;
	uint32_t series;
	int to;
	uint64_t rows;
};

static void begin(struct world *w, void **state, const char *name)
{
	struct ep_err err = { 0 };

	*w = (struct world){ .kit = *state };
	kit_open(w->kit, 0);
	w->series = kit_series(w->kit, "gw", "icmp");
	assert_int_equal(store_destination(w->kit->store, name, &w->to, &err),
			 0);
}

static int take_some(const struct record *record, void *arg)
{
	uint64_t *left = arg;

	(void)record;
	return (*left)-- == 0 ? -E2BIG : 0;
}

static void freeze(struct world *w, uint64_t n)
{
	struct store_batch batch = { .body = NULL, .gzip = true, .rows = n };
	struct ep_err err = { 0 };
	uint64_t left = n;
	char body[64];

	for (uint64_t i = 0; i < n; i++)
		kit_add(w->kit, w->series, ++w->rows);
	kit_commit(w->kit);
	assert_int_equal(store_batch_collect(w->kit->store, w->to, take_some,
					     &left, &batch.first, &batch.last),
			 n);
	batch.body_len = (size_t)snprintf(body, sizeof(body), "rows from %llu",
					  (unsigned long long)batch.first);
	batch.body = body;
	snprintf(batch.encoding, sizeof(batch.encoding), "ndjson");
	assert_int_equal(store_batch_freeze(w->kit->store, w->to, &batch, &err),
			 0);
}

static void refuse(struct world *w)
{
	struct store_batch batch;
	struct ep_err err = { 0 };

	assert_int_equal(
		store_batch_pending(w->kit->store, w->to, &batch, &err), 1);
	assert_int_equal(store_batch_attempted(w->kit->store, batch.id), 0);
	assert_int_equal(store_batch_quarantine(w->kit->store, w->to, &batch,
						"status=400", &err),
			 0);
	store_batch_finish(&batch);
}

static struct seen frozen(const struct world *w)
{
	struct seen seen = { .n = 0 };
	int n = store_frozen_list(w->kit->store, NULL, 0, LETTERS + 1, see,
				  &seen);

	assert_int_equal(n, seen.n);
	return seen;
}

static struct seen letters(const struct world *w, const char *destination)
{
	struct seen seen = { .n = 0 };
	int n = store_dead_list(w->kit->store, destination, 0, LETTERS + 1, see,
				&seen);

	assert_int_equal(n, seen.n);
	return seen;
}

static void a_frozen_batch_is_listed(void **state)
{
	struct world w;

	begin(&w, state, "hq");
	freeze(&w, 3);
	assert_string_equal(frozen(&w).text, "hq 1-3 3 ndjson 1 0 11 \n");
	assert_int_equal(letters(&w, NULL).n, 0);
}

static void a_refused_one_is_a_letter(void **state)
{
	struct world w;
	struct store_batch letter;

	begin(&w, state, "hq");
	freeze(&w, 3);
	refuse(&w);
	assert_int_equal(frozen(&w).n, 0);
	assert_string_equal(letters(&w, NULL).text,
			    "hq 1-3 3 ndjson 1 1 11 status=400\n");
	assert_int_equal(letters(&w, "hq").n, 1);
	assert_int_equal(letters(&w, "other").n, 0);
	assert_int_equal(store_dead_read(w.kit->store, letters(&w, NULL).ids[0],
					 &letter),
			 0);
	assert_string_equal(letter.body, "rows from 1");
	assert_string_equal(letter.encoding, "ndjson");
	assert_true(letter.gzip);
	store_batch_finish(&letter);
}

static void lists_come_in_pages(void **state)
{
	struct seen seen = { .n = 0 };
	struct world w;

	begin(&w, state, "hq");
	for (int i = 0; i < LETTERS; i++) {
		freeze(&w, 2);
		refuse(&w);
	}
	assert_int_equal(store_dead_list(w.kit->store, NULL, 0, 2, see, &seen),
			 2);
	assert_int_equal(
		store_dead_list(w.kit->store, NULL, seen.ids[1], 2, see, &seen),
		2);
	assert_int_equal(
		store_dead_list(w.kit->store, NULL, seen.ids[3], 2, see, &seen),
		1);
	assert_int_equal(letters(&w, NULL).n, LETTERS);
	assert_string_equal(letters(&w, NULL).text, seen.text);
}

/* Byte for byte, in front, and without a word more about its rows. */
static void a_letter_goes_again(void **state)
{
	struct store_batch batch;
	struct ep_err err = { 0 };
	uint64_t declared;
	struct world w;

	begin(&w, state, "hq");
	freeze(&w, 3);
	refuse(&w);
	kit_commit(w.kit); /* the gap row */
	declared = store_last_seq(w.kit->store);
	freeze(&w, 2);
	assert_int_equal(
		store_dead_retry(w.kit->store, letters(&w, NULL).ids[0], &err),
		0);
	assert_int_equal(letters(&w, NULL).n, 0);
	assert_int_equal(store_batch_pending(w.kit->store, w.to, &batch, &err),
			 1);
	assert_int_equal(batch.first, 1);
	assert_int_equal(batch.rows, 3);
	assert_int_equal(batch.attempts, 0);
	assert_string_equal(batch.body, "rows from 1");
	assert_true(batch.gzip);
	store_batch_finish(&batch);
	refuse(&w);
	kit_commit(w.kit);
	assert_int_equal(store_last_seq(w.kit->store), declared + 2);
	assert_int_equal(letters(&w, NULL).n, 1);
}

static void what_arrives_after_all_is_counted(void **state)
{
	struct store_batch batch;
	struct ep_err err = { 0 };
	struct world w;
	uint64_t rows, age_ns;

	begin(&w, state, "hq");
	freeze(&w, 3);
	refuse(&w);
	store_dead_retry(w.kit->store, letters(&w, NULL).ids[0], &err);
	assert_int_equal(store_backlog(w.kit->store, w.to, &rows, &age_ns), 0);
	assert_int_equal(rows, 3);
	store_batch_pending(w.kit->store, w.to, &batch, &err);
	assert_int_equal(store_batch_done(w.kit->store, w.to, &batch, &err), 0);
	store_batch_finish(&batch);
	assert_int_equal(frozen(&w).n, 0);
	assert_int_equal(store_backlog(w.kit->store, w.to, &rows, &age_ns), 0);
	assert_int_equal(rows, 0);
}

static void a_letter_is_dropped(void **state)
{
	struct ep_err err = { 0 };
	struct world w;
	uint64_t id;

	begin(&w, state, "hq");
	freeze(&w, 3);
	refuse(&w);
	id = letters(&w, NULL).ids[0];
	assert_int_equal(store_dead_drop(w.kit->store, id, &err), 0);
	assert_int_equal(letters(&w, NULL).n, 0);
	assert_int_equal(store_dead_drop(w.kit->store, id, &err), -ENOENT);
	assert_int_equal(store_dead_retry(w.kit->store, id, &err), -ENOENT);
	assert_non_null(strstr(err.text, "there is none"));
}

static void its_destination_is_no_more(void **state)
{
	struct ep_err err = { 0 };
	struct world w;
	uint64_t id;

	begin(&w, state, "hq");
	freeze(&w, 3);
	refuse(&w);
	id = letters(&w, NULL).ids[0];
	assert_int_equal(store_retire_destinations(w.kit->store, NULL, 0, &err),
			 0);
	assert_string_equal(letters(&w, "hq").text,
			    "hq 1-3 3 ndjson 1 1 11 status=400\n");
	assert_int_equal(store_dead_retry(w.kit->store, id, &err), -ENODEV);
	assert_non_null(strstr(err.text, "configured no more"));
	assert_int_equal(letters(&w, NULL).n, 1);
	assert_int_equal(frozen(&w).n, 0);
}

static int name_it(int id, const char *name, void *arg)
{
	char *text = arg;

	(void)id;
	snprintf(text + strlen(text), 64, "%s ", name);
	return strcmp(name, "b") == 0 ? 7 : 0;
}

static void destinations_have_names(void **state)
{
	char text[256] = "";
	struct ep_err err = { 0 };
	struct world w;
	int id;

	begin(&w, state, "hq");
	assert_int_equal(store_destination_names(w.kit->store, name_it, text),
			 0);
	assert_string_equal(text, "hq ");
	store_destination(w.kit->store, "b", &id, &err);
	store_destination(w.kit->store, "c", &id, &err);
	assert_int_equal(store_destination_names(w.kit->store, name_it, text),
			 7);
	assert_string_equal(text, "hq hq b ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_frozen_batch_is_listed),
		KIT_TEST(a_refused_one_is_a_letter),
		KIT_TEST(lists_come_in_pages),
		KIT_TEST(a_letter_goes_again),
		KIT_TEST(what_arrives_after_all_is_counted),
		KIT_TEST(a_letter_is_dropped),
		KIT_TEST(its_destination_is_no_more),
		KIT_TEST(destinations_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
