/* Is a file whole, and what can be read of it? Everything is read, nothing is
 * changed; a file in use is read beside its writer. */
#include "store/plausible.h"
#include "store/salvage_i.h"
#include "store/wal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- rows --- */

struct scanning {
	struct store *store;
	store_record_cb cb;
	void *arg;
	const struct wreck *wreck; /* says whether to go on; NULL: always */
	uint64_t next;             /* lower numbers have been read */
	uint64_t implausible;
	int ret; /* of the callback */
};

static int on_record(const struct record *record, void *arg)
{
	struct scanning *sc = arg;

	if (record->seq < sc->next)
		return -EUCLEAN;
	sc->next = record->seq + 1;
	if (!plausible_record(record)) {
		sc->implausible++;
		return 0;
	}
	sc->ret = sc->cb(record, sc->arg);
	return sc->ret != 0 ? -ECANCELED : 0;
}

/* As wreck_read() does it. */
static int scan_range(struct scanning *sc, uint64_t first, uint64_t last)
{
	struct store_range range = { .first_seq = first,
				     .last_seq = last,
				     .destination = -1 };
	int r;

	if (sc->wreck != NULL && !wreck_goes_on(sc->wreck))
		return -ECANCELED;
	sc->next = first;
	r = scan_for(sc->store, &range, NULL, on_record, sc, NULL);
	if (r != -EUCLEAN && r != -EIO)
		return r;
	first = sc->next;
	if (first >= last)
		return 0;
	r = scan_range(sc, first, first + (last - first) / 2);
	return r < 0 ? r : scan_range(sc, first + (last - first) / 2 + 1, last);
}

static int scan(struct scanning *sc, uint64_t first, uint64_t last)
{
	int r = 0;

	while (r == 0 && first <= last) {
		uint64_t end = first + CHUNK_NUMBERS - 1;

		r = scan_range(sc, first, end < last ? end : last);
		first = end + 1;
	}
	return sc->ret != 0 ? sc->ret : r;
}

static int open_ends(struct salvage *s, const char *path, struct ep_err *err)
{
	static const struct store_salvage_options nothing = { .epoch = "" };
	int r = wreck_open(&s->wreck, path, false, err);

	s->o = &nothing;
	if (r < 0)
		return r;
	r = ends_find(s, path);
	if (r == -ENODATA) {
		s->floor = 1;
		s->last = 0;
	}
	return 0;
}

int store_scan_damaged(struct store *store, store_record_cb cb, void *arg)
{
	struct scanning sc = { .store = store, .cb = cb, .arg = arg };
	struct salvage *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = open_ends(s, store->path, NULL);
	if (r == 0) {
		if (store->epoch[0] == '\0')
			memcpy(store->epoch, s->result.epoch,
			       sizeof(store->epoch));
		wreck_close(&s->wreck);
		r = scan(&sc, s->floor, s->last);
	}
	free(s);
	return r;
}

/* --- a check --- */

static int count(const struct record *record, void *arg)
{
	struct store_check_result *result = arg;

	if (result->rows++ == 0)
		result->first = record->seq;
	result->last = record->seq;
	return 0;
}

static int on_range(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	struct run run = { (uint64_t)sqlite3_column_int64(row, 3),
			   (uint64_t)sqlite3_column_int64(row, 4) };

	if (sqlite3_column_int64(row, 2) != GAP_TO_ALL ||
	    run.first > run.last || run.last > s->last || run.first < s->floor)
		return 0;
	return ranges_add(&s->declared, run);
}

static int on_owed_range(sqlite3_stmt *row, void *arg)
{
	struct salvage *s = arg;
	struct run run = { (uint64_t)sqlite3_column_int64(row, 4),
			   (uint64_t)sqlite3_column_int64(row, 5) };

	if (sqlite3_column_int64(row, 2) != GAP_TO_ALL ||
	    run.first > run.last || run.last > s->last || run.first < s->floor)
		return 0;
	return ranges_add(&s->declared, run);
}

