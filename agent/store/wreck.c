#include "store/wreck.h"
#include "store/salvage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SQL_BYTES 160
/* Readers of a store in use wait for its writer. */
#define WAIT_MS 5000

static const struct {
	const char *name, *key;
	bool many; /* rows of one key */
} tables[WRECK_TABLES] = {
	[WRECK_SAMPLE] = { "sample", "seq", false },
	[WRECK_HTTPS] = { "https", "seq", false },
	[WRECK_LATE] = { "late", "seq", false },
	[WRECK_NOTE] = { "note", "seq", false },
	[WRECK_GAP] = { "gap", "seq", false },
	[WRECK_GAP_RANGE] = { "gap_range", "seq", true },
	[WRECK_CHUNK] = { "chunk", "id", false },
	[WRECK_SPAN] = { "span", "id", false },
	[WRECK_SERIES] = { "series", "id", false },
	[WRECK_PATH] = { "path", "id", false },
	[WRECK_WORD] = { "word", "id", false },
	[WRECK_OWED] = { "owed", "id", false },
	[WRECK_DESTINATION] = { "destination", "id", false },
	[WRECK_BATCH] = { "batch", "id", false },
	[WRECK_BATCH_BODY] = { "batch_body", "id", false },
	[WRECK_DEAD] = { "dead", "id", false },
	[WRECK_COUNTER] = { "counter", "destination", true },
	[WRECK_SERIES_SPARE] = { "series_spare", "id", false },
	[WRECK_PATH_SPARE] = { "path_spare", "id", false },
	[WRECK_WORD_SPARE] = { "word_spare", "id", false },
	[WRECK_DESTINATION_SPARE] = { "destination_spare", "id", false },
};

const char *wreck_name(enum wreck_table table)
{
	return tables[table].name;
}

/* An owned file is locked for good, so that its log needs no index beside it;
 * and nothing is written back. */
static int settle_in(struct wreck *w, bool owned)
{
	sqlite3_db_config(w->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(w->sqlite, WAIT_MS);
	return sqlite3_exec(w->sqlite,
			    owned ? "PRAGMA locking_mode = EXCLUSIVE;"
				    "PRAGMA trusted_schema = 0;"
				    "PRAGMA cell_size_check = 1;"
				    "PRAGMA wal_autocheckpoint = 0;"
				    "PRAGMA cache_size = -2048;"
				    "PRAGMA query_only = 1"
				  : "PRAGMA trusted_schema = 0;"
				    "PRAGMA cell_size_check = 1;"
				    "PRAGMA wal_autocheckpoint = 0;"
				    "PRAGMA query_only = 1",
			    NULL, NULL, NULL);
}

/* --- stopping --- */

void store_job_init(struct store_job *job)
{
	memset(job, 0, sizeof(*job));
	pthread_mutex_init(&job->lock, NULL);
}

void store_job_finish(struct store_job *job)
{
	pthread_mutex_destroy(&job->lock);
}

void store_job_stop(struct store_job *job)
{
	pthread_mutex_lock(&job->lock);
	job->stopped = true;
	if (job->busy != NULL)
		sqlite3_interrupt(job->busy);
	pthread_mutex_unlock(&job->lock);
}

bool store_job_is_solid(struct store_job *job)
{
	bool solid;

	pthread_mutex_lock(&job->lock);
	solid = job->solid;
	pthread_mutex_unlock(&job->lock);
	return solid;
}

void store_job_set_solid(struct store_job *job)
{
	if (job == NULL)
		return;
	pthread_mutex_lock(&job->lock);
	job->solid = true;
	pthread_mutex_unlock(&job->lock);
}

static void set_busy(struct wreck *w, sqlite3 *sqlite)
{
	if (w->job == NULL)
		return;
	pthread_mutex_lock(&w->job->lock);
	w->job->busy = sqlite;
	pthread_mutex_unlock(&w->job->lock);
}

bool wreck_goes_on(const struct wreck *w)
{
	static const struct timespec rest = { .tv_nsec = 1000000 };
	bool stopped;

	if (w->job == NULL)
		return true;
	if (w->job->rests)
		(void)nanosleep(&rest, NULL);
	pthread_mutex_lock(&w->job->lock);
	stopped = w->job->stopped;
	pthread_mutex_unlock(&w->job->lock);
	return !stopped;
}

int wreck_open(struct wreck *w, const char *path, bool owned,
	       struct ep_err *err)
{
	int flags = owned ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int r = sqlite3_open_v2(path, &w->sqlite, flags | SQLITE_OPEN_NOMUTEX,
				NULL);

	if (r == SQLITE_OK)
		(void)settle_in(w, owned); /* damage shows when it is read */
	set_busy(w, w->sqlite);
	if (r == SQLITE_OK)
		return 0;
	ep_err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(w->sqlite));
	wreck_close(w);
	return -EIO;
}

void wreck_close(struct wreck *w)
{
	set_busy(w, NULL);
	sqlite3_close(w->sqlite);
	w->sqlite = NULL;
}

/* --- ranges --- */

struct reading {
	struct wreck *w;
	sqlite3_stmt *stmt;
	bool many;
	int64_t next; /* lower keys have been read */
	int64_t damaged;
	wreck_cb cb;
	void *arg;
};

