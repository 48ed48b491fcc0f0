#include "store/runs.h"
#include "store/sealed.h"

#include <errno.h>
#include <string.h>

#define HAD_TEXT_MAX ((HAD_MAX + 1) * 42 + 1)

/* On disk a run of `had` is said as its first number and the one after its
 * last, so that an empty one is a run, too. */
static void read_had(sqlite3_stmt *s, int i, struct destination *to)
{
	to->n_had = runs_parse((const char *)sqlite3_column_text(s, i), to->had,
			       HAD_MAX);
	for (unsigned n = 0; n < to->n_had; n++)
		to->had[n].last--;
}

static const char *had_text(const struct destination *to, char *text,
			    size_t size)
{
	struct run runs[HAD_MAX];

	for (unsigned n = 0; n < to->n_had; n++)
		runs[n] = (struct run){ to->had[n].first, to->had[n].last + 1 };
	runs_text(runs, to->n_had, text, size);
	return to->n_had ? text : NULL;
}

static struct destination read_row(sqlite3_stmt *s)
{
	struct destination to = {
		.id = sqlite3_column_int(s, 0),
		.start = (uint64_t)sqlite3_column_int64(s, 1),
		.next = (uint64_t)sqlite3_column_int64(s, 2),
		.anchor = (uint64_t)sqlite3_column_int64(s, 3),
	};

	read_had(s, 4, &to);
	return to;
}

int destination_get(struct store *store, int id, struct destination *ret)
{
	sqlite3_stmt *s =
		db_ask(&store->db, Q_DESTINATION_GET, "i", (int64_t)id);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0)
		*ret = read_row(s);
	db_end(s);
	if (r == 0)
		return -ENOENT;
	return r < 0 ? r : 0;
}

int destination_list(struct store *store, struct destination *list)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_DESTINATION_SCAN, "");
	int n = 0, r;

	memset(list, 0, DESTINATIONS_MAX * sizeof(*list));
	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0 && n < DESTINATIONS_MAX)
		list[n++] = read_row(s);
	db_end(s);
	return r < 0 ? r : n;
}

int destination_set(struct store *store, const struct destination *to)
{
	char text[HAD_TEXT_MAX];
	const char *had = had_text(to, text, sizeof(text));

	if (to->anchor)
		return db_run(&store->db, Q_DESTINATION_SET, "iutu",
			      (int64_t)to->id, to->next, had, to->anchor);
	return db_run(&store->db, Q_DESTINATION_SET, "iut", (int64_t)to->id,
		      to->next, had);
}

int again_get(struct store *store, int id, struct again *ret)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_AGAIN_GET, "i", (int64_t)id);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0)
		ret->n = runs_parse((const char *)sqlite3_column_text(s, 0),
				    ret->runs, HAD_MAX + 1);
	db_end(s);
	if (r == 0)
		return -ENOENT;
	return r < 0 ? r : 0;
}

int again_set(struct store *store, int id, const struct again *again)
{
	char text[HAD_TEXT_MAX];

	runs_text(again->runs, again->n, text, sizeof(text));
	return db_run(&store->db, Q_AGAIN_SET, "it", (int64_t)id,
		      again->n ? text : NULL);
}

struct adding {
	const char *name;
	int64_t id;
};

static int add(struct store *store, void *arg)
{
	struct destination list[DESTINATIONS_MAX];
	struct adding *a = arg;
	int64_t start = (int64_t)store->durable;
	int r = destination_list(store, list);

	if (r >= DESTINATIONS_MAX)
		return -E2BIG;
	if (r >= 0)
		r = sealed_first_row(store, store->floor, &start);
	if (r >= 0)
		r = db_run(&store->db, Q_DESTINATION_ADD, "ti", a->name, start);
	if (r >= 0)
		r = db_number(&store->db, &a->id, Q_DESTINATION_FIND, "t",
			      a->name);
	return r < 0 ? r : 0;
}

int store_destination(struct store *store, const char *name, int *ret_id,
		      struct ep_err *err)
{
	struct adding a = { .name = name };
	int r;

