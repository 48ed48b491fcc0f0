/* The size bound. The oldest rows go first, a good piece at a time: what every
 * destination has, then dead letters, then what some destination lacks, which
 * is owed to it as a gap.
 *
 * A destination that has got nothing yet keeps its first row (its anchor):
 * else what it is told would begin before its first row, and its numbers would
 * not add up. */
#include "store/sealed.h"

#include <errno.h>

#define STEP_SHARE    50 /* of the rows: 2 % */
#define STEP_MIN_ROWS 512
#define STEP_MAX_ROWS 50000
/* Beyond what is asked for: index pages, the other tables, splits. */
#define SLACK_PAGES 64

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Owe `to` of `run` what is not among what it lacks of `going`: that is declared
 * anyhow. */
static int owe_rest(struct store *store, const struct destination *to,
		    enum gap_reason reason, struct run run, struct run going)
{
	int r = 0;

	for (unsigned i = 0; i <= to->n_had && r == 0; i++) {
		struct run lost = run_within(range_piece(to, i), going);
		struct run before = { run.first, lost.first - 1 };

		if (run_is_empty(lost))
			continue;
		before = run_within(before, run);
		if (!run_is_empty(before))
			r = gap_owe(store, to->id, reason, before);
		run.first = max_u64(run.first, lost.last + 1);
	}
	if (r == 0 && !run_is_empty(run))
		r = gap_owe(store, to->id, reason, run);
	return r;
}

/* Gap rows that `to` had still to get are about to go: say again what they
 * said. */
static int rehome(struct store *store, const struct destination *to,
		  struct run going)
{
	sqlite3_stmt *s =
		db_ask(&store->db, Q_GAP_SCAN, "uu", going.first, going.last);
	int r;

	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0) {
		uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0), others;
		enum gap_reason reason =
			(enum gap_reason)sqlite3_column_int(s, 2);
		struct run run = { 0, 0 };

		if (!range_lacks(to, seq))
			continue;
		r = gap_view(store, seq, to, &run, &others);
		if (r > 0)
			r = owe_rest(store, to, reason, run, going);
		if (r < 0)
			break;
	}
	db_end(s);
	return r;
}

/* Lengthen the last gap row that `to` has not got yet, if it ends where this
 * begins; else owe a new one. */
static int declare(struct store *store, const struct destination *to,
		   struct run run)
{
	int64_t seq = 0;
	int r = db_number(&store->db, &seq, Q_GAP_BEFORE, "iuui",
			  (int64_t)to->id, run.first, run.last,
			  (int64_t)GAP_EVICTED);

	if (r > 0 && range_lacks(to, (uint64_t)seq))
		return db_run(&store->db, Q_GAP_EXTEND, "iuu", (int64_t)to->id,
			      (uint64_t)seq, run.last);
	return r < 0 ? r : gap_owe(store, to->id, GAP_EVICTED, run);
}

/* Keep the first row of one that has none yet. */
static int keep_anchor(struct store *store, struct destination *to,
		       uint64_t last)
{
	int64_t seq = 0;
	int r = sealed_first_row(store, to->next, &seq);

	if (r > 0 && (uint64_t)seq <= last) {
		to->anchor = (uint64_t)seq;
		to->next = to->anchor + 1;
	}
	return r < 0 ? r : 0;
}

/* What is owed to `to` of `lost`, which is declared as a whole. */
static int settle_within(struct store *store, const struct destination *to,
			 struct run lost)
{
	int r = db_run(&store->db, Q_OWED_WITHIN, "iuu", (int64_t)to->id,
		       lost.first, lost.last);

	return r < 0 ? r
		     : db_run(&store->db, Q_OWED_BEYOND, "iuu", (int64_t)to->id,
			      lost.first, lost.last);
}

/* `to` lacks rows of `going`. Returns how many, or a negative errno. */
static int64_t cost(struct store *store, struct destination *to,
		    struct run going)
{
	uint64_t rows = 0;
	int r = 0;

