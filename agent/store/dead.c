/* Frozen batches and dead letters as lists; letters back into the queue. */
#include "store/dead.h"
#include "store/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char *text_of(sqlite3_stmt *row, int i)
{
	const char *text = (const char *)sqlite3_column_text(row, i);

	return text ? text : "";
}

static int tell(sqlite3_stmt *s, store_parcel_cb cb, void *arg)
{
	struct store_parcel parcel = {
		.id = (uint64_t)sqlite3_column_int64(s, 0),
		.destination = text_of(s, 1),
		.first = (uint64_t)sqlite3_column_int64(s, 2),
		.last = (uint64_t)sqlite3_column_int64(s, 3),
		.rows = (uint64_t)sqlite3_column_int64(s, 4),
		.encoding = text_of(s, 5),
		.gzip = sqlite3_column_int(s, 6) != 0,
		.attempts = (unsigned)sqlite3_column_int(s, 7),
		.bytes = (uint64_t)sqlite3_column_int64(s, 8),
		.time_ns = (uint64_t)sqlite3_column_int64(s, 9),
		.answer = text_of(s, 10),
	};

	return cb(&parcel, arg);
}

static int list(struct store *store, sqlite3_stmt *s, store_parcel_cb cb,
		void *arg)
{
	int n = 0, r, said = 0;

	if (!s)
		return db_errno(&store->db);
	while (said == 0 && (r = db_next(&store->db, s)) > 0) {
		said = tell(s, cb, arg);
		n++;
	}
	db_end(s);
	if (said != 0)
		return said;
	return r < 0 ? r : n;
}

int store_destination_names(struct store *store, store_name_cb cb, void *arg)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_DESTINATION_NAMES, "");
	int r = 0, said = 0;

	if (!s)
		return db_errno(&store->db);
	while (said == 0 && (r = db_next(&store->db, s)) > 0)
		said = cb(sqlite3_column_int(s, 0), text_of(s, 1), arg);
	db_end(s);
	return said != 0 ? said : r;
}

int store_frozen_list(struct store *store, const char *destination,
		      uint64_t after, unsigned max, store_parcel_cb cb,
		      void *arg)
{
	return list(store,
		    db_ask(&store->db, Q_BATCH_LIST, "tui", destination, after,
			   (int64_t)max),
		    cb, arg);
}

int store_dead_list(struct store *store, const char *destination,
		    uint64_t after, unsigned max, store_parcel_cb cb, void *arg)
{
	return list(store,
		    db_ask(&store->db, Q_DEAD_LIST, "tui", destination, after,
			   (int64_t)max),
		    cb, arg);
}

static int copy_body(sqlite3_stmt *s, int column, struct store_batch *batch)
{
	size_t len = (size_t)sqlite3_column_bytes(s, column);
	const void *body = sqlite3_column_blob(s, column);

	batch->body = malloc(len + 1);
	if (!batch->body)
		return -ENOMEM;
	if (len)
		memcpy(batch->body, body, len);
	batch->body[len] = '\0';
	batch->body_len = len;
	return 0;
}

int store_dead_read(struct store *store, uint64_t id,
		    struct store_batch *ret_batch)
{
	sqlite3_stmt *s = db_ask(&store->db, Q_DEAD_READ, "u", id);
	struct store_batch batch = { .id = id };
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0) {
		batch.first = (uint64_t)sqlite3_column_int64(s, 0);
		batch.last = (uint64_t)sqlite3_column_int64(s, 1);
		batch.rows = (uint64_t)sqlite3_column_int64(s, 2);
		snprintf(batch.encoding, sizeof(batch.encoding), "%s",
			 text_of(s, 3));
		batch.gzip = sqlite3_column_int(s, 4) != 0;
		batch.attempts = (unsigned)sqlite3_column_int(s, 5);
		r = copy_body(s, 6, &batch) < 0 ? -ENOMEM : 1;
	}
	db_end(s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret_batch = batch;
	return 0;
}

struct deciding {
	uint64_t id;
	const struct store_batch *batch;
};

/* Without runs of numbers: its rows have been declared already, and are not
 * declared again if it is refused once more, or evicted. */
static int freeze_again(struct store *store, const struct deciding *d)
{
	const struct store_batch *b = d->batch;
	uint64_t crc = crc32_z(0, (const void *)b->body, b->body_len);
	int r = db_run(&store->db, Q_DEAD_FREEZE, "uu", d->id, crc);

	if (r < 0)
		return r;
	if (sqlite3_changes(store->db.sqlite) == 0)
		return -ENODEV;
	return batch_add_body(
		store, (uint64_t)sqlite3_last_insert_rowid(store->db.sqlite),
		b);
}

static int drop(struct store *store, void *arg)
{
	const struct deciding *d = arg;
	int r = db_run(&store->db, Q_DEAD_DROP, "u", d->id);

	if (r == 0 && sqlite3_changes(store->db.sqlite) == 0)
		r = -ENOENT;
	return r;
}

static int retry(struct store *store, void *arg)
{
	int r = freeze_again(store, arg);

	return r < 0 ? r : drop(store, arg);
}

int store_dead_retry(struct store *store, uint64_t id, struct ep_err *err)
{
	struct store_batch batch;
	struct deciding d = { .id = id, .batch = &batch };
	int r = store_dead_read(store, id, &batch);

	if (r < 0)
		return ep_err_set(
			err, r, "dead letter %llu: %s", (unsigned long long)id,
			r == -ENOENT ? "there is none" : strerror(-r));
	r = store_transact(store, retry, &d, err);
	store_batch_finish(&batch);
	if (r == -ENODEV)
		ep_err_set(err, r,
			   "dead letter %llu: its destination is configured no "
			   "more",
			   (unsigned long long)id);
	return r;
}

int store_dead_drop(struct store *store, uint64_t id, struct ep_err *err)
{
	struct deciding d = { .id = id };
	int r = store_transact(store, drop, &d, err);

	if (r == -ENOENT)
		ep_err_set(err, r, "dead letter %llu: there is none",
			   (unsigned long long)id);
	return r;
}