	r = db_number(&store->db, &a.id, Q_DESTINATION_FIND, "t", name);
	if (r < 0)
		return db_fail(&store->db, err, store->path);
	if (r == 0) {
		r = store_transact(store, add, &a, err);
		if (r < 0)
			return r;
	}
	*ret_id = (int)a.id;
	return 0;
}

struct retiring {
	const int *ids;
	size_t n;
};

static bool among(const struct retiring *keep, int id)
{
	for (size_t i = 0; i < keep->n; i++)
		if (keep->ids[i] == id)
			return true;
	return false;
}

static int retire_one(struct store *store, int64_t id)
{
	static const enum db_query steps[] = {
		Q_BATCH_BODY_DROP_ALL,
		Q_BATCH_DROP_ALL,
		Q_DESTINATION_RETIRE,
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
		r = db_run(&store->db, steps[i], "i", id);
	return r;
}

static int retire(struct store *store, void *arg)
{
	struct destination list[DESTINATIONS_MAX];
	const struct retiring *keep = arg;
	int n = destination_list(store, list);
	int r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++)
		if (!among(keep, list[i].id))
			r = retire_one(store, list[i].id);
	return r;
}

int store_retire_destinations(struct store *store, const int *ids, size_t n,
			      struct ep_err *err)
{
	struct retiring keep = { ids, n };

	return store_transact(store, retire, &keep, err);
}

static int oldest_row(struct store *store, const struct destination *to,
		      int64_t *ret_ns)
{
	int64_t seq = (int64_t)to->anchor;
	int r = 1;

	if (!to->anchor)
		r = sealed_first_row(store, to->next, &seq);
	if (r > 0)
		r = sealed_row_time(store, (uint64_t)seq, ret_ns);
	return r;
}

/* Rows in `run`, as far as they are on disk: less what never reached it. */
static int rows_in(struct store *store, struct run run, uint64_t *ret_rows)
{
	struct run kept = { store->floor, store->durable - 1 };
	int64_t missing = 0;
	int r;

	run = run_within(run, kept);
	*ret_rows = 0;
	if (run_is_empty(run))
		return 0;
	r = db_number(&store->db, &missing, Q_GAP_OVERFLOWN, "uu", run.first,
		      run.last);
	if (r >= 0)
		*ret_rows = run.last - run.first + 1 - (uint64_t)missing;
	return r < 0 ? r : 0;
}

static int rows_again(struct store *store, int destination, uint64_t *ret_rows)
{
	struct again again = { .n = 0 };
	uint64_t rows = 0;
	int r = again_get(store, destination, &again);

	*ret_rows = 0;
	for (unsigned i = 0; r == 0 && i < again.n; i++) {
		r = rows_in(store, again.runs[i], &rows);
		*ret_rows += rows;
	}
	return r;
}

static int unfrozen(struct store *store, const struct destination *to,
		    struct store_lacking *ret)
{
	uint64_t rows = 0;
	int r = 0;

	*ret = (struct store_lacking){ .backlog = to->anchor && to->n_had };
	ret->fresh = to->anchor && !to->n_had;
	for (unsigned i = 0; i < to->n_had && r == 0; i++) {
		r = rows_in(store, range_piece(to, i), &rows);
		ret->backlog += rows;
	}
	if (r == 0)
		r = rows_in(store, range_piece(to, to->n_had), &rows);
	ret->fresh += rows;
	return r < 0 ? r : rows_again(store, to->id, &ret->again);
}

int store_lacking(struct store *store, int destination,
		  struct store_lacking *ret_lacking)
{
	struct destination to = { .id = 0 };
	int r = destination_get(store, destination, &to);

	return r < 0 ? r : unfrozen(store, &to, ret_lacking);
}

static int frozen(struct store *store, int destination, uint64_t *ret_rows,
		  int64_t *ret_ns)
{
	sqlite3_stmt *s =
		db_ask(&store->db, Q_BATCH_BACKLOG, "i", (int64_t)destination);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0) {
		*ret_rows = (uint64_t)sqlite3_column_int64(s, 0);
		*ret_ns = sqlite3_column_int64(s, 1);
	}
	db_end(s);
	return r < 0 ? r : 0;
}

