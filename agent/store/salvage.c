/* Happy path: the ends are found (which numbers may there be?), a store of the
 * same epoch is made, what is not rows is taken over, then rows slice by slice
 * in order of number, and what no slice has is owed to whoever lacks it. At its
 * end the new store is synced, and only then is it there.
 *
 * What can fail: the new store (no room, a disk that fails) or whoever asks may
 * stop: what was made is removed, and the next time begins at the beginning.
 * Damage does not fail, it is counted; only a file of which not even the epoch
 * can be found ends in -ENODATA. */
#include "store/plausible.h"
#include "store/salvage_i.h"
#include "store/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a slice takes at most, about: https rows are the largest. */
#define SLICE_BYTES ((uint64_t)CHUNK_NUMBERS * 300)

/* Room that is made first, where a slice has none. */
#define ROOM_BYTES ((uint64_t)256 << 10)

/* Of what the bound holds for small files. */
#define SPARE_PAGES 16

static void set_bit(unsigned char *bits, uint64_t i)
{
	bits[i / 8] |= (unsigned char)(1u << i % 8);
}

static bool bit(const unsigned char *bits, uint64_t i)
{
	return (bits[i / 8] >> i % 8 & 1) != 0;
}

bool salvage_has(const struct salvage *s, uint64_t number)
{
	return bit(s->present, number - s->base) ||
	       ranges_have(&s->declared, number);
}

/* --- a slice: one row after the other --- */

/* Copy a row of the number that is its key. */
static int take(struct salvage *s, enum wreck_table table, sqlite3_stmt *row)
{
	int r = copy_row(&s->copies[table], row);

	if (r > 0 && !bit(s->present,
			  (uint64_t)sqlite3_column_int64(row, 0) - s->base)) {
		set_bit(s->present,
			(uint64_t)sqlite3_column_int64(row, 0) - s->base);
		s->result.rows++;
	}
	return r < 0 ? r : 0;
}

static int on_late(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	int64_t seq = sqlite3_column_int64(row, 0);
	int64_t of = sqlite3_column_int64(row, 2);
	int r;

	if (of < 1 || of >= seq)
		return 0;
	r = copy_row(&s->copies[WRECK_LATE], row);
	if (r > 0)
		set_bit(s->late, (uint64_t)seq - s->base);
	return r < 0 ? r : 0;
}

static int on_sample(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	uint64_t seq = (uint64_t)sqlite3_column_int64(row, 0);
	struct code code = code_unpack((uint64_t)sqlite3_column_int64(row, 4));

	if (!plausible_sample(row) ||
	    !ranges_have(&s->paths, (uint64_t)sqlite3_column_int64(row, 3)) ||
	    code.late != bit(s->late, seq - s->base))
		return 0;
	if (span_extend(s->to, &s->to->span, seq,
			(uint64_t)sqlite3_column_int64(row, 2)) < 0)
		return db_errno(&s->to->db);
	return take(s, WRECK_SAMPLE, row);
}

static int on_https(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	uint64_t seq = (uint64_t)sqlite3_column_int64(row, 0);
	int r;

	if (!bit(s->present, seq - s->base))
		return 0;
	r = copy_row(&s->copies[WRECK_HTTPS], row);
	return r < 0 ? r : 0;
}

static int on_note(sqlite3_stmt *row, void *arg)
{
	return plausible_note(row) ? take(arg, WRECK_NOTE, row) : 0;
}

static int on_gap(sqlite3_stmt *row, void *arg)
{
	return plausible_gap(row) ? take(arg, WRECK_GAP, row) : 0;
}

/* Its own checksum says whether it is whole. */
static int on_chunk(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	struct chunk *chunk;
	int r;

	/* id, first, last, rows, body */
	if (chunk_decode(sqlite3_column_blob(row, 5),
			 (size_t)sqlite3_column_bytes(row, 5), &chunk) < 0)
		return 0;
	for (size_t i = 0; i < chunk->n; i++) {
		const struct chunk_row *c = chunk_row(chunk, i);
		uint64_t sent = c->col[CHUNK_SENT];

		if (s->base + c->col[CHUNK_SEQ] < s->floor)
			continue;
		s->result.rows++;
		set_bit(s->present, c->col[CHUNK_SEQ] % CHUNK_NUMBERS);
		(void)span_extend(s->to, &s->to->span,
				  s->base + c->col[CHUNK_SEQ], sent);
	}
	chunk_destroy(chunk);
	r = copy_row(&s->copies[WRECK_CHUNK], row);
	return r < 0 ? r : 0;
}

/* --- slices --- */

/* Lower numbers are in the new store now. */
static int note_next(struct salvage *s, uint64_t next)
{
	s->next = next;
	return s->halfway ? halfway_note(s) : 0;
}

