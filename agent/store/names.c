/* Series, paths and words: written once, then carried by number. */
#include "store/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_TEXTS 9

/* A key must tell NULL from "". */
#define KEY_NULL 'n'
#define KEY_TEXT 't'

/* Of the rows. */
#define TIDY_SHARE 8
#define TIDY_MIN   4096

/* Names that a reader of a damaged file tries in vain. */
#define FORGIVE_MAX 512

struct path_key {
	uint8_t series[4], scope[4], port[2], family, address[16];
};

static void series_texts(const struct series *series,
			 const char *ret_texts[SERIES_TEXTS])
{
	ret_texts[0] = series->target;
	ret_texts[1] = series->probe;
	ret_texts[2] = series->host;
	ret_texts[3] = series->site;
	ret_texts[4] = series->country;
	ret_texts[5] = series->metro;
	ret_texts[6] = series->circuit;
	ret_texts[7] = series->provider;
	ret_texts[8] = series->prefix;
}

/* Each text with its tag and NUL, one after the other; malloc(3)ed. */
static char *series_key(const char *const texts[SERIES_TEXTS], size_t *ret_len)
{
	size_t len = 0, at = 0;
	char *key;

	for (int i = 0; i < SERIES_TEXTS; i++)
		len += 2 + (texts[i] ? strlen(texts[i]) : 0);
	key = malloc(len);
	if (!key)
		return NULL;
	for (int i = 0; i < SERIES_TEXTS; i++) {
		size_t n = texts[i] ? strlen(texts[i]) : 0;

		key[at++] = texts[i] ? KEY_TEXT : KEY_NULL;
		if (n)
			memcpy(key + at, texts[i], n);
		key[at + n] = '\0';
		at += n + 1;
	}
	*ret_len = len;
	return key;
}

static void split_series_key(const char *key, const char *ret_texts[])
{
	for (int i = 0; i < SERIES_TEXTS; i++) {
		ret_texts[i] = *key == KEY_TEXT ? key + 1 : NULL;
		key += strlen(key) + 1;
	}
}

int store_series(struct store *store, const struct series *series,
		 uint32_t *ret_id, struct ep_err *err)
{
	const char *texts[SERIES_TEXTS];
	struct dict_entry *e;
	size_t len;
	char *key;

	if (store->read_only)
		return ep_err_set(err, -EROFS, "%s: opened for reading only",
				  store->path);
	series_texts(series, texts);
	key = series_key(texts, &len);
	e = key ? dict_take(&store->series, key, len) : NULL;
	free(key);
	if (!e)
		return ep_err_set(err, -ENOMEM, "no memory for a series");
	*ret_id = e->id;
	return 0;
}

static int load_series(struct store *store, sqlite3_stmt *row)
{
	const char *texts[SERIES_TEXTS];
	struct dict_entry *e = NULL;
	size_t len;
	char *key;

	for (int i = 0; i < SERIES_TEXTS; i++)
		texts[i] = (const char *)sqlite3_column_text(row, i + 1);
	key = series_key(texts, &len);
	if (key)
		e = dict_put(&store->series,
			     (uint32_t)sqlite3_column_int64(row, 0), key, len);
	free(key);
	return e ? 0 : -ENOMEM;
}

static void put_be(uint8_t *at, size_t n, uint32_t value)
{
	while (n-- > 0) {
		at[n] = (uint8_t)value;
		value >>= 8;
	}
}

static uint32_t get_be(const uint8_t *at, size_t n)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | at[i];
	return value;
}

static struct path_key path_key(uint32_t series_id, uint16_t port,
				const struct ep_address *address)
{
	struct path_key key;

	put_be(key.series, sizeof(key.series), series_id);
	put_be(key.scope, sizeof(key.scope), address->scope);
	put_be(key.port, sizeof(key.port), port);
	key.family = address->family;
	memcpy(key.address, address->bytes, sizeof(key.address));
	return key;
}

static int load_path(struct store *store, sqlite3_stmt *row)
{
	struct ep_address address = { 0 };
	size_t n = (size_t)sqlite3_column_bytes(row, 3);
	const void *bytes = sqlite3_column_blob(row, 3);
	struct dict_entry *e;
	struct path_key key;

	if (n > sizeof(address.bytes))
		return -EUCLEAN;
	address.family = (uint8_t)sqlite3_column_int(row, 2);
	if (n)
		memcpy(address.bytes, bytes, n);
	address.scope = (uint32_t)sqlite3_column_int64(row, 4);
	key = path_key((uint32_t)sqlite3_column_int64(row, 1),
		       (uint16_t)sqlite3_column_int(row, 5), &address);
	e = dict_put(&store->paths, (uint32_t)sqlite3_column_int64(row, 0),
		     &key, sizeof(key));
	if (!e)
		return -ENOMEM;
	e->last_seq = store->durable;
	return 0;
}