int store_waiting(struct store *store, int destination,
		  struct store_waiting *ret_waiting)
{
	struct store_waiting waiting = { .fresh = false };
	struct destination to = { .id = 0 };
	struct again again = { .n = 0 };
	sqlite3_stmt *s;
	int r = destination_get(store, destination, &to);

	if (r == 0)
		r = again_get(store, destination, &again);
	if (r < 0)
		return r;
	s = db_ask(&store->db, Q_BATCH_PARTS, "i", (int64_t)destination);
	if (!s)
		return db_errno(&store->db);
	waiting.older = to.n_had > 0 || again.n > 0;
	while ((r = db_next(&store->db, s)) > 0)
		if (sqlite3_column_int(s, 0) == STORE_FRESH)
			waiting.fresh = true;
		else
			waiting.older = true;
	db_end(s);
	*ret_waiting = waiting;
	return r;
}

int store_backlog(struct store *store, int destination, uint64_t *ret_rows,
		  uint64_t *ret_oldest_ns)
{
	uint64_t in_batches = 0, beyond = 0, now = now_wall_ns();
	struct store_lacking lacking = { 0 };
	struct destination to = { .id = 0 };
	int64_t oldest = 0;
	int r;

	r = destination_get(store, destination, &to);
	if (r == 0)
		r = frozen(store, destination, &in_batches, &oldest);
	if (r == 0)
		r = unfrozen(store, &to, &lacking);
	beyond = lacking.fresh + lacking.backlog;
	if (r == 0 && beyond > 0)
		r = oldest_row(store, &to, &oldest);
	if (r < 0)
		return r;
	*ret_rows = in_batches + beyond + lacking.again;
	*ret_oldest_ns = oldest > 0 && now > (uint64_t)oldest
				 ? now - (uint64_t)oldest
				 : 0;
	return 0;
}

/* --- what is fresh --- */

/* The first row from `at` on with which a run may begin: no gap row after it
 * declares to everyone what lies before it. Else that could be told while what
 * it tells of is still part of what may be evicted and declared. 1, 0: there
 * is none, or a negative errno. */
static int clean_cut(struct store *store, uint64_t at, uint64_t *ret_first)
{
	int64_t first = 0, owed = 0;
	int r = db_number(&store->db, &owed, Q_OWED_OVERFLOW, "u",
			  (uint64_t)INT64_MAX);

	if (r != 0)
		return r < 0 ? r : 0; /* it has no number yet */
	while ((r = sealed_first_row(store, at, &first)) > 0) {
		sqlite3_stmt *s = db_ask(&store->db, Q_GAP_OVER, "u",
					 (uint64_t)first - 1);

		*ret_first = (uint64_t)first;
		if (!s)
			return db_errno(&store->db);
		r = db_next(&store->db, s);
		if (r > 0)
			at = (uint64_t)sqlite3_column_int64(s, 1) + 1;
		db_end(s);
		if (r <= 0)
			return r < 0 ? r : 1;
	}
	return r;
}

struct splitting {
	int destination;
	uint64_t rows;
	bool split;
};

static int split(struct store *store, void *arg)
{
	struct splitting *sp = arg;
	struct destination to = { .id = 0 };
	uint64_t first = 0;
	int r = destination_get(store, sp->destination, &to);

	sp->split = false;
	if (r < 0 || store->durable < range_fresh(&to) + sp->rows)
		return r;
	r = clean_cut(store, store->durable - sp->rows, &first);
	if (r <= 0 || first <= range_fresh(&to) || !range_split(&to, first))
		return r < 0 ? r : 0;
	sp->split = true;
	return destination_set(store, &to);
}

int store_destination_split(struct store *store, int destination, uint64_t rows,
			    struct ep_err *err)
{
	struct splitting sp = { .destination = destination, .rows = rows };
	int r = store_transact(store, split, &sp, err);

	return r < 0 ? r : sp.split;
}
