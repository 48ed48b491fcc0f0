/* What is missing, and to whom it is said.
 *
 * A loss is first *owed*: written in the transaction that causes it, without a
 * sequence number, because rows that wait in memory have lower ones than any
 * that could be given then. The next commit that empties the queue turns what
 * is owed into gap rows. One gap row holds at most one range for each
 * destination; to one it says nothing to, it is a `self` row. */
#include "store/parts.h"

#include <errno.h>

int gap_owe(struct store *store, int destination, enum gap_reason reason,
	    struct run run)
{
	sqlite3 *sqlite = store->db.sqlite;
	static const enum db_query ways[] = { Q_OWED_GROW_UP, Q_OWED_GROW_DOWN,
					      Q_OWED_ADD };
	int r = 0;

	store->owed = true;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		r = db_run(&store->db, ways[i], "iiuu", (int64_t)destination,
			   (int64_t)reason, run.first, run.last);
		if (r < 0 || sqlite3_changes(sqlite) > 0)
			break;
	}
	return r;
}

int gap_write(struct store *store, uint64_t seq, uint64_t time_ns,
	      enum gap_reason reason)
{
	return db_run(&store->db, Q_GAP_ADD, "uui", seq, time_ns,
		      (int64_t)reason);
}

int gap_write_range(struct store *store, uint64_t seq, int destination,
		    struct run run)
{
	return db_run(&store->db, Q_GAP_RANGE_ADD, "uiuu", seq,
		      (int64_t)destination, run.first, run.last);
}

/* While what is owed is turned into rows, in order of reason, destination and
 * range. */
struct settling {
	uint64_t first_seq; /* of this reason */
	uint64_t end_seq;   /* the next that is free */
	uint64_t seq;       /* of the last range */
	int64_t reason;     /* -1: none yet */
	int64_t destination;
};

/* The number of the gap row for one more range: ranges of one destination go
 * into one row after the other; those for everyone have theirs alone, because
 * a destination's own range hides them. */
static uint64_t place(struct settling *at, int64_t destination, int64_t reason)
{
	bool same = at->reason == reason && at->destination == destination;

	if (at->reason != reason || at->destination == GAP_TO_ALL)
		at->first_seq = at->end_seq;
	at->seq =
		same && destination != GAP_TO_ALL ? at->seq + 1 : at->first_seq;
	at->reason = reason;
	at->destination = destination;
	return at->seq;
}

static int settle_one(struct store *store, struct settling *at,
		      sqlite3_stmt *row)
{
	int64_t destination = sqlite3_column_int64(row, 0);
	int64_t reason = sqlite3_column_int64(row, 1);
	struct run run = { (uint64_t)sqlite3_column_int64(row, 2),
			   (uint64_t)sqlite3_column_int64(row, 3) };
	uint64_t seq = place(at, destination, reason);
	int r;

	if (seq == at->end_seq) {
		r = gap_write(store, seq, now_wall_ns(),
			      (enum gap_reason)reason);
		if (r < 0)
			return r;
		at->end_seq++;
	}
	return gap_write_range(store, seq, (int)destination, run);
}

int gap_settle(struct store *store, uint64_t *seq)
{
	struct settling at = { .end_seq = *seq, .reason = -1 };
	sqlite3_stmt *s;
	int r;

	if (!store->owed)
		return 0;
	s = db_ask(&store->db, Q_OWED_SCAN, "");
	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0) {
		r = settle_one(store, &at, s);
		if (r < 0)
			break;
	}
	db_end(s);
	if (r == 0)
		r = db_run(&store->db, Q_OWED_CLEAR, "");
	if (r == 0)
		*seq = at.end_seq;
	return r;
}

/* What one gap row says, read from its ranges. */
struct said {
	struct run own, all, hull;
	bool has_own, has_all;
	uint64_t n; /* rows in all its ranges */
};

static void hear(struct said *said, sqlite3_stmt *row, int destination)
{
	int64_t to = sqlite3_column_int64(row, 0);
	struct run run = { (uint64_t)sqlite3_column_int64(row, 1),
			   (uint64_t)sqlite3_column_int64(row, 2) };

	if (said->n == 0 || run.first < said->hull.first)
		said->hull.first = run.first;
	if (said->n == 0 || run.last > said->hull.last)
		said->hull.last = run.last;
	said->n += run.last - run.first + 1;
	if (to == destination) {
		said->own = run;
		said->has_own = true;
	} else if (to == GAP_TO_ALL) {
		said->all = run;
		said->has_all = true;
	}
}

int gap_view(struct store *store, uint64_t seq, const struct destination *to,
	     struct run *ret_run, uint64_t *ret_others)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_GAP_RANGES, "u", seq);
	struct said said = { .n = 0 };
	int r;

	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0)
		hear(&said, s, to ? to->id : GAP_TO_NOBODY);
	db_end(s);
	if (r < 0)
		return r;
	*ret_others = said.n;
	if (!to) {
		*ret_run = said.hull;
		return said.n > 0;
	}
	if (said.has_own)
		*ret_run = said.own;
	else if (said.has_all && said.all.first > to->start)
		*ret_run = said.all;
	else
		return 0; /* not missed, or before its first row */
	return 1;
}
