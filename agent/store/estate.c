/* What a damaged file holds beside rows: who has got what, frozen batches, what
 * is owed, dead letters, and names.
 *
 * A frozen batch of which the bytes are damaged is frozen anew: its rows become
 * rows that its destination lacks. If it cannot be read which batches there
 * were, or which destinations, everything is sent again. */
#include "store/plausible.h"
#include "store/runs.h"
#include "store/salvage_i.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Names, batches and letters behind the last that can be read. */
#define TAIL_IDS 4096
#define TEXT_MAX 4096
/* Of dead letters in one transaction. */
#define PIECE_BYTES ((uint64_t)1 << 20)

/* --- whole tables --- */

static int64_t each_from(struct salvage *s, enum wreck_table table,
			 int64_t first, wreck_cb cb)
{
	bool whole = true;
	int64_t cap = (int64_t)(s->last + ((uint64_t)1 << 32));
	int64_t last = wreck_last(&s->wreck, table, cap, &whole);

	return wreck_read(&s->wreck, table, first,
			  whole ? last : last + TAIL_IDS, cb, s);
}

static int64_t each(struct salvage *s, enum wreck_table table, wreck_cb cb)
{
	return each_from(s, table, -1, cb);
}

static int copy_any(struct salvage *s, enum wreck_table table,
		    sqlite3_stmt *row)
{
	int r = copy_row(&s->copies[table], row);

	return r < 0 ? r : 0;
}

static bool is_text(sqlite3_stmt *row, int i)
{
	const char *text = (const char *)sqlite3_column_text(row, i);
	size_t len = text ? strlen(text) : 0;

	if (sqlite3_column_type(row, i) == SQLITE_NULL)
		return true;
	if (sqlite3_column_type(row, i) != SQLITE_TEXT)
		return false;
	if (len != (size_t)sqlite3_column_bytes(row, i) || len > TEXT_MAX)
		return false;
	for (size_t n = 0; n < len; n++)
		if ((unsigned char)text[n] < 0x20)
			return false;
	return true;
}

/* A piece of them at a time. */
static int on_dead(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	/* time_ns, destination, first, ..., answer, body */
	uint64_t bytes = (uint64_t)sqlite3_column_bytes(row, 12);
	int r = 0;

	s->letter = (uint64_t)sqlite3_column_int64(row, 0);
	if (s->letters + bytes <= LETTERS_MAX(s->o->max_bytes)) {
		s->letters += bytes;
		s->piece += bytes;
		r = copy_any(arg, WRECK_DEAD, row);
	}
	return r == 0 && s->piece >= PIECE_BYTES ? -EAGAIN : r;
}

static int on_counter(sqlite3_stmt *row, void *arg)
{
	if (!is_text(row, 2) || sqlite3_column_type(row, 3) != SQLITE_INTEGER ||
	    sqlite3_column_int64(row, 3) < 0)
		return 0;
	return copy_any(arg, WRECK_COUNTER, row);
}

/* --- names --- */

/* Names are loaded into a table by their number. */
static bool follows(struct salvage *s, int64_t id)
{
	if (id <= s->name || id > s->name + NAMES_APART_MAX)
		return false;
	s->name = id;
	return true;
}

static int take_name(struct salvage *s, enum wreck_table table,
		     sqlite3_stmt *row)
{
	int64_t id = sqlite3_column_int64(row, 0);
	struct run run = { (uint64_t)id, (uint64_t)id };
	int r;

	if (!follows(s, id))
		return 0;
	r = copy_row(&s->copies[table], row);
	if (r > 0 && table == WRECK_SERIES)
		r = ranges_add(&s->series, run);
	if (r > 0 && table == WRECK_PATH)
		r = ranges_add(&s->paths, run);
	return r < 0 ? r : 0;
}

static int on_series(sqlite3_stmt *row, void *arg)
{
	for (int i = 2; i < sqlite3_column_count(row); i++)
		if (!is_text(row, i))
			return 0;
	return take_name(arg, WRECK_SERIES, row);
}

static int on_path(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	int family = sqlite3_column_int(row, 3);

	/* id, series, family, address, scope, port */
	if (sqlite3_column_bytes(row, 4) > 16 ||
	    (family != 0 && family != 4 && family != 6) ||
	    !ranges_have(&s->series, (uint64_t)sqlite3_column_int64(row, 2)))
		return 0;
	return take_name(arg, WRECK_PATH, row);
}

static int on_word(sqlite3_stmt *row, void *arg)
{
	return is_text(row, 2) ? take_name(arg, WRECK_WORD, row) : 0;
}

