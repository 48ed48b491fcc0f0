/* What is to become a batch: rows of one part of what a destination lacks, in
 * order, and what follows for it when they are frozen. */
#include "store/sealed.h"

#include <errno.h>
#include <stdlib.h>

struct collecting {
	const struct store *store;
	store_encode_cb encode;
	void *arg;
	struct collected *c;
	int64_t rows;
};

static bool is_full(const struct content *c, const struct record *record,
		    bool joined)
{
	return (!joined && c->n_runs == RUNS_MAX) ||
	       (record->type == ROW_GAP && c->n_told == RUNS_MAX);
}

static int take(const struct record *record, void *arg)
{
	struct collecting *k = arg;
	struct content *c = &k->c->content;
	struct run *run = c->n_runs ? &c->runs[c->n_runs - 1] : NULL;
	bool joined = run && run->last + 1 == record->seq;
	int r;

	/* What a damaged chunk held is declared before the rest follows. */
	if (k->store->damaged_chunk || is_full(c, record, joined))
		return -E2BIG;
	r = k->encode(record, k->arg);
	if (r != 0)
		return r;
	if (joined)
		run->last = record->seq;
	else
		c->runs[c->n_runs++] = (struct run){ record->seq, record->seq };
	if (record->type == ROW_GAP)
		c->told[c->n_told++] =
			(struct told){ record->seq,
				       (int)record->reason,
				       { record->first, record->last } };
	if (k->rows++ == 0)
		c->oldest_ns = record->time_ns;
	return 0;
}

struct collected *collected_for(struct store *store, int destination)
{
	struct collected *c = store->collected;

	while (c && c->destination != destination)
		c = c->next;
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->destination = destination;
	c->next = store->collected;
	store->collected = c;
	return c;
}

/* Where the rows of a part are. 1: `*ret_run`; 0: nowhere. */
static int look_where(struct store *store, const struct destination *to,
		      enum store_part part, struct run *ret_run)
{
	struct again again;
	int r;

	switch (part) {
	case STORE_FRESH:
		*ret_run = range_piece(to, to->n_had);
		return 1;
	case STORE_BACKLOG:
		*ret_run = range_piece(to, 0);
		return to->n_had > 0;
	case STORE_AGAIN:
		r = again_get(store, to->id, &again);
		return r < 0 ? r : again_piece(store, to->id, &again, ret_run);
	case STORE_ANY:
		break;
	}
	return -EINVAL;
}

/* The first row of all is with the oldest. */
static bool has_anchor(const struct destination *to, enum store_part part)
{
	return to->anchor && part == (to->n_had ? STORE_BACKLOG : STORE_FRESH);
}

static int look(struct store *store, const struct destination *to,
		struct collecting *k)
{
	struct store_range anchor = { .first_seq = to->anchor,
				      .last_seq = to->anchor };
	struct store_range rest = { .first_seq = k->c->run.first,
				    .last_seq = k->c->run.last };
	int r = 0;

	if (has_anchor(to, k->c->part))
		r = scan_for(store, &anchor, to, take, k, NULL);
	if (r == 0 && !run_is_empty(k->c->run))
		r = scan_for(store, &rest, to, take, k, NULL);
	k->c->ended = r == 0;
	if (r > 0)
		return -ECANCELED;
	return r == -E2BIG ? 0 : r;
}

/* 1: rows may have been taken; 0: there is nothing of this part. */
static int collect(struct store *store, int destination, enum store_part part,
		   struct collecting *k)
{
	struct destination to;
	int r = destination_get(store, destination, &to);

	k->c->part = k->c->content.part = part;
	k->c->content.n_runs = k->c->content.n_told = 0;
	k->c->lacked = to.next;
	if (r == 0)
		r = look_where(store, &to, part, &k->c->run);
	if (r <= 0)
		return r;
	r = look(store, &to, k);
	return r == 0 ? 1 : r;
}

/* --- what follows --- */

