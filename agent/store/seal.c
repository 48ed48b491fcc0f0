/* Rows of 8,192 numbers at a time become a chunk: in one transaction the rows
 * go and the chunk comes, into the room that they leave. It never hurries: what
 * fails, or does not fit just now, is tried again after the next commit.
 *
 * Notes and gap rows stay as they are, and so does what is below the floor for
 * a destination's sake (its anchor). */
#include "store/sample.h"
#include "store/sealed.h"

#include "edgeprobe/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Younger rows are on their way to somebody: they are read row by row. */
#define AGE_NS  ((uint64_t)600 * 1000000000u)
#define TIME_NS 20000000u /* one go of it */
/* Fewer rows among so many numbers are not worth a chunk. */
#define ROWS_MIN 64
/* Commits, after one that failed. */
#define WAIT 60

int seal_count(struct store *store, int64_t rows, int64_t bytes)
{
	int r = db_run(&store->db, Q_COUNT_ADD, "iti", (int64_t)0, SEALED_ROWS,
		       rows);

	return r < 0 ? r
		     : db_run(&store->db, Q_COUNT_ADD, "iti", (int64_t)0,
			      SEALED_BYTES, bytes);
}

/* --- from rows --- */

struct sealing {
	uint64_t id;
	struct run run; /* of the numbers that are kept */
	sqlite3_stmt *rows, *https;
	uint64_t https_seq; /* of the row that `https` stands on */
	struct chunk *chunk;
};

/* Both questions are in order of number. */
static int step_https(struct store *store, struct sealing *s, uint64_t seq)
{
	int r = 1;

	while (s->https_seq < seq && r > 0) {
		r = db_next(&store->db, s->https);
		s->https_seq =
			r > 0 ? (uint64_t)sqlite3_column_int64(s->https, 0)
			      : UINT64_MAX;
	}
	return r < 0 ? r : 0;
}

/* One that damage took is all absent. */
static int add_https(struct store *store, struct sealing *s, uint64_t seq)
{
	uint64_t col[CHUNK_HTTPS_COLUMNS] = { 0 };
	struct chunk_https *https;
	const char *text = NULL;
	int r = step_https(store, s, seq);

	if (r < 0)
		return r;
	for (int i = CHUNK_CONNECT; i < CHUNK_DAYS; i++)
		col[i] = (uint64_t)EP_ABSENT;
	col[CHUNK_DAYS] = (uint64_t)EP_DAYS_ABSENT;
	if (s->https_seq == seq)
		sample_https_columns(s->https, col, &text);
	https = chunk_add_https(s->chunk, text);
	if (!https)
		return -ENOMEM;
	memcpy(https->col, col, sizeof(col));
	return 0;
}

static int add_row(struct store *store, struct sealing *s)
{
	uint64_t seq = (uint64_t)sqlite3_column_int64(s->rows, 0);
	struct chunk_row *row = chunk_add(s->chunk);
	int64_t of = 0;
	int r = 0;

	sample_columns(s->rows, row->col);
	row->col[CHUNK_SEQ] = seq - chunk_first(s->id);
	if (row->col[CHUNK_CODE] & CODE_HTTPS)
		r = add_https(store, s, seq);
	if (r == 0 && row->col[CHUNK_CODE] & CODE_LATE)
		r = db_number(&store->db, &of, Q_LATE_OF, "u", seq);
	row->col[CHUNK_OF] = (uint64_t)of;
	return r < 0 ? r : 0;
}

static int read_rows(struct store *store, struct sealing *s)
{
	int r;

	s->rows = db_ask(&store->db, Q_SAMPLE_SCAN, "uu", s->run.first,
			 s->run.last);
	s->https = db_ask(&store->db, Q_HTTPS_SCAN, "uu", s->run.first,
			  s->run.last);
	if (!s->rows || !s->https)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s->rows)) > 0) {
		r = add_row(store, s);
		if (r < 0)
			break;
	}
	db_end(s->rows);
	db_end(s->https);
	return r;
}

static int drop_rows(struct store *store, struct run run)
{
	static const enum db_query tables[] = { Q_SEAL_SAMPLE, Q_SEAL_HTTPS,
						Q_SEAL_LATE };
	int r = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && r == 0;
	     i++)
		r = db_run(&store->db, tables[i], "uu", run.first, run.last);
	return r;
}

/* Rows first: the chunk goes where they were. */
static int replace(struct store *store, const struct sealing *s)
{
	uint64_t rows = s->chunk->n;
	void *body = NULL;
	size_t len = 0;
	int r = chunk_encode(s->chunk, &body, &len);

	if (r == 0)
		r = drop_rows(store, s->run);
	if (r == 0)
		r = db_run(
			&store->db, Q_CHUNK_ADD, "uuuub", s->id,
			chunk_first(s->id) +
				chunk_row(s->chunk, 0)->col[CHUNK_SEQ],
			chunk_first(s->id) +
				chunk_row(s->chunk, rows - 1)->col[CHUNK_SEQ],
			rows, body, len);
	if (r == 0)
		r = seal_count(store, (int64_t)rows, (int64_t)len);
	free(body);
	return r;
}