static int slice(struct store *store, void *arg)
{
	static const struct {
		enum wreck_table table;
		wreck_cb cb;
	} steps[] = {
		{ WRECK_LATE, on_late },   { WRECK_SAMPLE, on_sample },
		{ WRECK_HTTPS, on_https }, { WRECK_NOTE, on_note },
		{ WRECK_GAP, on_gap },
	};
	struct salvage *s = arg;
	uint64_t first = s->base > s->floor ? s->base : s->floor;
	uint64_t last = s->base + CHUNK_NUMBERS - 1;
	int64_t id = (int64_t)(s->base / CHUNK_NUMBERS), r = 0;

	if (last > s->last)
		last = s->last;
	memset(s->present, 0, sizeof(s->present));
	memset(s->late, 0, sizeof(s->late));
	if (!s->given_up)
		r = wreck_read(&s->wreck, WRECK_CHUNK, id, id, on_chunk, s);
	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && r >= 0 && !s->given_up;
	     i++)
		r = wreck_read(&s->wreck, steps[i].table, (int64_t)first,
			       (int64_t)last, steps[i].cb, s);
	if (r >= 0)
		r = missing_find(s, first, last);
	if (r >= 0 && last == s->last)
		r = missing_owe(s);
	store->next_seq = last + 1;
	return r < 0 ? (int)r : note_next(s, s->base + CHUNK_NUMBERS);
}

/* Before destinations are told of what goes: they lack all of this still. */
static int flush_missing(struct store *store, void *arg)
{
	struct salvage *s = arg;
	int r = missing_owe(s);

	(void)store;
	return r == 0 && s->halfway ? halfway_note(s) : r;
}

/* One that needs more than there is, and what it did is undone. */
static int try_work(struct salvage *s, store_work work, struct ep_err *err)
{
	struct store_salvage_result result = s->result;
	struct run missing = s->missing;
	struct span span = s->to->span;
	uint64_t next = s->next, letter = s->letter, letters = s->letters;
	int r = transact_once(s->to, work, s, err);

	if (r == 0)
		return 0;
	s->result = result;
	s->missing = missing;
	s->to->span = span;
	s->next = next;
	s->letter = letter;
	s->letters = letters;
	return r;
}

/* A few pages are kept for it. */
static int flush(struct salvage *s, struct ep_err *err)
{
	int r;

	s->to->max_pages += SPARE_PAGES;
	setup_page_bound(s->to);
	r = try_work(s, flush_missing, err);
	s->to->max_pages -= SPARE_PAGES;
	setup_page_bound(s->to);
	return r;
}

/* First what may go from the damaged file, then the oldest in the new store,
 * more each time. -ENOSPC: that is of no use. */
static int make_room(struct salvage *s, uint64_t *bytes, struct ep_err *err)
{
	int r = halfway_settle(s, true, err);

	if (r == 0 && (*bytes > SLICE_BYTES || !file_has_room(s->to)))
		return -ENOSPC;
	if (r == 0 && *bytes > 0)
		r = flush(s, err);
	if (r < 0)
		return r;
	r = *bytes > 0 ? evict_for(s->to, *bytes) : 0;
	*bytes = *bytes * 2 + ROOM_BYTES;
	return r == -ENOSPC ? 0 : r;
}

static int do_work(struct salvage *s, store_work work, struct ep_err *err)
{
	uint64_t bytes = 0;
	int r, room = 0;

	while ((r = try_work(s, work, err)) == -ENOSPC && room == 0)
		room = make_room(s, &bytes, err);
	return room < 0 ? room : r;
}

static int one_slice(struct salvage *s, struct ep_err *err)
{
	int r = do_work(s, slice, err);

	/* It gives way to those after it. */
	if (r == -ENOSPC && s->hollowing && file_has_room(s->to)) {
		s->given_up = true;
		r = try_work(s, slice, err);
		s->given_up = false;
	}
	if (r < 0)
		return r;
	s->to->durable = s->to->next_seq;
	return halfway_settle(s, false, err);
}

/* Rows below the floor that are kept for a destination as its first. */
static int anchors(struct store *store, void *arg)
{
	static const enum wreck_table rows[] = { WRECK_SAMPLE, WRECK_NOTE,
						 WRECK_GAP };
	static const wreck_cb cbs[] = { on_sample, on_note, on_gap };
	struct salvage *s = arg;
	int64_t r = 0;

	(void)store;
	for (int i = 0; i < s->n_destinations && r >= 0; i++) {
		int64_t seq = (int64_t)s->destinations[i].anchor;

		if (seq <= 0 || (uint64_t)seq >= s->floor)
			continue;
		s->base = (uint64_t)seq / CHUNK_NUMBERS * CHUNK_NUMBERS;
		memset(s->present, 0, sizeof(s->present));
		memset(s->late, 0, sizeof(s->late));
		r = wreck_read(&s->wreck, WRECK_CHUNK, seq / CHUNK_NUMBERS,
			       seq / CHUNK_NUMBERS, on_chunk, s);
		for (size_t t = 0; t < 3 && r >= 0; t++)
			r = wreck_read(&s->wreck, rows[t], seq, seq, cbs[t], s);
	}
	if (r < 0)
		return (int)r;
	return note_next(s, s->floor / CHUNK_NUMBERS * CHUNK_NUMBERS);
}

