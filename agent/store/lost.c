/* A chunk that cannot be read: whoever lacks its rows is told that they are
 * missing, once, and it goes. */
#include "store/sealed.h"

#include <errno.h>
#include <stdlib.h>

struct giving_up {
	uint64_t id;
	struct run run;             /* its numbers that are kept */
	bool there[CHUNK_NUMBERS];  /* as a row of another kind, or declared */
	bool stands[CHUNK_NUMBERS]; /* a gap row, in the place of a row */
};

static void mark(struct giving_up *g, uint64_t first, uint64_t last)
{
	struct run run = run_within((struct run){ first, last }, g->run);

	for (uint64_t seq = run.first; seq <= run.last; seq++)
		g->there[seq - chunk_first(g->id)] = true;
}

static int mark_rows(struct store *store, struct giving_up *g, enum db_query q)
{
	sqlite3_stmt *s =
		db_ask(&store->db, q, "uu", g->run.first, g->run.last);
	int to = q == Q_GAP_NEVER ? 1 : 0, r;

	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0)
		mark(g, (uint64_t)sqlite3_column_int64(s, 0),
		     (uint64_t)sqlite3_column_int64(s, to));
	db_end(s);
	return r;
}

static int begin_at(struct store *store, struct destination *to, uint64_t seq)
{
	int r = db_run(&store->db, Q_DESTINATION_BEGIN, "iu", (int64_t)to->id,
		       seq);

	to->start = to->next = seq;
	return r < 0 ? r : destination_set(store, to);
}

/* Its first row, kept for it, was in there. */
static int lose_anchor(struct store *store, const struct giving_up *g,
		       struct destination *to)
{
	int64_t there;
	int r;

	if (!to->anchor || to->anchor / CHUNK_NUMBERS != g->id)
		return 0;
	r = db_number(&store->db, &there, Q_FIRST_TIME, "u", to->anchor);
	if (r != 0)
		return r < 0 ? r : 0;
	to->anchor = 0;
	return begin_at(store, to, to->next);
}

static bool run_has(struct run run, uint64_t seq)
{
	return run.first <= seq && seq <= run.last;
}

static bool has_nothing(const struct destination *to)
{
	return to->next == to->start && to->n_had == 0 && !to->anchor;
}

/* One that was to get its first row of these gets a gap row in its place: else
 * its numbers would begin after them, and it would not know. */
static int stand_in(struct store *store, struct giving_up *g,
		    const struct destination *to)
{
	size_t at;

	if (!has_nothing(to) || !run_has(g->run, to->next))
		return 0;
	at = (size_t)(to->next - chunk_first(g->id));
	if (g->there[at])
		return 0;
	g->there[at] = g->stands[at] = true;
	return gap_write(store, to->next, now_wall_ns(), GAP_CORRUPT);
}

static bool stands_for(const struct giving_up *g, const struct destination *to)
{
	return has_nothing(to) && run_has(g->run, to->next) &&
	       g->stands[to->next - chunk_first(g->id)];
}

/* That row says what comes after it; of more, a row to come. */
static int owe(struct store *store, const struct giving_up *g,
	       const struct destination *to, struct run run)
{
	int r = 0;

	if (run.first == to->next + 1 && stands_for(g, to))
		return gap_write_range(store, to->next, to->id, run);
	for (unsigned i = 0; i <= to->n_had && r == 0; i++) {
		struct run lost = run_within(range_piece(to, i), run);

		if (!run_is_empty(lost))
			r = gap_owe(store, to->id, GAP_CORRUPT, lost);
	}
	return r;
}

/* A place that stands for nothing but itself says so. */
static int owe_place(struct store *store, const struct giving_up *g,
		     const struct destination *to)
{
	struct run run = { to->next, to->next };

	if (!stands_for(g, to) ||
	    (to->next < g->run.last &&
	     !g->there[to->next + 1 - chunk_first(g->id)]))
		return 0;
	return gap_write_range(store, to->next, to->id, run);
}

static int owe_runs(struct store *store, const struct giving_up *g,
		    const struct destination *to)
{
	const bool *there = g->there;
	int r = owe_place(store, g, to);

	for (uint64_t seq = g->run.first; seq <= g->run.last && r == 0; seq++) {
		struct run run = { seq, seq };

		if (there[seq - chunk_first(g->id)])
			continue;
		while (run.last < g->run.last &&
		       !there[run.last + 1 - chunk_first(g->id)])
			run.last++;
		r = owe(store, g, to, run);
		seq = run.last;
	}
	return r;
}

static int forget_chunk(struct store *store, uint64_t id)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_CHUNK_SIZE, "u", id);
	int64_t rows = 0, bytes = 0;
	int r = s ? db_next(&store->db, s) : db_errno(&store->db);

	if (r > 0) {
		rows = sqlite3_column_int64(s, 0);
		bytes = sqlite3_column_int64(s, 1);
	}
	db_end(s);
	if (r > 0)
		r = db_run(&store->db, Q_CHUNK_DROP, "u", id);
	return r < 0 ? r : seal_count(store, -rows, -bytes);
}

static int give_up(struct store *store, void *arg)
{
	static const enum db_query others[] = { Q_NOTE_SCAN, Q_GAP_SCAN,
						Q_SAMPLE_SCAN, Q_GAP_NEVER };
	struct destination list[DESTINATIONS_MAX];
	struct giving_up *g = arg;
	int n = destination_list(store, list);
	int r = n < 0 ? n : 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && r == 0;
	     i++)
		r = mark_rows(store, g, others[i]);
	for (int i = 0; i < n && r == 0; i++)
		r = lose_anchor(store, g, &list[i]);
	for (int i = 0; i < n && r == 0; i++)
		r = stand_in(store, g, &list[i]);
	for (int i = 0; i < n && r == 0; i++)
		r = owe_runs(store, g, &list[i]);
	return r < 0 ? r : forget_chunk(store, g->id);
}

int seal_give_up(struct store *store)
{
	struct giving_up *g;
	int r;

	if (!store->damaged_chunk)
		return 0;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->id = store->damaged_chunk - 1;
	g->run = run_within(
		(struct run){ chunk_first(g->id), chunk_last(g->id) },
		(struct run){ store->floor, store->durable - 1 });
	r = store_transact(store, give_up, g, NULL);
	free(g);
	if (r < 0)
		return r;
	store->damaged_chunk = 0;
	return 1;
}