static int take_fresh(const struct collected *c, struct destination *to,
		      uint64_t last)
{
	if (to->next != c->lacked || range_fresh(to) != c->run.first)
		return -ESTALE; /* some of it was evicted since */
	if (to->n_had) {
		to->had[to->n_had - 1].last = last;
		return 0;
	}
	if (last >= to->next)
		to->next = last + 1;
	to->anchor = 0;
	return 0;
}

/* All that was there to be seen is in it: nothing is left of the run. */
static bool is_all(const struct collected *c, uint64_t last)
{
	const struct content *had = &c->content;

	return c->ended &&
	       (had->n_runs == 0 || had->runs[had->n_runs - 1].last == last);
}

static int take_backlog(const struct collected *c, struct destination *to,
			uint64_t last)
{
	if (to->next != c->lacked || to->n_had == 0)
		return -ESTALE;
	if (is_all(c, last))
		range_advance(to, c->run.last + 1);
	else if (last >= to->next)
		range_advance(to, last + 1);
	to->anchor = 0;
	return 0;
}

static int take_again(struct store *store, const struct collected *c,
		      uint64_t last)
{
	uint64_t to = is_all(c, last) ? c->run.last : last;
	struct again again, left = { .n = 0 };
	int r = again_get(store, c->destination, &again);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < again.n; i++) {
		struct run run = again.runs[i];

		if (run.first <= to)
			run.first = to + 1;
		if (!run_is_empty(run))
			left.runs[left.n++] = run;
	}
	return again_set(store, c->destination, &left);
}

int collected_take(struct store *store, const struct collected *c,
		   uint64_t last)
{
	struct destination to;
	int r;

	if (c->part == STORE_AGAIN)
		return take_again(store, c, last);
	r = destination_get(store, c->destination, &to);
	if (r == 0)
		r = c->part == STORE_FRESH ? take_fresh(c, &to, last)
					   : take_backlog(c, &to, last);
	return r < 0 ? r : destination_set(store, &to);
}

/* A run without a row: there is nothing to freeze, and it is done with. */
static int pass_over(struct store *store, void *arg)
{
	return collected_take(store, arg, 0);
}

static bool is_hollow(const struct collecting *k)
{
	return k->rows == 0 && k->c->ended && k->c->part != STORE_FRESH;
}

static int collect_rows(struct store *store, int destination,
			enum store_part part, struct collecting *k)
{
	int r;

	store->damaged_chunk = 0;
	do {
		r = collect(store, destination, part, k);
		if (r >= 0 && store->damaged_chunk) {
			r = seal_give_up(store);
			if (r < 0 || k->rows > 0)
				return r;
			continue;
		}
		if (r <= 0 || !is_hollow(k))
			return r;
		r = store_transact(store, pass_over, k->c, NULL);
	} while (r >= 0);
	return r;
}

int64_t store_batch_collect_of(struct store *store, int destination,
			       enum store_part part, store_encode_cb encode,
			       void *arg, struct store_batch *ret_batch)
{
	struct collecting k = {
		.store = store,
		.encode = encode,
		.arg = arg,
		.c = collected_for(store, destination),
	};
	int r;

	if (!k.c)
		return -ENOMEM;
	r = collect_rows(store, destination, part, &k);
	if (r < 0)
		return r;
	if (k.rows > 0) {
		const struct content *c = &k.c->content;

		ret_batch->first = c->runs[0].first;
		ret_batch->last = c->runs[c->n_runs - 1].last;
	}
	return k.rows;
}

int64_t store_batch_collect(struct store *store, int destination,
			    store_encode_cb encode, void *arg,
			    uint64_t *ret_first, uint64_t *ret_last)
{
	struct store_batch batch = { 0 };
	int64_t n = store_batch_collect_of(store, destination, STORE_FRESH,
					   encode, arg, &batch);

	if (n > 0) {
		*ret_first = batch.first;
		*ret_last = batch.last;
	}
	return n;
}
