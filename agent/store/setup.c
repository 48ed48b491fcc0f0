/* A connection's settings, a new database, and what an old one remembers. */
#include "store/sample.h"
#include "store/sealed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define AUTOCHECKPOINT_MAX_PAGES 1000

uint64_t now_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int pragma(struct store *store, const char *format, int64_t value)
{
	char sql[128];

	sqlite3_snprintf(sizeof(sql), sql, format, value);
	return db_exec(&store->db, sql);
}

void setup_page_bound(struct store *store)
{
	(void)pragma(store, "PRAGMA max_page_count = %lld",
		     (int64_t)store->max_pages);
}

/* As far as the questions go, a store of an earlier schema has these, too. */
static int stand_in(struct store *store)
{
	int64_t there = 0;
	int r = db_exec_number(&store->db,
			       "SELECT count(*) FROM sqlite_schema"
			       " WHERE name = 'chunk'",
			       &there);

	if (r < 0 || there)
		return r < 0 ? r : 0;
	r = db_exec(&store->db, "PRAGMA temp_store = MEMORY");
	return r < 0 ? r : db_exec(&store->db, db_no_chunks);
}

static int reader(struct store *store)
{
	sqlite3 *db = store->db.sqlite;
	int r;

	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_autocheckpoint(db, 0);
	r = stand_in(store);
	return r < 0 ? r : db_exec(&store->db, "PRAGMA query_only = 1");
}

static int writer(struct store *store)
{
	int64_t pages = (int64_t)(store->wal_bytes / 2 / PAGE_BYTES);
	int r;

	if (pages > AUTOCHECKPOINT_MAX_PAGES)
		pages = AUTOCHECKPOINT_MAX_PAGES;
	/* Rows are appended: a cache of 512 KiB holds the ends of all tables. */
	r = db_exec(&store->db, "PRAGMA journal_mode = WAL;"
				"PRAGMA synchronous = FULL;"
				"PRAGMA secure_delete = OFF;"
				"PRAGMA cache_size = -512;"
				"PRAGMA temp_store = MEMORY");
	if (r == 0)
		r = pragma(store, "PRAGMA journal_size_limit = %lld",
			   (int64_t)store->wal_bytes);
	if (r == 0)
		r = pragma(store, "PRAGMA wal_autocheckpoint = %lld", pages);
	if (r == 0)
		setup_page_bound(store);
	return r;
}

int setup_connection(struct store *store, struct ep_err *err)
{
	int r;

	r = db_exec(&store->db, "PRAGMA trusted_schema = 0;"
				"PRAGMA cell_size_check = 1;"
				"PRAGMA foreign_keys = 0");
	if (r == 0)
		r = store->read_only ? reader(store) : writer(store);
	return r < 0 ? db_fail(&store->db, err, store->path) : 0;
}

static int new_epoch(char *ret_text, size_t size)
{
	uint64_t epoch;

	if (getrandom(&epoch, sizeof(epoch), 0) != sizeof(epoch))
		return -EIO;
	snprintf(ret_text, size, "%016" PRIx64, epoch);
	return 0;
}

/* What is known of the file that this one comes after, for who salvages it. */
static int remember_aside(struct store *store)
{
	const struct aside *a = &store->aside;
	const char *base = a->path ? strrchr(a->path, '/') : NULL;
	char name[300], value[64];

	if (!a->path)
		return 0;
	snprintf(name, sizeof(name), ASIDE_PREFIX "%s",
		 base ? base + 1 : a->path);
	snprintf(value, sizeof(value), "%llu %s", (unsigned long long)a->last,
		 a->epoch);
	return db_run(&store->db, Q_META_SET, "tt", name, value);
}

static int create(struct store *store, void *arg)
{
	char epoch[sizeof(store->epoch)];
	uint64_t floor = store->floor > 0 ? store->floor : 1;
	int r = 0;

	(void)arg;
	if (store->epoch[0])
		memcpy(epoch, store->epoch, sizeof(epoch));
	else
		r = new_epoch(epoch, sizeof(epoch));
	if (r == 0)
		r = db_exec(&store->db, db_schema);
	if (r == 0)
		r = pragma(store, "PRAGMA application_id = %lld",
			   APPLICATION_ID);
	if (r == 0)
		r = pragma(store, "PRAGMA user_version = %lld", STORE_SCHEMA);
	if (r == 0)
		r = db_run(&store->db, Q_META_SET, "tt", "epoch", epoch);
	if (r == 0)
		r = db_run(&store->db, Q_META_SET, "tu", "floor", floor);
	return r < 0 ? r : remember_aside(store);
}

/* Before WAL is turned on: so it is there wholly, or not at all. EXTRA, because
 * a journal whose deletion a power cut undoes would undo all that came after it,
 * and only a few file systems exclude that. */
