/* Opening: whose file is this, is it whole, may we write it? And closing. */
#include "store/renew.h"
#include "store/salvage.h"
#include "store/sealed.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_BYTES    ((uint64_t)64 << 20)
#define WAL_SHARE      16 /* of max_bytes */
#define WAL_MIN_BYTES  ((uint64_t)2 << 20)
#define WAL_MAX_BYTES  ((uint64_t)16 << 20)
#define SMALL_FILES    ((uint64_t)128 << 10) /* lock; the log's index */
#define PATH_BYTES_MAX 4000
/* A database up to this is read wholly before it is written. */
#define CHECK_NOW_BYTES ((uint64_t)32 << 20)

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

/* One that has little for a while goes without ballast. */
static void share_bytes(struct store *store, uint64_t max_bytes)
{
	bool little = max_bytes < STORE_MIN_BYTES;

	store->max_bytes = max_bytes;
	store->wal_bytes = little ? max_bytes / 4
				  : clamp(max_bytes / WAL_SHARE, WAL_MIN_BYTES,
					  WAL_MAX_BYTES);
	store->max_pages = (max_bytes - store->wal_bytes - SMALL_FILES -
			    (little ? 0 : BALLAST_BYTES)) /
			   PAGE_BYTES;
}

void store_set_bound(struct store *store, uint64_t max_bytes)
{
	if (max_bytes < STORE_LITTLE_BYTES)
		max_bytes = STORE_LITTLE_BYTES;
	if (max_bytes == store->max_bytes)
		return;
	if (max_bytes < STORE_MIN_BYTES)
		file_drop_ballast(store);
	share_bytes(store, max_bytes);
	setup_page_bound(store);
}

/* The file that was set aside has its room still: what this one may take is
 * little, until the agent shares it out. */
static void give_way(struct store *store)
{
	uint64_t aside = store_bytes_of(store->aside.path);
	uint64_t left = store->max_bytes > aside ? store->max_bytes - aside : 0;

	file_drop_ballast(store);
	share_bytes(store,
		    left > STORE_LITTLE_BYTES ? left : STORE_LITTLE_BYTES);
}

/* Queued rows are larger than on disk, so that the queue is bounded by what
 * can be written at once, too. */
static void share_out(struct store *store, const struct store_options *o)
{
	uint64_t queue = o->queue_bytes;

	share_bytes(store, o->max_bytes);
	if (queue == 0)
		queue = clamp(o->max_bytes / 4, 0, QUEUE_BYTES);
	queue_init(&store->queue, queue);
	minutes_init(&store->minutes,
		     (size_t)(queue / 16 / sizeof(struct minute)));
}

static struct store *make(const struct store_options *o)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	/* SQLite keeps the log beside the file that a link leads to. */
	store->path = realpath(o->path, NULL);
	if (!store->path)
		store->path = strdup(o->path);
	if (!store->path) {
		free(store);
		return NULL;
	}
	store->lock_fd = -1;
	store->read_only = o->read_only;
	store->forgiving = o->read_only && o->forgiving;
	dict_init(&store->series);
	dict_init(&store->paths);
	dict_init(&store->words);
	if (!o->read_only)
		share_out(store, o);
	snprintf(store->epoch, sizeof(store->epoch), "%s",
		 o->epoch ? o->epoch : "");
	store->floor = o->first_seq;
	return store;
}

static void discard(struct store *store)
{
	while (store->collected) {
		struct collected *next = store->collected->next;

		free(store->collected);
		store->collected = next;
	}
	for (uint32_t i = 0; i < store->n_series_texts; i++)
		free(store->series_texts[i]);
	free(store->series_texts);
	dict_finish(&store->series);
	dict_finish(&store->paths);
	dict_finish(&store->words);
	queue_finish(&store->queue);
	minutes_finish(&store->minutes);
	chunk_destroy(store->chunk);
	free(store->aside.path);
	free(store->path);
	free(store);
}