static int end_of_pass(struct reading *rd, int code)
{
	sqlite3_reset(rd->stmt);
	if (code == SQLITE_DONE)
		return 0;
	if (code == SQLITE_NOMEM)
		return -ENOMEM;
	return code == SQLITE_INTERRUPT ? -ECANCELED : 1;
}

/* 0: to the end; 1: damage at `rd->next` or above; else stop. Keys out of order
 * are damage, too. */
static int pass(struct reading *rd, int64_t last)
{
	int code, r;

	sqlite3_bind_int64(rd->stmt, 1, rd->next);
	sqlite3_bind_int64(rd->stmt, 2, last);
	while ((code = sqlite3_step(rd->stmt)) == SQLITE_ROW) {
		int64_t key = sqlite3_column_int64(rd->stmt, 0);

		if (key < rd->next || key > last) {
			code = SQLITE_CORRUPT;
			break;
		}
		r = rd->cb(rd->stmt, rd->arg);
		if (r != 0) {
			sqlite3_reset(rd->stmt);
			return r;
		}
		rd->next = rd->many ? key : key + 1;
	}
	r = end_of_pass(rd, code);
	if (r == 1 && rd->many && rd->next < last)
		rd->next++; /* its rows may be handed out again otherwise */
	return r;
}

/* Halve what is left until what meets damage is one key. */
static int read_range(struct reading *rd, int64_t first, int64_t last)
{
	int r;

	if (!wreck_goes_on(rd->w))
		return -ECANCELED;
	rd->next = first;
	r = pass(rd, last);
	if (r != 1)
		return r;
	first = rd->next;
	if (first >= last) {
		rd->damaged += first == last;
		return 0;
	}
	r = read_range(rd, first, first + (last - first) / 2);
	if (r < 0)
		return r;
	return read_range(rd, first + (last - first) / 2 + 1, last);
}

static sqlite3_stmt *ask(struct wreck *w, const char *format,
			 enum wreck_table table)
{
	char sql[SQL_BYTES];
	sqlite3_stmt *s = NULL;

	sqlite3_snprintf(sizeof(sql), sql, format, tables[table].key,
			 tables[table].name, tables[table].key,
			 tables[table].key, tables[table].key);
	(void)sqlite3_prepare_v2(w->sqlite, sql, -1, &s, NULL);
	return s;
}

int64_t wreck_read(struct wreck *w, enum wreck_table table, int64_t first,
		   int64_t last, wreck_cb cb, void *arg)
{
	struct reading rd = {
		.w = w,
		.many = tables[table].many,
		.cb = cb,
		.arg = arg,
	};
	int r;

	if (last < first)
		return 0;
	rd.stmt = ask(w,
		      "SELECT %s, * FROM %s WHERE %s >= ?1 AND %s <= ?2"
		      " ORDER BY %s",
		      table);
	if (rd.stmt == NULL)
		return last - first + 1; /* the table is gone */
	r = read_range(&rd, first, last);
	sqlite3_finalize(rd.stmt);
	return r < 0 ? r : rd.damaged;
}

/* --- ends --- */

/* The highest key up to `cap`: 1, 0: none, -1: damage. */
static int probe(sqlite3_stmt *s, int64_t cap, int64_t *ret_key)
{
	int code;

	sqlite3_bind_int64(s, 1, cap);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret_key = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	if (code == SQLITE_ROW)
		return *ret_key <= cap ? 1 : -1;
	return code == SQLITE_DONE ? 0 : -1;
}

int64_t wreck_last(struct wreck *w, enum wreck_table table, int64_t cap,
		   bool *ret_whole)
{
	sqlite3_stmt *s = ask(
		w, "SELECT %s FROM %s WHERE %s <= ?1 ORDER BY %s DESC LIMIT 1",
		table);
	int64_t good = 0, bad = cap, key = 0, found = 0;

	if (s == NULL) {
		*ret_whole = false;
		return 0;
	}
	if (probe(s, cap, &key) >= 0) {
		sqlite3_finalize(s);
		return key;
	}
	*ret_whole = false;
	while (good + 1 < bad) {
		int64_t middle = good + (bad - good) / 2;

		if (probe(s, middle, &key) >= 0) {
			good = middle;
			found = key;
		} else {
			bad = middle;
		}
	}
	sqlite3_finalize(s);
	return found;
}

int64_t wreck_first(struct wreck *w, enum wreck_table table)
{
	sqlite3_stmt *s =
		ask(w, "SELECT %s FROM %s WHERE %s >= 1 ORDER BY %s LIMIT 1",
		    table);
	int64_t key = 0;

	if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
		key = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return key;
}

void wreck_meta(struct wreck *w, const char *name, char *ret_text, size_t size)
{
	const unsigned char *text = NULL;
	sqlite3_stmt *s = NULL;

	ret_text[0] = '\0';
	(void)sqlite3_prepare_v2(w->sqlite,
				 "SELECT value FROM meta WHERE name = ?", -1,
				 &s, NULL);
	if (s == NULL)
		return;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		text = sqlite3_column_text(s, 0);
	if (text != NULL)
		snprintf(ret_text, size, "%s", (const char *)text);
	sqlite3_finalize(s);
}
