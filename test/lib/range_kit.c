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

void pieces_add(struct kit *kit, uint64_t n)
{
	uint32_t series = kit_series(kit, "exchange", "https");

	for (uint64_t i = 0; i < n; i++) {
		struct ep_sample sample =
			kit_https(store_last_seq(kit->store) + 1);

		store_add_sample(kit->store, series, &sample);
	}
	kit_commit(kit);
}

int pieces_split(struct kit *kit, const struct account *a, uint64_t rows)
{
	struct ep_err err = { 0 };
	int r = store_destination_split(kit->store, a->destination, rows, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

struct store_lacking pieces_lacking(struct kit *kit, const struct account *a)
{
	struct store_lacking l = { 0 };

	assert_int_equal(store_lacking(kit->store, a->destination, &l), 0);
	return l;
}

void pieces_lacks(struct kit *kit, const struct account *a, uint64_t fresh,
		  uint64_t backlog, uint64_t again)
{
	struct store_lacking l = pieces_lacking(kit, a);
	uint64_t rows = 0, age;

	assert_int_equal(l.fresh, fresh);
	assert_int_equal(l.backlog, backlog);
	assert_int_equal(l.again, again);
	assert_int_equal(store_backlog(kit->store, a->destination, &rows, &age),
			 0);
	assert_int_equal(rows, fresh + backlog + again);
}

void pieces_drain_of(struct account *a, struct kit *kit, enum store_part part)
{
	while (account_batch_of(a, kit, part) > 0)
		;
}

void pieces_drain(struct account *a, struct kit *kit)
{
	pieces_drain_of(a, kit, STORE_FRESH);
	pieces_drain_of(a, kit, STORE_BACKLOG);
	pieces_drain_of(a, kit, STORE_FRESH);
}

/* A batch of rows that nobody counts. */
int pieces_take(const struct record *record, void *arg)
{
	uint64_t *left = arg;

	(void)record;
	return (*left)-- == 0 ? -E2BIG : 0;
}

bool pieces_freeze(struct kit *kit, const struct account *a,
		   enum store_part part, uint64_t rows,
		   struct store_batch *ret_batch)
{
	struct store_batch batch = { .encoding = "ndjson" };
	struct ep_err err = { 0 };
	int64_t n = store_batch_collect_of(kit->store, a->destination, part,
					   pieces_take, &rows, &batch);

	assert_true(n >= 0);
	if (n == 0)
		return false;
	batch.rows = (uint64_t)n;
	batch.body = strdup("{}\n");
	batch.body_len = 3;
	if (store_batch_freeze(kit->store, a->destination, &batch, &err) != 0)
		fail_msg("freeze: %s", err.text);
	assert_int_equal(batch.part, part);
	*ret_batch = batch;
	return true;
}

void pieces_refuse(struct kit *kit, const struct account *a,
		   enum store_part part, uint64_t rows)
{
	struct store_batch batch;
	struct ep_err err = { 0 };

	if (!pieces_freeze(kit, a, part, rows, &batch))
		return;
	if (store_batch_quarantine(kit->store, a->destination, &batch, "no",
				   &err) != 0)
		fail_msg("%s", err.text);
	store_batch_finish(&batch);
	kit_commit(kit);
}