static int check_path(const struct store_options *o, struct ep_err *err)
{
	struct stat st;

	if (strlen(o->path) > PATH_BYTES_MAX)
		return ep_err_set(err, -ENAMETOOLONG,
				  "store path: longer than %d bytes",
				  PATH_BYTES_MAX);
	if (!o->read_only && o->max_bytes < STORE_MIN_BYTES)
		return ep_err_set(err, -EINVAL,
				  "%s: the store may take %llu bytes, needs at "
				  "least %u",
				  o->path, (unsigned long long)o->max_bytes,
				  STORE_MIN_BYTES);
	if (stat(o->path, &st) < 0) {
		if (o->read_only || errno != ENOENT)
			return ep_err_set(err, -errno, "%s: %s%s", o->path,
					  strerror(errno),
					  errno == ENOENT ? ": has the agent "
							    "run with it?"
							  : "");
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return ep_err_set(err, -EISDIR,
				  "%s: is a directory: name a file in it",
				  o->path);
	if (!S_ISREG(st.st_mode))
		return ep_err_set(err, -EILSEQ, "%s: is not a regular file",
				  o->path);
	return 0;
}

/* --- the database itself --- */

/* `path` as a URI that promises nobody writes: with a closed store in a
 * directory that may not be written, SQLite could not make the log's index. */
static int open_immutable(struct store *store)
{
	size_t size = strlen(store->path) * 3 + sizeof("file:?immutable=1");
	char *uri = malloc(size);
	size_t at;
	int r;

	if (!uri)
		return SQLITE_NOMEM;
	at = (size_t)snprintf(uri, size, "file:");
	for (const char *c = store->path; *c; c++)
		at += (size_t)snprintf(uri + at, size - at,
				       isalnum((unsigned char)*c) ||
						       strchr("/._-", *c)
					       ? "%c"
					       : "%%%02x",
				       (unsigned char)*c);
	snprintf(uri + at, size - at, "?immutable=1");
	sqlite3_close(store->db.sqlite);
	r = sqlite3_open_v2(uri, &store->db.sqlite,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
				    SQLITE_OPEN_NOMUTEX,
			    NULL);
	free(uri);
	return r;
}

/* A reader in a directory that it may not write, and nobody else there. */
static bool cannot_index(struct store *store)
{
	int64_t n;
	int code;

	if (!store->read_only || file_bytes(store, "-wal") > 0 ||
	    db_exec_number(&store->db, "PRAGMA user_version", &n) >= 0)
		return false;
	code = sqlite3_errcode(store->db.sqlite) & 0xff;
	return code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
}

/* The agent keeps readers out for a moment while it opens or upgrades its
 * store; it waits itself for a reader that recovers the log. */
#define READER_WAITS_MS 5000
#define WRITER_WAITS_MS 200

static int open_sqlite(struct store *store, struct ep_err *err)
{
	int flags = store->read_only
			    ? SQLITE_OPEN_READONLY
			    : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int r;

	r = sqlite3_open_v2(store->path, &store->db.sqlite,
			    flags | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_busy_timeout(store->db.sqlite, store->read_only
						       ? READER_WAITS_MS
						       : WRITER_WAITS_MS);
	if (r == SQLITE_OK && cannot_index(store))
		r = open_immutable(store);
	if (r != SQLITE_OK)
		return db_fail(&store->db, err, store->path);
	if (!store->read_only &&
	    sqlite3_db_readonly(store->db.sqlite, "main") == 1)
		return ep_err_set(err, -EACCES,
				  "%s: is not writable for this user",
				  store->path);
	return 0;
}

static int foreign(const struct store *store, struct ep_err *err)
{
	return ep_err_set(err, -EILSEQ,
			  "%s: is not a store of edgeprobe: move it away or "
			  "name another file",
			  store->path);
}

/* 1: ours; 0: empty; -EUCLEAN: ours, and damaged; or another errno. */
static int whose(struct store *store, struct ep_err *err)
{
	int64_t id = 0, tables = 0;
	int r = db_exec_number(&store->db, "PRAGMA application_id", &id);

	if (r >= 0)
		r = db_exec_number(&store->db,
				   "SELECT count(*) FROM sqlite_schema",
				   &tables);
	if (r == -EUCLEAN && !store->was_locked && id != APPLICATION_ID)
		return foreign(store, err);
	if (r < 0)
		return db_fail(&store->db, err, store->path);
	if (id == APPLICATION_ID)
		return 1;
	return id == 0 && tables == 0 ? 0 : foreign(store, err);
}

/* The schema that it has, or a negative errno. */
static int check_version(struct store *store, struct ep_err *err)
{
	int64_t version = 0;

	if (db_exec_number(&store->db, "PRAGMA user_version", &version) < 0)
		return db_fail(&store->db, err, store->path);
	if (version < 1)
		return ep_err_set(err, -EUCLEAN, "%s: its schema is not known",
				  store->path);
	if (version <= STORE_SCHEMA)
		return (int)version;
	if (store->read_only) {
		snprintf(store->notice, sizeof(store->notice),
			 "%.300s: written by a newer edgeprobe (schema %lld, "
			 "this one knows %d): read as far as understood",
			 store->path, (long long)version, STORE_SCHEMA);
		return STORE_SCHEMA;
	}
	return ep_err_set(err, -ENOTSUP,
			  "%s: written by a newer edgeprobe (schema %lld, this "
			  "one knows %d): install that again, or name another "
			  "file",
			  store->path, (long long)version, STORE_SCHEMA);
}

/* Only after an unclean stop. A check of everything reads everything: of a
 * large file, what no work can do without is checked now, and the rest beside
 * the work (see store_check()). */
static int check(struct store *store, struct ep_err *err)
{
	bool small = file_bytes(store, "") <= CHECK_NOW_BYTES;
	int64_t dirty = 0, whole = 0;
	int r = db_number(&store->db, &dirty, Q_META_GET, "t", "dirty");

	if (r >= 0 && dirty)
		r = db_exec_number(
			&store->db,
			small ? "SELECT quick_check = 'ok' FROM"
				" pragma_quick_check(1)"
			      : "SELECT min(quick_check = 'ok')"
				" FROM pragma_table_list AS t,"
				" pragma_quick_check(t.name)"
				" WHERE t.schema = 'main' AND t.name NOT IN"
				" ('sample', 'https', 'note', 'late', 'chunk',"
				" 'batch_body', 'dead', 'sqlite_schema')",
			&whole);
	if (r < 0)
		return db_fail(&store->db, err, store->path);
	if (dirty && !whole)
		return ep_err_set(err, -EUCLEAN, "%s: the check found damage",
				  store->path);
	store->unchecked = dirty && !small;
	return 0;
}

static int open_database(struct store *store, struct ep_err *err)
{
	int version = STORE_SCHEMA;
	int r = open_sqlite(store, err);

	if (r == 0)
		r = whose(store, err);
	if (r == 0 && store->read_only)
		return ep_err_set(err, -ENOENT, "%s: is empty", store->path);
	if (r > 0)
		r = version = check_version(store, err);
	else if (r == 0)
		r = setup_create(store, err);
	if (r == -EUCLEAN && store->forgiving)
		r = 0;
	if (r >= 0)
		r = setup_connection(store, err);
	if (r == 0 && !store->read_only)
		r = check(store, err);
	if (r == 0 && !store->read_only && version < STORE_SCHEMA)
		r = setup_upgrade(store, version, err);
	if (r == 0)
		r = setup_load(store, err);
	return r;
}

static int open_or_begin_anew(struct store *store, struct ep_err *err)
{
	struct ep_err why = { 0 };
	int r = open_database(store, &why);

	if (r == -EUCLEAN && !store->read_only) {
		db_close(&store->db);
		r = file_set_aside(store, "unreadable", &why);
		if (r == 0)
			give_way(store);
		memset(store->epoch, 0, sizeof(store->epoch));
		store->floor = store->durable = 0;
		dict_finish(&store->series);
		dict_finish(&store->paths);
		dict_finish(&store->words);
		if (r == 0)
			r = open_database(store, &why);
	}
	if (r < 0)
		(void)ep_err_set(err, r, "%s", why.text);
	return r;
}

bool store_is_unchecked(const struct store *store)
{
	return store->unchecked;
}

int store_renew(struct store *store, struct ep_err *err)
{
	struct ep_err why = { 0 };
	int r = 0;

	snprintf(why.text, sizeof(why.text), "%s",
		 store->db.damaged ? "damage met"
				   : "found by a check, or its disk fails");
	db_close(&store->db);
	if (store->renewing)
		(void)unlink(store->path); /* begun, and nothing in it */
	else
		r = file_set_aside(store, why.text, err);
	if (r < 0)
		return r;
	if (!store->renewing)
		give_way(store);
	store->renewing = true;
	r = open_sqlite(store, err);
	if (r == 0)
		r = setup_continue(store, err);
	if (r < 0)
		db_close(&store->db);
	store->renewing = r < 0;
	return r;
}

static int mark_open(struct store *store, void *arg)
{
	int r = db_run(&store->db, Q_META_SET, "tu", "dirty", (uint64_t)1);

	(void)arg;
	return r < 0 ? r
		     : db_run(&store->db, Q_META_SET, "tt", "agent",
			      store->agent);
}

int store_open(const struct store_options *options, struct store **ret_store,
	       struct ep_err *err)
{
	struct store *store;
	int r = check_path(options, err);

	if (r < 0)
		return r;
	store = make(options);
	if (!store)
		return ep_err_set(err, -ENOMEM, "no memory for the store");
	if (!store->read_only) {
		r = file_lock(store, err);
		if (r < 0)
			goto err_discard;
		if (!file_has_room(store))
			file_drop_ballast(store);
	}
	r = open_or_begin_anew(store, err);
	if (r < 0)
		goto err_close;
	if (options->agent)
		snprintf(store->agent, sizeof(store->agent), "%s",
			 options->agent);
	/* On a full disk the first commit that succeeds does it. */
	if (!store->read_only)
		store->marked =
			transact_once(store, mark_open, NULL, NULL) == 0;
	*ret_store = store;
	return 0;

err_close:
	db_close(&store->db);
	file_unlock(store, r == -EILSEQ);
err_discard:
	discard(store);
	return r;
}

static int mark_closed(struct store *store, void *arg)
{
	(void)arg;
	return db_run(&store->db, Q_META_SET, "tu", "dirty", (uint64_t)0);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (!store->read_only && store_commit(store, NULL) == 0)
		(void)transact_once(store, mark_closed, NULL, NULL);
	db_close(&store->db);
	file_unlock(store, false);
	discard(store);
}

const char *store_notice(const struct store *store)
{
	return store->notice;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

const char *store_agent(const struct store *store)
{
	return store->agent;
}

const char *store_epoch(const struct store *store)
{
	return store->epoch;
}
