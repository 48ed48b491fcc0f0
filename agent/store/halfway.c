/* Where there is no room for a damaged file and for what is made of it, the one
 * gives way to the other: what is in the new store for good is punched out of
 * the old one. From then on the new one is all that there is of it, and so it
 * knows how far it is: a kill or a power cut at any moment, and salvage goes on
 * there.
 *
 * What can fail: a file system that makes no holes. Then both lie side by side,
 * which whoever asks is told (store_job_is_solid()). */
#include "store/renew.h"
#include "store/salvage_i.h"
#include "store/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* To begin with: a log, a schema, names, a slice of rows. */
#define START_MIN ((uint64_t)4 << 20)
#define START_MAX ((uint64_t)8 << 20)
/* What waits in the new store's log before it is written back, and what that
 * replaces goes. */
#define STEP_BYTES ((uint64_t)512 << 10)
#define KEY        "salvage"
#define FIGURES    11

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* --- how far it is --- */

int halfway_note(struct salvage *s)
{
	const struct store_salvage_result *r = &s->result;
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			 " %" PRIu64 " %" PRIu64 " %d %s",
			 s->next, s->floor, s->last, s->missing.first,
			 s->missing.last, r->rows, r->declared, r->batches,
			 s->letters, s->letter, s->rewind,
			 base_name(s->o->from));

	if (n >= (int)sizeof(text))
		return -ENAMETOOLONG;
	return db_run(&s->to->db, Q_META_SET, "tt", KEY, text);
}

static bool take_note(struct salvage *s, const char *text)
{
	uint64_t f[FIGURES];
	char *at;

	for (int i = 0; i < FIGURES; i++) {
		f[i] = strtoull(text, &at, 10);
		if (at == text || *at != ' ')
			return false;
		text = at + 1;
	}
	if (strcmp(text, base_name(s->o->from)) != 0)
		return false;
	s->next = f[0];
	s->result.first = s->floor = f[1];
	s->result.last = s->last = f[2];
	s->missing = (struct run){ f[3], f[4] };
	s->result.rows = f[5];
	s->result.declared = f[6];
	s->result.batches = f[7];
	s->letters = f[8];
	s->letter = f[9];
	s->rewind = f[10] != 0;
	return true;
}

/* 1; 0: there is none. */
static int read_note(struct salvage *s)
{
	sqlite3_stmt *q = db_ask(&s->to->db, Q_META_GET, "t", KEY);
	const char *text = NULL;
	int r;

	if (!q)
		return db_errno(&s->to->db);
	r = db_next(&s->to->db, q);
	if (r > 0)
		text = (const char *)sqlite3_column_text(q, 0);
	if (r > 0)
		r = text && take_note(s, text);
	db_end(q);
	return r;
}

/* Of what the new store has. */
static int read_ranges(struct salvage *s, const char *sql, struct ranges *to)
{
	sqlite3_stmt *q = NULL;
	int code, r = 0;

	code = sqlite3_prepare_v2(s->to->db.sqlite, sql, -1, &q, NULL);
	while (code == SQLITE_OK && r == 0 &&
	       (code = sqlite3_step(q)) == SQLITE_ROW) {
		struct run run = { (uint64_t)sqlite3_column_int64(q, 0),
				   (uint64_t)sqlite3_column_int64(q, 1) };

		r = ranges_add(to, run);
		code = SQLITE_OK;
	}
	sqlite3_finalize(q);
	ranges_sort(to);
	return r < 0 || code == SQLITE_DONE ? r : db_errno(&s->to->db);
}

/* 1; 0: it is not of this file. */
static int go_on(struct salvage *s)
{
	int r = read_note(s);

	if (r <= 0)
		return r;
	r = read_ranges(s, "SELECT id, id FROM series", &s->series);
	if (r == 0)
		r = read_ranges(s, "SELECT id, id FROM path", &s->paths);
	if (r == 0)
		r = read_ranges(s,
				"SELECT first, last FROM owed"
				" WHERE destination = 0"
				" UNION ALL SELECT first, last FROM gap_range"
				" WHERE destination = 0",
				&s->declared);
	if (r < 0)
		return r;
	s->n_destinations = destination_list(s->to, s->destinations);
	snprintf(s->result.epoch, sizeof(s->result.epoch), "%s",
		 store_epoch(s->to));
	return s->n_destinations < 0 ? s->n_destinations : 1;
}

/* What stays damaged is begun anew; anything else may be over the next time. */
static int begin_anew(int code)
{
	return code == -EUCLEAN || code == -EILSEQ ? 0 : code;
}

int halfway_resume(struct salvage *s, struct ep_err *err)
{
	struct store_options options = { .path = s->o->to,
					 .max_bytes = STORE_MIN_BYTES };
	int r;

	if (store_bytes_of(s->o->to) == 0)
		return 0;
	r = store_open(&options, &s->to, err);
	if (r < 0)
		return begin_anew(r);
	if (s->to->aside.path) /* damaged, and a new one begun */
		store_remove(s->to->aside.path);
	else
		r = go_on(s);
	s->resumed = s->halfway = s->hollowing = r > 0;
	s->resumed_at = s->next;
	if (r > 0)
		return 0;
	store_close(s->to);
	s->to = NULL;
	return r < 0 ? begin_anew(ep_err_set(err, r, "%s: %s", s->o->to,
					     strerror(-r)))
		     : 0;
}