int setup_create(struct store *store, struct ep_err *err)
{
	int r = db_exec(&store->db, "PRAGMA page_size = 4096;"
				    "PRAGMA auto_vacuum = INCREMENTAL;"
				    "PRAGMA synchronous = EXTRA");

	if (r < 0)
		return db_fail(&store->db, err, store->path);
	return transact_once(store, create, NULL, err);
}

static int upgrade(struct store *store, void *version)
{
	int r = 0;

	for (int v = *(int *)version; v < STORE_SCHEMA && r == 0; v++)
		r = db_exec(&store->db, db_steps[v]);
	return r < 0 ? r
		     : pragma(store, "PRAGMA user_version = %lld",
			      STORE_SCHEMA);
}

/* A store that is full has room for this page, too. */
int setup_upgrade(struct store *store, int version, struct ep_err *err)
{
	int r = db_exec(&store->db, "PRAGMA max_page_count = 4294967294");

	if (r < 0)
		return db_fail(&store->db, err, store->path);
	r = transact_once(store, upgrade, &version, err);
	setup_page_bound(store);
	return r;
}

static int load_epoch(struct store *store)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_META_GET, "t", "epoch");
	const char *text = NULL;
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0)
		text = (const char *)sqlite3_column_text(s, 0);
	if (text && strlen(text) == sizeof(store->epoch) - 1)
		memcpy(store->epoch, text, sizeof(store->epoch));
	else if (r >= 0)
		r = -EUCLEAN;
	db_end(s);
	return r < 0 ? r : 0;
}

/* A store from before its first writer said its name has none. */
static int load_agent(struct store *store)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_META_GET, "t", "agent");
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0)
		snprintf(store->agent, sizeof(store->agent), "%s",
			 (const char *)sqlite3_column_text(s, 0));
	db_end(s);
	return r < 0 ? r : 0;
}

static int load_numbers(struct store *store)
{
	int64_t floor = 1, last = 0;
	int r = db_number(&store->db, &floor, Q_META_GET, "t", "floor");

	if (r >= 0)
		r = db_number(&store->db, &last, Q_LAST_SEQ, "");
	if (r < 0)
		return r;
	store->floor = (uint64_t)floor;
	store->durable = (uint64_t)last + 1;
	if (store->durable < store->floor)
		store->durable = store->floor;
	store->next_seq = store->durable;
	return 0;
}

/* Times of the span that was not full yet. */
static int load_span(struct store *store)
{
	uint64_t first = (store->durable - 1) / SPAN_ROWS * SPAN_ROWS;
	sqlite3_stmt *s = db_ask(&store->db, Q_SAMPLE_TIMES, "u", first);
	int r;

	store->span.id = UINT64_MAX;
	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0) {
		r = span_extend(store, &store->span, first,
				(uint64_t)sqlite3_column_int64(s, 0));
		if (r < 0)
			break;
	}
	db_end(s);
	return r;
}

/* A reader of what may be damaged goes on with what it got. */
static int forgive(const struct store *store, int code)
{
	return store->forgiving && code < 0 ? 0 : code;
}

int setup_load(struct store *store, struct ep_err *err)
{
	int r = forgive(store, load_epoch(store));

	if (r == 0)
		r = forgive(store, load_agent(store));
	if (r == 0)
		r = forgive(store, load_numbers(store));
	if (r == 0)
		r = forgive(store, names_load(store));
	if (r == 0 && !store->read_only)
		r = load_span(store);
	if (r == 0 && !store->read_only)
		r = db_exec(&store->db, db_spares_kept);
	if (r == -EUCLEAN)
		return ep_err_set(err, r, "%s: what it should remember is gone",
				  store->path);
	store->owed = true;
	return r < 0 ? db_fail(&store->db, err, store->path) : 0;
}

/* What memory knows goes on as it is; nothing of it is in the new file. */
static void begin_again(struct store *store)
{
	store->series.saved = store->paths.saved = store->words.saved = 0;
	store->tidied = store->floor;
	store->span.id = UINT64_MAX;
	store->marked = store->disk_full = store->unchecked = false;
	store->owed = true;
	chunk_destroy(store->chunk);
	store->chunk = NULL;
	while (store->collected) {
		struct collected *next = store->collected->next;

		free(store->collected);
		store->collected = next;
	}
}

int setup_continue(struct store *store, struct ep_err *err)
{
	int r;

	memset(store->epoch, 0, sizeof(store->epoch));
	store->floor = store->durable;
	begin_again(store);
	r = setup_create(store, err);
	if (r == 0)
		r = setup_connection(store, err);
	if (r == 0 &&
	    (load_epoch(store) < 0 || db_exec(&store->db, db_spares_kept) < 0))
		r = db_fail(&store->db, err, store->path);
	return r;
}