/* What the one has lost, the other may have. */
static int names(struct salvage *s)
{
	static const struct {
		enum wreck_table table;
		wreck_cb cb;
	} tables[] = {
		{ WRECK_SERIES, on_series }, { WRECK_SERIES_SPARE, on_series },
		{ WRECK_PATH, on_path },     { WRECK_PATH_SPARE, on_path },
		{ WRECK_WORD, on_word },     { WRECK_WORD_SPARE, on_word },
	};
	int64_t r = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && r >= 0;
	     i++) {
		s->name = 0;
		r = each(s, tables[i].table, tables[i].cb);
		ranges_sort(&s->series);
		ranges_sort(&s->paths);
	}
	return r < 0 ? (int)r : 0;
}

/* --- destinations --- */

static int on_destination(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	uint64_t start = (uint64_t)sqlite3_column_int64(row, 4);
	uint64_t next = (uint64_t)sqlite3_column_int64(row, 5);

	/* id, name, active, start, next, anchor, ... */
	if (!is_text(row, 2) || start < 1 || next < start || next > s->last + 1)
		return 0;
	return copy_any(s, WRECK_DESTINATION, row);
}

static bool had_is_in_order(const struct destination *to)
{
	uint64_t above = to->next;

	for (unsigned i = 0; i < to->n_had; i++) {
		if (to->had[i].first < above ||
		    to->had[i].last + 1 < to->had[i].first)
			return false;
		above = to->had[i].last + 1;
	}
	return true;
}

/* --- batches --- */

static struct destination *find(struct salvage *s, int id)
{
	for (int i = 0; i < s->n_destinations; i++)
		if (s->destinations[i].id == id)
			return &s->destinations[i];
	return NULL;
}

/* Its rows are lacked again. False: there are too many runs apart. */
static bool unfreeze(struct destination *to, struct run run)
{
	struct run had = { run.last + 1, to->next - 1 };

	if (run.last >= to->next || run.first < to->start)
		return false;
	if (to->n_had == HAD_MAX && had.first <= had.last)
		return false;
	if (had.first <= had.last) {
		memmove(to->had + 1, to->had, to->n_had * sizeof(to->had[0]));
		to->had[0] = had;
		to->n_had++;
	}
	to->next = run.first;
	return true;
}

struct body {
	struct salvage *s;
	uint32_t crc;
	bool whole;
};

static int on_body(sqlite3_stmt *row, void *arg)
{
	struct body *b = arg;
	const void *bytes = sqlite3_column_blob(row, 2);
	size_t len = (size_t)sqlite3_column_bytes(row, 2);

	b->whole = (uint32_t)crc32_z(0, bytes, len) == b->crc;
	return b->whole ? copy_any(b->s, WRECK_BATCH_BODY, row) : 0;
}

/* The highest numbers come first, because unfreeze() goes down. */
static int on_batch(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	struct destination *to = find(s, sqlite3_column_int(row, 2));
	struct run run = { (uint64_t)sqlite3_column_int64(row, 3),
			   (uint64_t)sqlite3_column_int64(row, 4) };
	struct body body = { s, (uint32_t)sqlite3_column_int64(row, 12),
			     false };
	int64_t id = sqlite3_column_int64(row, 0), r;

	/* id, destination, first, last, rows, encoding, gzip, attempts,
	 * oldest_ns, runs, told, crc, ... */
	if (!to || run.first > run.last || run.last > s->last ||
	    !is_text(row, 6))
		return 0;
	r = wreck_read(&s->wreck, WRECK_BATCH_BODY, id, id, on_body, &body);
	if (r < 0)
		return (int)r;
	if (!body.whole && unfreeze(to, run))
		return 0;
	s->result.batches += body.whole;
	return copy_any(s, WRECK_BATCH, row);
}

static int batches(struct salvage *s)
{
	bool whole = true;
	int64_t last = wreck_last(&s->wreck, WRECK_BATCH, INT32_MAX, &whole);
	int64_t from = last > TAIL_IDS ? last - TAIL_IDS : 1, damaged = 0, r;

	for (int64_t id = last; id >= from; id--) {
		r = wreck_read(&s->wreck, WRECK_BATCH, id, id, on_batch, s);
		if (r < 0)
			return (int)r;
		damaged += r;
	}
	s->rewind = s->rewind || damaged > 0 || !whole;
	return 0;
}

static int set_all(struct salvage *s)
{
	int r = 0;

	for (int i = 0; i < s->n_destinations && r == 0; i++)
		r = destination_set(s->to, &s->destinations[i]);
	return r;
}