/* --- room --- */

static uint64_t left_by(const struct salvage *s)
{
	uint64_t from = store_bytes_of(s->o->from);

	if (s->o->max_both == 0)
		return UINT64_MAX;
	return s->o->max_both > from ? s->o->max_both - from : 0;
}

/* Beside a file that cannot give way, what it may have when that is gone. */
static void set_room(struct salvage *s)
{
	uint64_t bytes = s->o->max_bytes;

	if (!s->hollow.solid && left_by(s) < bytes)
		bytes = left_by(s);
	store_set_bound(s->to, bytes);
}

/* What goes into its log first goes into the database then, and is in both for
 * a moment. */
void halfway_set_start(struct salvage *s)
{
	if (s->hollowing)
		store_set_bound(s->to, left_by(s) / 2);
	else
		set_room(s);
}

static bool open_hollow(struct salvage *s)
{
	if (hollow_open(&s->hollow, s->o->from, &s->wreck) < 0)
		return false;
	if (s->hollow.solid) {
		store_job_set_solid(s->o->job);
		hollow_close(&s->hollow);
		return false;
	}
	hollow_unused(&s->hollow);
	return true;
}

/* The oldest rows go until `room` is left. They are declared, as all is that is
 * not there. */
static void thin(struct salvage *s, uint64_t room)
{
	uint64_t number = s->floor / CHUNK_NUMBERS * CHUNK_NUMBERS;

	s->hollowing = open_hollow(s);
	if (!s->hollowing)
		return;
	s->hollow.floor = (int64_t)s->floor;
	while (number <= s->last && wreck_goes_on(&s->wreck) &&
	       left_by(s) < room) {
		hollow_numbers(&s->hollow, number, number + CHUNK_NUMBERS);
		number += CHUNK_NUMBERS;
	}
	hollow_close(&s->hollow);
}

/* The file may grow by as much before the log is gone. */
static void write_log_back(struct salvage *s)
{
	(void)sqlite3_wal_checkpoint_v2(s->wreck.sqlite, NULL,
					SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

void halfway_choose(struct salvage *s)
{
	uint64_t from = store_bytes_of(s->o->from), max = s->o->max_both;
	uint64_t log = wal_bytes(s->o->from), frames, good;

	if (max == 0)
		return;
	s->start = max / 8 < START_MAX ? max / 8 : START_MAX;
	if (s->start < START_MIN)
		s->start = START_MIN;
	if (from <= max / 2 && 2 * from + s->start <= max)
		return;
	wal_look(s->o->from, &frames, &good);
	if (good < frames) {
		/* How much more it held is to be known until that is said. */
		s->start += log;
	} else if (log > 0) {
		thin(s, log);
		if (s->hollowing)
			write_log_back(s);
	}
	thin(s, s->start);
}

bool halfway_choose_more(struct salvage *s)
{
	if (!s->hollowing || s->start > s->o->max_both)
		return false;
	s->start *= 2;
	thin(s, s->start);
	return true;
}

/* What is in the new store is there for good now. */
static int sync_new(struct salvage *s, struct ep_err *err)
{
	if (sqlite3_wal_checkpoint_v2(s->to->db.sqlite, NULL,
				      SQLITE_CHECKPOINT_TRUNCATE, NULL,
				      NULL) == SQLITE_OK)
		return 0;
	return db_fail(&s->to->db, err, s->o->to);
}

int halfway_begin(struct salvage *s, struct ep_err *err)
{
	int r;

	if (!s->halfway) {
		/* Synced once, at the end: before that it counts for nothing. */
		(void)db_exec(&s->to->db, "PRAGMA synchronous = OFF");
		set_room(s);
		return 0;
	}
	(void)db_exec(&s->to->db, "PRAGMA synchronous = NORMAL");
	r = sync_new(s, err);
	if (r < 0)
		return r;
	write_log_back(s);
	s->hollowing = open_hollow(s);
	if (s->hollowing)
		hollow_rows(&s->hollow, WRECK_BATCH_BODY, INT64_MIN, INT64_MAX);
	set_room(s);
	return halfway_settle(s, true, err);
}

int halfway_settle(struct salvage *s, bool now, struct ep_err *err)
{
	int r;

	if (!s->hollowing || (!now && wal_bytes(s->o->to) < STEP_BYTES))
		return 0;
	r = sync_new(s, err);
	if (r < 0)
		return r;
	hollow_numbers(&s->hollow, s->gone, s->next);
	hollow_rows(&s->hollow, WRECK_DEAD, s->letter_gone, (int64_t)s->letter);
	s->gone = s->next;
	s->letter_gone = (int64_t)s->letter;
	set_room(s);
	return 0;
}