/* Numbers that are in no row, and of which nothing says why. */
static uint64_t missing(struct salvage *s, uint64_t rows)
{
	uint64_t known = rows;
	bool whole;

	(void)wreck_read(&s->wreck, WRECK_GAP_RANGE, (int64_t)s->floor,
			 (int64_t)s->last, on_range, s);
	(void)wreck_read(&s->wreck, WRECK_OWED, 1,
			 wreck_last(&s->wreck, WRECK_OWED, INT32_MAX, &whole),
			 on_owed_range, s);
	ranges_sort(&s->declared);
	for (size_t i = 0; i < s->declared.n; i++)
		known += s->declared.runs[i].last - s->declared.runs[i].first +
			 1;
	return s->last >= s->floor && s->last - s->floor + 1 > known
		       ? s->last - s->floor + 1 - known
		       : 0;
}

static int number_of(struct wreck *w, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int n = 0;

	(void)sqlite3_prepare_v2(w->sqlite, sql, -1, &s, NULL);
	if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return n;
}

/* What SQLite says of its own pages. */
static void quick_check(struct wreck *w, struct store_check_result *result)
{
	sqlite3_stmt *s = NULL;
	const char *text = NULL;
	int code;

	(void)sqlite3_prepare_v2(w->sqlite, "PRAGMA quick_check(1)", -1, &s,
				 NULL);
	code = s != NULL ? sqlite3_step(s) : SQLITE_CORRUPT;
	if (code == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(s, 0);
	else
		text = sqlite3_errmsg(w->sqlite);
	result->whole = text != NULL && strcmp(text, "ok") == 0;
	if (!result->whole)
		snprintf(result->trouble, sizeof(result->trouble), "%s",
			 text ? text : "it cannot be read");
	for (char *c = result->trouble; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	sqlite3_finalize(s);
}

static int read_rows(struct salvage *s, const char *path,
		     struct store_check_result *result, struct ep_err *err)
{
	struct store_options options = { .path = path,
					 .read_only = true,
					 .forgiving = true };
	struct scanning sc = { .cb = count, .arg = result, .wreck = &s->wreck };
	int r = store_open(&options, &sc.store, err);

	if (r < 0)
		return r;
	r = scan(&sc, s->floor, s->last);
	store_close(sc.store);
	if (r < 0)
		return ep_err_set(err, r, "%s: %s", path, strerror(-r));
	result->missing = missing(s, result->rows);
	/* In a store in use rows come and go meanwhile. */
	if (result->whole && !store_is_held(path) &&
	    result->missing + sc.implausible > 0) {
		result->whole = false;
		snprintf(result->trouble, sizeof(result->trouble),
			 "%llu numbers are in no row, and nothing says why",
			 (unsigned long long)result->missing);
	}
	return 0;
}

static int check(struct salvage *s, const char *path,
		 struct store_check_result *result, struct ep_err *err)
{
	int r = open_ends(s, path, err);

	if (r < 0)
		return r;
	memcpy(result->epoch, s->result.epoch, sizeof(result->epoch));
	result->schema = number_of(&s->wreck, "PRAGMA user_version");
	quick_check(&s->wreck, result);
	if (!wreck_goes_on(&s->wreck))
		return ep_err_set(err, -ECANCELED, "%s: stopped", path);
	wal_look(path, &result->log_frames, &result->log_good);
	return read_rows(s, path, result, err);
}

int store_check(const char *path, struct store_job *job,
		struct store_check_result *ret_result, struct ep_err *err)
{
	struct store_check_result result = { 0 };
	struct salvage *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return ep_err_set(err, -ENOMEM, "no memory to check");
	s->wreck.job = job;
	r = check(s, path, &result, err);
	wreck_close(&s->wreck);
	ranges_finish(&s->declared);
	free(s);
	if (r == 0)
		*ret_result = result;
	return r;
}