static int destinations(struct salvage *s)
{
	int64_t damaged = each(s, WRECK_DESTINATION, on_destination);
	int64_t also = each(s, WRECK_DESTINATION_SPARE, on_destination);
	int n;

	if (damaged < 0 || also < 0)
		return (int)(damaged < 0 ? damaged : also);
	s->rewind = damaged > 0 && also > 0;
	n = destination_list(s->to, s->destinations);
	if (n < 0)
		return n;
	s->n_destinations = n;
	for (int i = 0; i < n; i++)
		if (!had_is_in_order(&s->destinations[i])) {
			s->destinations[i].n_had = 0;
			s->rewind = true;
		}
	return 0;
}

/* --- what is owed, or was said --- */

static bool is_gap(const struct salvage *s, struct run run, int64_t reason)
{
	return run.first >= 1 && run.first <= run.last && run.last <= s->last &&
	       reason >= 0 && reason <= GAP_REFUSED;
}

/* What an overflow took is in no row. */
static int note_overflow(struct salvage *s, int64_t to, struct run run)
{
	return to == GAP_TO_ALL ? ranges_add(&s->declared, run) : 0;
}

static int on_owed(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	int64_t to = sqlite3_column_int64(row, 2);
	int64_t reason = sqlite3_column_int64(row, 3);
	struct run run = { (uint64_t)sqlite3_column_int64(row, 4),
			   (uint64_t)sqlite3_column_int64(row, 5) };
	int r;

	if (!is_gap(s, run, reason))
		return 0;
	r = note_overflow(s, to, run);
	return r < 0 ? r
		     : gap_owe(s->to, (int)to, (enum gap_reason)reason, run);
}

static int mark(sqlite3_stmt *row, void *arg)
{
	*(int *)arg = plausible_gap(row) ? sqlite3_column_int(row, 3) : -1;
	return 0;
}

/* A range of which the gap row is gone is owed again. */
static int on_gap_range(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	int64_t seq = sqlite3_column_int64(row, 0);
	int64_t to = sqlite3_column_int64(row, 2);
	struct run run = { (uint64_t)sqlite3_column_int64(row, 3),
			   (uint64_t)sqlite3_column_int64(row, 4) };
	const struct destination *d;
	int reason = -1, r;

	if (!is_gap(s, run, 0) || (uint64_t)seq < s->floor)
		return 0;
	r = (int)wreck_read(&s->wreck, WRECK_GAP, seq, seq, mark, &reason);
	if (r >= 0)
		r = note_overflow(s, to, run);
	if (r < 0)
		return r;
	if (reason >= 0)
		return copy_any(s, WRECK_GAP_RANGE, row);
	d = find(s, (int)to);
	if (to == GAP_TO_ALL || (d && range_lacks(d, (uint64_t)seq)))
		return gap_owe(s->to, (int)to,
			       to == GAP_TO_ALL ? GAP_OVERFLOW : GAP_EVICTED,
			       run);
	return 0;
}

static int gaps(struct salvage *s)
{
	int64_t r = each(s, WRECK_OWED, on_owed);

	if (r >= 0)
		r = each(s, WRECK_GAP_RANGE, on_gap_range);
	ranges_sort(&s->declared);
	return r < 0 ? (int)r : 0;
}

/* --- in order --- */

int estate_before(struct store *store, void *salvage)
{
	struct salvage *s = salvage;
	int64_t r;

	(void)store;
	r = names(s);
	if (r == 0)
		r = destinations(s);
	if (r == 0)
		r = batches(s);
	if (r == 0)
		r = set_all(s);
	if (r == 0)
		r = each(s, WRECK_COUNTER, on_counter);
	if (r >= 0)
		r = gaps(s);
	if (r >= 0 && s->halfway)
		r = halfway_note(s);
	return r < 0 ? (int)r : 0;
}

/* From the lowest row again, whatever was delivered. */
static int rewind_all(struct salvage *s)
{
	int r = 0;

	for (int i = 0; i < s->n_destinations && r == 0; i++) {
		struct destination *to = &s->destinations[i];

		if (to->start < s->floor)
			to->next = s->floor;
		else
			to->next = to->start;
		to->n_had = 0;
		r = destination_set(s->to, to);
	}
	return r;
}

int estate_letters(struct store *store, void *salvage)
{
	struct salvage *s = salvage;
	int64_t r;

	(void)store;
	s->piece = 0;
	r = each_from(s, WRECK_DEAD, (int64_t)s->letter + 1, on_dead);
	s->more = r == -EAGAIN;
	if (s->more)
		r = 0;
	if (r >= 0 && s->halfway)
		r = halfway_note(s);
	return r < 0 ? (int)r : 0;
}

int estate_after(struct store *store, void *salvage)
{
	struct salvage *s = salvage;

	(void)store;
	return s->rewind ? rewind_all(s) : 0;
}