static int load_word(struct store *store, sqlite3_stmt *row)
{
	const char *text = (const char *)sqlite3_column_text(row, 1);
	struct dict_entry *e;

	e = dict_put(&store->words, (uint32_t)sqlite3_column_int64(row, 0),
		     text ? text : "", text ? strlen(text) : 0);
	if (!e)
		return -ENOMEM;
	e->last_seq = store->durable;
	return 0;
}

/* Those above `from`, which becomes the last that was read. */
static int load_above(struct store *store, enum db_query q, struct dict *dict,
		      int (*take)(struct store *store, sqlite3_stmt *row),
		      int64_t *from)
{
	sqlite3_stmt *s = db_ask(&store->db, q, "i", *from);
	int r;

	if (!s)
		return db_errno(&store->db);
	while ((r = db_next(&store->db, s)) > 0) {
		int64_t id = sqlite3_column_int64(s, 0);

		/* A table by number is made of them. */
		r = id > dict->last && id <= dict->last + NAMES_APART_MAX
			    ? take(store, s)
			    : -EUCLEAN;
		if (r < 0)
			break;
		*from = id;
	}
	db_end(s);
	return r;
}

static int load(struct store *store, enum db_query q, struct dict *dict,
		int (*take)(struct store *store, sqlite3_stmt *row))
{
	int64_t from = dict->last, tried = 0;
	int r = load_above(store, q, dict, take, &from);

	/* Of what is damaged, a reader may pass over some. */
	while (r == -EUCLEAN && store->forgiving && tried++ < FORGIVE_MAX) {
		from++;
		r = load_above(store, q, dict, take, &from);
	}
	dict->saved = dict->last;
	return r == -EUCLEAN && store->forgiving ? 0 : r;
}

int names_load(struct store *store)
{
	int r = db_exec_number(&store->db, "PRAGMA data_version",
			       &store->names_version);

	if (r >= 0)
		r = load(store, Q_SERIES_LOAD, &store->series, load_series);
	if (r == 0)
		r = load(store, Q_PATH_LOAD, &store->paths, load_path);
	if (r == 0)
		r = load(store, Q_WORD_LOAD, &store->words, load_word);
	return r;
}

/* Somebody has written since the names were loaded. */
static bool is_newer(struct store *store)
{
	int64_t version = 0;

	return db_exec_number(&store->db, "PRAGMA data_version", &version) >=
		       0 &&
	       version != store->names_version;
}

/* A reader meets numbers that the agent has given since; and, in a damaged
 * file, such as nobody has given. */
static struct dict_entry *look_up(struct store *store, struct dict *dict,
				  uint32_t id)
{
	if (id > dict->last && store->read_only && is_newer(store) &&
	    names_load(store) < 0)
		return NULL;
	return dict_get(dict, id);
}

uint32_t names_path(struct store *store, uint32_t series_id,
		    const struct ep_sample *sample, uint64_t seq)
{
	struct path_key key =
		path_key(series_id, sample->port, &sample->address);
	struct dict_entry *e = dict_take(&store->paths, &key, sizeof(key));

	if (!e)
		return 0;
	if (e->last_seq < seq) /* an anchor may become a row again */
		e->last_seq = seq;
	return e->id;
}

uint32_t names_word(struct store *store, const char *text, size_t max,
		    uint64_t seq)
{
	size_t len = strnlen(text, max);
	struct dict_entry *e;

	if (len == 0)
		return 0;
	e = dict_take(&store->words, text, len);
	if (!e)
		return 0;
	if (e->last_seq < seq) /* an anchor may become a row again */
		e->last_seq = seq;
	return e->id;
}

bool names_path_read(struct store *store, uint32_t id, uint32_t *ret_series,
		     struct ep_sample *ret_sample)
{
	const struct dict_entry *e = look_up(store, &store->paths, id);
	struct path_key key;

	if (!e)
		return false;
	memcpy(&key, e->key, sizeof(key));
	*ret_series = get_be(key.series, sizeof(key.series));
	ret_sample->port = (uint16_t)get_be(key.port, sizeof(key.port));
	ret_sample->address.family = key.family;
	ret_sample->address.scope = get_be(key.scope, sizeof(key.scope));
	memcpy(ret_sample->address.bytes, key.address, sizeof(key.address));
	return true;
}

uint32_t names_path_series(struct store *store, uint32_t id)
{
	const struct dict_entry *e = look_up(store, &store->paths, id);

	return e ? get_be((const uint8_t *)e->key, 4) : 0;
}

