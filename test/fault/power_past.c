#include "fault/power_past.h"
#include "fault/power_vfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGAN_NS 1767225600000000000u

struct past past;

/* --- rows and batches follow from their numbers --- */

void past_note(uint64_t seq, char body[FAT_BYTES])
{
	int n = snprintf(body, FAT_BYTES, "\"n\":%llu,\"fat\":\"",
			 (unsigned long long)seq);

	memset(body + n, 'a' + (int)(seq % 26), FAT_BYTES - (size_t)n - 2);
	memcpy(body + FAT_BYTES - 2, "\"", 2);
}

/* Old enough to be sealed. */
struct ep_sample past_sample(uint64_t seq)
{
	struct ep_sample s = seq % 7 ? kit_sample(seq) : kit_https(seq);

	s.sent_ns = BEGAN_NS + seq * 10000000u;
	return s;
}

static void add_rows(struct kit *kit, uint32_t series, unsigned n, bool fat)
{
	char body[FAT_BYTES];

	while (n-- > 0) {
		uint64_t seq = store_last_seq(kit->store) + 1;
		struct ep_sample s = past_sample(seq);

		past_note(seq, body);
		if (fat)
			store_add_note(kit->store, ROW_EVENT, BEGAN_NS + seq,
				       body);
		else
			store_add_sample(kit->store, series, &s);
	}
}

char *past_body(int destination, uint64_t first, uint64_t last, size_t *ret_len)
{
	size_t len = 200 + (first * 7919 + last) % 3000;
	char *body = malloc(len + 64);
	size_t at = 0;

	assert_non_null(body);
	while (at < len)
		at += (size_t)snprintf(body + at, 64, "%d %llu-%llu\n",
				       destination, (unsigned long long)first,
				       (unsigned long long)last);
	*ret_len = at;
	return body;
}

/* --- what happens before the cut --- */

static void mark(enum promise what, uint64_t n)
{
	assert_true(past.n_marks < MARKS_MAX);
	past.marks[past.n_marks++] =
		(struct mark){ what, power_operations(), n };
}

static void commit(struct kit *kit)
{
	kit_commit(kit);
	mark(COMMITTED, store_last_seq(kit->store));
}

struct collecting {
	struct sent *sent;
	size_t limit;
};

static int collect_row(const struct record *record, void *arg)
{
	struct collecting *c = arg;
	struct told_of *row;

	if (c->sent->n_rows == c->limit)
		return -E2BIG;
	row = &c->sent->rows[c->sent->n_rows++];
	*row = (struct told_of){ .seq = record->seq };
	if (record->type == ROW_GAP)
		row->gap = (struct run){ record->first, record->last };
	return 0;
}

bool past_collect(struct kit *kit, struct sent *sent, size_t limit)
{
	static const enum store_part parts[] = { STORE_FRESH, STORE_BACKLOG };
	struct collecting c = { sent, limit };
	struct store_batch batch = { 0 };
	int64_t n = 0;

	sent->rows = calloc(limit, sizeof(*sent->rows));
	assert_non_null(sent->rows);
	for (size_t i = 0; i < 2 && n == 0; i++)
		n = store_batch_collect_of(kit->store, sent->destination,
					   parts[i], collect_row, &c, &batch);
	assert_true(n >= 0);
	sent->first = batch.first;
	sent->last = batch.last;
	return n > 0;
}

int past_freeze(struct kit *kit, const struct sent *sent,
		struct store_batch *ret)
{
	*ret = (struct store_batch){ .first = sent->first,
				     .last = sent->last,
				     .rows = sent->n_rows,
				     .encoding = "ndjson" };
	ret->body = past_body(sent->destination, sent->first, sent->last,
			      &ret->body_len);
	return store_batch_freeze(kit->store, sent->destination, ret, NULL);
}

static void send_batch(struct kit *kit, int destination, size_t limit,
		       uint64_t *seed)
{
	struct sent *sent = &past.batches[past.n_batches];
	enum promise end = power_random(seed) % 10 ? DONE : REFUSED;
	struct store_batch batch = { .id = 0 };
	int r = -ESTALE;

	assert_true(past.n_batches < BATCHES_MAX);
	sent->destination = destination;
	if (past_collect(kit, sent, limit))
		r = past_freeze(kit, sent, &batch);
	if (r < 0) { /* nothing was left, or room was made of it */
		assert_int_equal(r, -ESTALE);
		store_batch_finish(&batch);
		free(sent->rows);
		memset(sent, 0, sizeof(*sent));
		return;
	}
	mark(FROZEN, past.n_batches);
	assert_int_equal(store_batch_attempted(kit->store, batch.id), 0);
	r = end == DONE
		    ? store_batch_done(kit->store, destination, &batch, NULL)
		    : store_batch_quarantine(kit->store, destination, &batch,
					     "no", NULL);
	assert_int_equal(r, 0);
	mark(end, past.n_batches++);
	store_batch_finish(&batch);
}

void past_live(struct kit *kit, unsigned commits, bool fat, uint64_t *seed)
{
	uint32_t series = kit_series(kit, "a", "https");

	for (unsigned i = 0; i < commits; i++) {
		add_rows(kit, series, 1 + (unsigned)(power_random(seed) % 40),
			 fat);
		commit(kit);
		if (i % 3 == 2)
			send_batch(kit, past.destinations[0], 150, seed);
		if (i % 40 == 39) /* too slow for what comes */
			send_batch(kit, past.destinations[1], 100, seed);
		if (i % 30 == 29) /* the newest first */
			assert_true(store_destination_split(
					    kit->store, past.destinations[1],
					    50, NULL) >= 0);
		if (i % 50 == 49) { /* a clean stop and a start */
			kit_close(kit);
			kit_open(kit, SMALL_BYTES);
			series = kit_series(kit, "a", "https");
		}
	}
}

void past_forget(void)
{
	for (size_t i = 0; i < BATCHES_MAX; i++)
		free(past.batches[i].rows);
	memset(&past, 0, sizeof(past));
	power_forget();
}

void past_open(struct kit *kit)
{
	static const char *const names[DESTINATIONS] = { "quick", "slow" };

	past_forget();
	power_record();
	kit_open(kit, SMALL_BYTES);
	snprintf(past.epoch, sizeof(past.epoch), "%s", store_epoch(kit->store));
	for (int i = 0; i < DESTINATIONS; i++)
		assert_int_equal(store_destination(kit->store, names[i],
						   &past.destinations[i], NULL),
				 0);
	mark(OPENED, 0);
}

void past_commit(struct kit *kit, unsigned commits, unsigned rows)
{
	uint32_t series = kit_series(kit, "a", "https");

	while (commits-- > 0) {
		add_rows(kit, series, rows, false);
		commit(kit);
	}
}