	if (to->next == to->start && to->id != GAP_TO_NOBODY)
		r = keep_anchor(store, to, going.last);
	for (unsigned i = 0; i <= to->n_had && r == 0; i++) {
		struct run lost = run_within(range_piece(to, i), going);

		if (run_is_empty(lost))
			continue;
		rows += lost.last - lost.first + 1;
		r = settle_within(store, to, lost);
		if (r == 0)
			r = declare(store, to, lost);
	}
	if (r == 0)
		r = rehome(store, to, going);
	range_advance(to, going.last + 1);
	if (r == 0 && to->id != GAP_TO_NOBODY)
		r = destination_set(store, to);
	return r < 0 ? r : (int64_t)rows;
}

static int count_evicted(struct store *store, int destination, int64_t rows)
{
	return db_run(&store->db, Q_COUNT_ADD, "iti", (int64_t)destination,
		      "evicted", rows);
}

/* Tell each that lacks rows of `going`; with nobody configured, the report. */
static int tell(struct store *store, struct run going, struct destination *list,
		int n)
{
	struct destination nobody = { .id = GAP_TO_NOBODY };
	int64_t most = n > 0 ? 0 : cost(store, &nobody, going);

	if (n == 0)
		return most < 0 ? (int)most : 0;
	for (int i = 0; i < n; i++) {
		int64_t rows;

		if (list[i].next > going.last)
			continue;
		rows = cost(store, &list[i], going);
		if (rows < 0 || count_evicted(store, list[i].id, rows) < 0)
			return rows < 0 ? (int)rows : db_errno(&store->db);
		most = rows > most ? rows : most;
	}
	return most > 0 ? count_evicted(store, 0, most) : 0;
}

static int delete_rows(struct store *store, uint64_t last)
{
	static const enum db_query tables[] = {
		Q_EVICT_SAMPLE, Q_EVICT_HTTPS, Q_EVICT_LATE,
		Q_EVICT_NOTE,   Q_EVICT_GAP,   Q_EVICT_GAP_RANGE,
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && r == 0;
	     i++)
		r = db_run(&store->db, tables[i], "u", last);
	if (r == 0)
		r = seal_evict(store, last);
	if (r == 0)
		r = db_run(&store->db, Q_EVICT_SPAN, "u",
			   (last + 1) / SPAN_ROWS);
	if (r == 0)
		r = db_run(&store->db, Q_META_SET, "tu", "floor", last + 1);
	return r;
}

/* A range that never reached the disk and its gap row go together or not at
 * all: else both this and that row would count them. */
static int whole_gaps(struct store *store, uint64_t first, uint64_t *last)
{
	bool up = false;
	int r = 1;

	while (r > 0) {
		sqlite3_stmt *s = db_ask(&store->db, Q_GAP_OVER, "u", *last);

		if (!s)
			return db_errno(&store->db);
		r = db_next(&store->db, s);
		if (r > 0) {
			uint64_t from = (uint64_t)sqlite3_column_int64(s, 0);

			up = up || from <= first;
			*last = up ? (uint64_t)sqlite3_column_int64(s, 1)
				   : from - 1;
		}
		db_end(s);
	}
	return r;
}

/* Such a range without its gap row yet, if one begins in `going`. */
static int owed_overflow(struct store *store, struct run going,
			 struct run *ret_run)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_OWED_OVERFLOW, "u", going.last);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0)
		*ret_run = (struct run){ (uint64_t)sqlite3_column_int64(s, 0),
					 (uint64_t)sqlite3_column_int64(s, 1) };
	db_end(s);
	return r;
}

/* It goes with `going`, which each that lacks it is told of; those that have
 * got rows beyond it are told on their own. */
static int take_owed(struct store *store, struct run *going,
		     const struct destination *list, int n)
{
	struct run run = { 0, 0 };
	int r;

	while ((r = owed_overflow(store, *going, &run)) > 0) {
		going->last = max_u64(going->last, run.last);
		r = db_run(&store->db, Q_OWED_DROP, "uu", run.first, run.last);
		for (int i = 0; i < n && r == 0; i++)
			if (!range_lacks(&list[i], run.first))
				r = gap_owe(store, list[i].id, GAP_OVERFLOW,
					    run);
		if (r < 0)
			break;
	}
	return r;
}