const char *store_word(struct store *store, uint32_t id)
{
	const struct dict_entry *e = look_up(store, &store->words, id);

	return e ? e->key : "";
}

uint32_t store_series_last(const struct store *store)
{
	return store->series.last;
}

static int make_room_for_texts(struct store *store, uint32_t id)
{
	uint32_t n = id + 64;
	struct series **texts;

	if (id < store->n_series_texts)
		return 0;
	texts = realloc(store->series_texts, n * sizeof(struct series *));
	if (!texts)
		return -ENOMEM;
	memset(texts + store->n_series_texts, 0,
	       (n - store->n_series_texts) * sizeof(struct series *));
	store->series_texts = texts;
	store->n_series_texts = n;
	return 0;
}

const struct series *store_series_text(struct store *store, uint32_t id)
{
	const struct dict_entry *e = look_up(store, &store->series, id);
	const char *t[SERIES_TEXTS];
	struct series *series;

	if (!e || make_room_for_texts(store, id) < 0)
		return NULL;
	if (store->series_texts[id])
		return store->series_texts[id];
	series = malloc(sizeof(*series));
	if (!series)
		return NULL;
	split_series_key(e->key, t);
	*series = (struct series){ t[0], t[1], t[2], t[3], t[4],
				   t[5], t[6], t[7], t[8] };
	store->series_texts[id] = series;
	return series;
}

static int save_series(struct store *store, const struct dict_entry *e)
{
	const char *t[SERIES_TEXTS];

	split_series_key(e->key, t);
	return db_run(&store->db, Q_SERIES_ADD, "uttttttttt", (uint64_t)e->id,
		      t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8]);
}

static int save_path(struct store *store, const struct dict_entry *e)
{
	struct path_key key;

	memcpy(&key, e->key, sizeof(key));
	return db_run(&store->db, Q_PATH_ADD, "uuubuu", (uint64_t)e->id,
		      (uint64_t)get_be(key.series, sizeof(key.series)),
		      (uint64_t)key.family, key.address, sizeof(key.address),
		      (uint64_t)get_be(key.scope, sizeof(key.scope)),
		      (uint64_t)get_be(key.port, sizeof(key.port)));
}

static int save_word(struct store *store, const struct dict_entry *e)
{
	return db_run(&store->db, Q_WORD_ADD, "ut", (uint64_t)e->id, e->key);
}

static int save(struct store *store, const struct dict *dict,
		int (*write)(struct store *store, const struct dict_entry *e))
{
	int r = 0;

	for (uint32_t id = dict->saved + 1; id <= dict->last && r == 0; id++) {
		const struct dict_entry *e = dict_get(dict, id);

		/* Dropped: a new file begins with what is left. */
		if (e)
			r = write(store, e);
	}
	return r;
}

int names_save(struct store *store)
{
	int r = save(store, &store->series, save_series);

	if (r == 0)
		r = save(store, &store->paths, save_path);
	if (r == 0)
		r = save(store, &store->words, save_word);
	return r;
}

void names_saved(struct store *store)
{
	store->series.saved = store->series.last;
	store->paths.saved = store->paths.last;
	store->words.saved = store->words.last;
}

static int drop_below(struct store *store, const struct dict *dict,
		      enum db_query q)
{
	int r = 0;

	for (uint32_t id = dict->first; id <= dict->saved && r == 0; id++) {
		const struct dict_entry *e = dict_get(dict, id);

		if (e && e->last_seq < store->floor)
			r = db_run(&store->db, q, "u", (uint64_t)id);
	}
	return r;
}

static int drop_unused(struct store *store, void *arg)
{
	int r = drop_below(store, &store->paths, Q_PATH_DROP);

	(void)arg;
	return r < 0 ? r : drop_below(store, &store->words, Q_WORD_DROP);
}

/* Rows below the floor that are kept for a destination carry numbers, too. */
static bool has_anchor(struct store *store)
{
	struct destination list[DESTINATIONS_MAX];
	int n = destination_list(store, list);

	for (int i = 0; i < n; i++)
		if (list[i].anchor)
			return true;
	return n < 0;
}

/* An edge, or a name server, could invent new ones for ever: when a good part
 * of the rows has gone, what only they carried goes, too. */
int names_tidy(struct store *store)
{
	uint64_t gone = store->floor - store->tidied;
	int r;

	if (gone < (store->durable - store->floor) / TIDY_SHARE ||
	    store->paths.count + store->words.count < TIDY_MIN ||
	    has_anchor(store))
		return 0;
	r = transact_once(store, drop_unused, NULL, NULL);
	if (r < 0)
		return r;
	dict_drop_below(&store->paths, store->floor);
	dict_drop_below(&store->words, store->floor);
	store->tidied = store->floor;
	return 0;
}
