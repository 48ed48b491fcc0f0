/* What was delivered, once more: a destination that lost what it had
 * acknowledged asks for it again. Nothing else knows of it: as to what is
 * missing and what may be evicted these rows are delivered. */
#include "store/parts.h"

#include <errno.h>

/* No answer is waited for longer. */
#define LATE_MAX_NS ((uint64_t)120 * 1000000000u)

/* One that says that `run`, or some of it, is missing. 1: the lowest. */
static int declared(struct store *store, int destination, struct run run,
		    struct run *ret_run)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_GAP_DECLARED, "iuu",
				 (int64_t)destination, run.first, run.last);
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

int again_piece(struct store *store, int destination, struct again *again,
		struct run *ret_run)
{
	struct run kept = { store->floor, store->durable - 1 };
	struct run gone = { 0, 0 };
	unsigned i = 0;
	int r = 0;

	while (i < again->n) {
		struct run run = run_within(again->runs[i], kept);

		if (run_is_empty(run)) {
			i++;
			continue;
		}
		r = declared(store, destination, run, &gone);
		if (r > 0 && gone.first <= run.first) {
			kept.first = gone.last + 1;
			continue;
		}
		if (r > 0)
			run.last = gone.first - 1;
		*ret_run = run;
		return r < 0 ? r : 1;
	}
	return 0;
}

/* --- asking for it --- */

static int on_row(const struct scan_row *row, void *arg)
{
	*(uint64_t *)arg = row->seq;
	return 1;
}

/* The first that is as new; UINT64_MAX: there is none. */
static int first_since(struct store *store, uint64_t since_ns,
		       uint64_t *ret_seq, struct ep_err *err)
{
	struct store_range range = { .since_ns = since_ns, .destination = -1 };
	uint64_t first = UINT64_MAX;
	int64_t other;
	int r = store_scan_rows(store, &range, on_row, &first, err);

	if (r < 0)
		return r;
	r = db_number(&store->db, &other, Q_NOTE_SINCE, "u", since_ns);
	if (r < 0)
		return db_fail(&store->db, err, store->path);
	*ret_seq = r > 0 && (uint64_t)other < first ? (uint64_t)other : first;
	return 0;
}

static int on_older(const struct scan_row *row, void *arg)
{
	*(uint64_t *)arg = row->seq;
	return 0;
}

/* The last that is older. A row has its number when its answer is there, or is
 * no longer waited for: so it may come after newer ones, but not long after. */
static int last_until(struct store *store, uint64_t until_ns, uint64_t *ret_seq,
		      struct ep_err *err)
{
	struct store_range range = { .until_ns = until_ns, .destination = -1 };
	uint64_t first = UINT64_MAX, beyond = UINT64_MAX;
	int r = first_since(store, until_ns, &first, err);

	if (r == 0)
		r = first_since(store, until_ns + LATE_MAX_NS, &beyond, err);
	if (r < 0)
		return r;
	*ret_seq = first - 1;
	if (beyond <= first)
		return 0;
	range.first_seq = first;
	range.last_seq = beyond < store->durable ? beyond - 1 : store->durable;
	return store_scan_rows(store, &range, on_older, ret_seq, err);
}

struct replaying {
	int destination;
	struct run within;
};

static void add_run(struct again *again, struct run run, struct run within)
{
	run = run_within(run, within);
	if (!run_is_empty(run))
		again->runs[again->n++] = run;
}

/* What still has to go of an earlier one, and what lies between. */
static void join(struct run *run, const struct again *earlier)
{
	if (earlier->n == 0)
		return;
	if (run_is_empty(*run))
		*run = earlier->runs[0];
	if (earlier->runs[0].first < run->first)
		run->first = earlier->runs[0].first;
	if (earlier->runs[earlier->n - 1].last > run->last)
		run->last = earlier->runs[earlier->n - 1].last;
}

static int replay(struct store *store, void *arg)
{
	const struct replaying *rp = arg;
	struct run within = rp->within;
	struct again earlier = { .n = 0 }, again = { .n = 0 };
	struct destination to = { .id = 0 };
	int r = destination_get(store, rp->destination, &to);

	if (r == 0)
		r = again_get(store, rp->destination, &earlier);
	if (r < 0)
		return r;
	join(&within, &earlier);
	if (within.first < store->floor)
		within.first = store->floor;
	add_run(&again, (struct run){ 0, to.next - 1 }, within);
	for (unsigned i = 0; i < to.n_had; i++)
		add_run(&again, to.had[i], within);
	return again_set(store, rp->destination, &again);
}

int store_replay(struct store *store, int destination, uint64_t since_ns,
		 uint64_t until_ns, uint64_t *ret_rows, struct ep_err *err)
{
	struct replaying rp = {
		.destination = destination,
		.within.last = INT64_MAX,
	};
	struct store_lacking lacking;
	int r = first_since(store, since_ns, &rp.within.first, err);

	if (r == 0 && until_ns > 0)
		r = last_until(store, until_ns, &rp.within.last, err);
	if (r == 0)
		r = store_transact(store, replay, &rp, err);
	if (r < 0)
		return r;
	r = store_lacking(store, destination, &lacking);
	if (r < 0)
		return db_fail(&store->db, err, store->path);
	*ret_rows = lacking.again;
	return 0;
}