static int seal(struct store *store, void *arg)
{
	struct sealing *s = arg;
	int r = read_rows(store, s);

	if (r == 0 && s->chunk->n >= ROWS_MIN)
		r = replace(store, s);
	return r;
}

static int seal_one(struct store *store, uint64_t id)
{
	struct sealing s = {
		.id = id,
		.run = { chunk_first(id), chunk_last(id) },
		.chunk = chunk_create(id),
	};
	int r = -ENOMEM;

	if (s.run.first < store->floor)
		s.run.first = store->floor;
	if (s.chunk)
		r = transact_once(store, seal, &s, NULL);
	chunk_destroy(s.chunk);
	return r;
}

/* --- when --- */

/* Which is next: after the last that is sealed, as far as rows are kept. */
static int find_next(struct store *store)
{
	uint64_t lowest = store->floor / CHUNK_NUMBERS;
	int64_t id = -1;
	int r = 0;

	if (store->seal_next == 0) {
		r = db_number(&store->db, &id, Q_CHUNK_LAST, "");
		store->seal_next = (uint64_t)(id + 1);
	}
	if (store->seal_next < lowest)
		store->seal_next = lowest;
	return r < 0 ? r : 0;
}

/* After a step of the clock into the past, what is of a time to come is old,
 * too. */
static bool is_old(uint64_t sent_ns)
{
	uint64_t now_ns = now_wall_ns();

	return (now_ns > sent_ns ? now_ns - sent_ns : sent_ns - now_ns) >=
	       AGE_NS;
}

/* All of its numbers are given, their spans written, and it is old. */
static bool is_ripe(struct store *store, uint64_t id)
{
	int64_t sent_ns = 0;

	if (chunk_last(id) >= store->durable || store->span.id == UINT64_MAX ||
	    store->span.id * SPAN_ROWS <= chunk_last(id))
		return false;
	return db_number(&store->db, &sent_ns, Q_SAMPLE_BEFORE, "u",
			 chunk_last(id)) >= 0 &&
	       is_old((uint64_t)sent_ns);
}

static bool may_seal(struct store *store)
{
	if (store->seal_wait > 0) {
		store->seal_wait--;
		return false;
	}
	return !store->disk_full && find_next(store) == 0;
}

void seal_some(struct store *store)
{
	uint64_t began_ns = ep_clock_mono_ns(), spent_ns = 0, one_ns = 0;

	if (!may_seal(store))
		return;
	while (spent_ns + one_ns <= TIME_NS &&
	       is_ripe(store, store->seal_next)) {
		if (seal_one(store, store->seal_next) < 0) {
			store->seal_wait = WAIT;
			return;
		}
		store->seal_next++;
		one_ns = ep_clock_mono_ns() - began_ns - spent_ns;
		spent_ns += one_ns;
	}
}

/* --- what goes --- */

int seal_whole(struct store *store, uint64_t *last)
{
	int64_t id;
	int r = db_number(&store->db, &id, Q_CHUNK_NEXT, "uu",
			  *last / CHUNK_NUMBERS, *last / CHUNK_NUMBERS);

	if (r > 0)
		*last = chunk_last(*last / CHUNK_NUMBERS);
	return r < 0 ? r : 0;
}

/* An anchor becomes a row again. */
static int unseal(struct store *store, uint64_t seq)
{
	const struct chunk *chunk;
	struct record record;
	uint32_t series;
	size_t i;
	int r = sealed_load(store, seq, seq);

	if (r <= 0)
		return r;
	chunk = store->chunk;
	i = sealed_from(chunk, seq);
	series = names_path_series(
		store, (uint32_t)chunk_row(chunk, i)->col[CHUNK_PATH]);
	if (sealed_seq(chunk, i) != seq || series == 0)
		return 0;
	sealed_read(store, chunk, i, &record);
	return sample_write(store, seq, series, &record.sample,
			    record.type == ROW_LATE ? &record.of : NULL);
}

static int unseal_anchors(struct store *store, uint64_t end)
{
	struct destination list[DESTINATIONS_MAX];
	int n = destination_list(store, list);
	int64_t there;
	int r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++) {
		if (!list[i].anchor || list[i].anchor >= end)
			continue;
		r = db_number(&store->db, &there, Q_FIRST_TIME, "u",
			      list[i].anchor);
		if (r == 0)
			r = unseal(store, list[i].anchor);
		r = r < 0 ? r : 0;
	}
	return r;
}

int seal_evict(struct store *store, uint64_t last)
{
	uint64_t end = (last + 1) / CHUNK_NUMBERS;
	int64_t rows = 0, bytes = 0;
	sqlite3_stmt *s = db_ask(&store->db, Q_CHUNK_BELOW, "u", end);
	int r = s ? db_next(&store->db, s) : db_errno(&store->db);

	if (r > 0) {
		rows = sqlite3_column_int64(s, 0);
		bytes = sqlite3_column_int64(s, 1);
	}
	db_end(s);
	if (r < 0 || rows == 0)
		return r < 0 ? r : 0;
	r = unseal_anchors(store, chunk_first(end));
	if (r == 0)
		r = db_run(&store->db, Q_EVICT_CHUNK, "u", end);
	return r < 0 ? r : seal_count(store, -rows, -bytes);
}