/* What goes next; `*ret_run` is empty (last < first) if nothing can. */
static int choose(struct store *store, const struct destination *list, int n,
		  struct run *ret_run)
{
	uint64_t delivered = n > 0 ? UINT64_MAX : 0;
	uint64_t first = store->floor, last;
	uint64_t step = (store->durable - first) / STEP_SHARE;
	int r;

	step = min_u64(max_u64(step, STEP_MIN_ROWS), STEP_MAX_ROWS);
	last = min_u64(first + step, store->durable) - 1;
	r = seal_whole(store, &last);
	if (r < 0)
		return r;
	for (int i = 0; i < n; i++)
		delivered = min_u64(delivered, list[i].next - 1);
	if (first <= delivered)
		last = min_u64(last, delivered);
	*ret_run = (struct run){ first, last };
	if (last < first)
		return 0;
	return whole_gaps(store, first, &ret_run->last);
}

struct eviction {
	bool evicted;   /* something went */
	uint64_t floor; /* after it */
};

static bool all_have(const struct destination *list, int n, uint64_t seq)
{
	for (int i = 0; i < n; i++)
		if (list[i].next <= seq)
			return false;
	return n > 0;
}

static int drop_dead_letter(struct store *store, struct eviction *e)
{
	int r = db_run(&store->db, Q_DEAD_DROP_OLDEST, "");

	e->evicted = r == 0 && sqlite3_changes(store->db.sqlite) > 0;
	return r;
}

static int step(struct store *store, void *arg)
{
	struct destination list[DESTINATIONS_MAX];
	struct eviction *e = arg;
	struct run going;
	int n, r;

	e->floor = store->floor;
	n = destination_list(store, list);
	if (n < 0)
		return n;
	r = choose(store, list, n, &going);
	if (r < 0)
		return r;
	if (going.last < going.first || !all_have(list, n, going.last)) {
		r = drop_dead_letter(store, e);
		if (r < 0 || e->evicted || going.last < going.first)
			return r;
	}
	r = take_owed(store, &going, list, n);
	if (r == 0)
		r = tell(store, going, list, n);
	if (r == 0)
		r = delete_rows(store, going.last);
	e->evicted = true;
	e->floor = going.last + 1;
	return r;
}

/* Pages that may still be filled. */
static int pages_free(struct store *store, int64_t *ret_free)
{
	int64_t pages = 0, unused = 0, limit = (int64_t)store->max_pages;
	int r = db_number(&store->db, &pages, Q_PAGES, "");

	if (r >= 0)
		r = db_number(&store->db, &unused, Q_PAGES_FREE, "");
	if (r < 0)
		return r;
	if (store->disk_full && pages < limit)
		limit = pages;
	*ret_free = limit - (pages - unused);
	return 0;
}

/* Pages that evicting everything would free, more or less. */
static int64_t evictable(struct store *store)
{
	int64_t pages = 0;

	(void)db_number(&store->db, &pages, Q_PAGES, "");
	return pages - SLACK_PAGES;
}

int evict_for(struct store *store, uint64_t bytes)
{
	int64_t need = (int64_t)(bytes / PAGE_BYTES) + SLACK_PAGES, unused;
	int r = pages_free(store, &unused);

	if (r == 0 && store->disk_full && unused < need &&
	    evictable(store) < need)
		return -ENOSPC; /* all of it would not make room enough */
	while (r == 0 && unused < need) {
		struct eviction e = { 0 };

		r = transact_once(store, step, &e, NULL);
		if (r == 0 && !e.evicted)
			return -ENOSPC;
		if (r == 0) {
			store->floor = e.floor;
			r = names_tidy(store);
		}
		if (r == 0)
			r = pages_free(store, &unused);
	}
	return r;
}