static int all_slices(struct salvage *s, struct ep_err *err)
{
	int r = s->next > 0 ? 0 : do_work(s, anchors, err);

	for (s->base = s->next; r == 0 && s->base <= s->last;
	     s->base += CHUNK_NUMBERS)
		r = one_slice(s, err);
	return r;
}

static int all_letters(struct salvage *s, struct ep_err *err)
{
	int r = 0;

	for (s->more = true; s->more && r == 0;) {
		r = do_work(s, estate_letters, err);
		if (r == 0)
			r = halfway_settle(s, true, err);
	}
	return r;
}

/* --- from the first to the last --- */

static int open_new(struct salvage *s, struct ep_err *err)
{
	char agent[65];
	struct store_options options = {
		.path = s->o->to,
		.max_bytes = s->o->max_bytes,
		.epoch = s->result.epoch,
		.first_seq = s->floor,
	};

	wreck_meta(&s->wreck, "agent", agent, sizeof(agent));
	options.agent = agent[0] ? agent : s->o->agent;
	store_remove(s->o->to);
	return store_open(&options, &s->to, err);
}

static int begin_new(struct salvage *s, struct ep_err *err)
{
	int r = ends_find(s, s->o->from);

	if (r < 0)
		return ep_err_set(err, r, "%s: nothing in it can be read",
				  s->o->from);
	halfway_choose(s);
	return open_new(s, err);
}

static int fill_first(struct salvage *s, struct ep_err *err)
{
	int r;

	do {
		s->halfway = s->hollowing;
		s->result.batches = 0;
		halfway_set_start(s);
		r = transact_once(s->to, estate_before, s, err);
	} while (r == -ENOSPC && halfway_choose_more(s));
	return r;
}

static int fill(struct salvage *s, struct ep_err *err)
{
	int r = s->resumed ? 0 : fill_first(s, err);

	if (r == 0)
		r = halfway_begin(s, err);
	if (r == 0)
		r = all_slices(s, err);
	if (r == 0)
		r = all_letters(s, err);
	if (r == 0)
		r = do_work(s, estate_after, err);
	if (r == 0) {
		s->to->owed = true;
		r = store_commit(s->to, err);
	}
	return r;
}

static void close_new(struct salvage *s)
{
	for (int t = 0; t < WRECK_TABLES; t++)
		copy_finish(&s->copies[t]);
	store_close(s->to);
	s->to = NULL;
}

static int sync_path(const char *path, int flags, struct ep_err *err)
{
	int fd = open(path, flags | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r < 0 ? ep_err_set(err, r, "%s: %s", path, strerror(-r)) : 0;
}

static int salvage(struct salvage *s, struct ep_err *err)
{
	int r = s->resumed ? 0 : begin_new(s, err);

	if (r < 0)
		return r;
	for (int t = 0; t < WRECK_TABLES; t++)
		copy_init(&s->copies[t], s->to->db.sqlite, (enum wreck_table)t);
	r = fill(s, err);
	close_new(s);
	return r < 0 ? r : sync_path(s->o->to, O_RDWR, err);
}

static int open_damaged(struct salvage *s, struct ep_err *err)
{
	int r = wreck_open(&s->wreck, s->o->from, true, err);

	if (r < 0 || s->resumed || !mend_is_needed(&s->wreck))
		return r;
	wreck_close(&s->wreck);
	r = mend_first_page(s->o->from, s->o->to);
	if (r < 0)
		return ep_err_set(err, r,
				  "%s: has no schema, and none can be "
				  "written into it",
				  s->o->from);
	return wreck_open(&s->wreck, s->o->from, true, err);
}

static int work(struct salvage *s, struct ep_err *err)
{
	int r = open_damaged(s, err);

	if (r == 0) {
		r = salvage(s, err);
		wreck_close(&s->wreck);
	}
	if (s->to)
		close_new(s);
	hollow_close(&s->hollow);
	return r;
}

/* What is made is of no use: it is damaged, or twice in turn the disk fails at
 * the same place. */
static bool is_lost(const struct salvage *s, int code)
{
	return code == -EUCLEAN ||
	       (code == -EIO && s->resumed && s->next == s->resumed_at);
}

int store_salvage(const struct store_salvage_options *options,
		  struct store_salvage_result *ret_result, struct ep_err *err)
{
	struct salvage *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return ep_err_set(err, -ENOMEM, "no memory to salvage");
	s->o = options;
	s->wreck.job = options->job;
	s->hollow.fd = -1;
	r = halfway_resume(s, err);
	if (r < 0)
		s->halfway = true; /* perhaps */
	if (r == 0)
		r = work(s, err);
	if (r == 0)
		*ret_result = s->result;
	else if (!s->halfway || is_lost(s, r))
		store_remove(options->to);
	ranges_finish(&s->declared);
	ranges_finish(&s->series);
	ranges_finish(&s->paths);
	free(s);
	return r;
}
