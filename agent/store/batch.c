/* Frozen batches: what was made of rows once is kept, byte for byte, until it
 * is acknowledged, split or set aside. */
#include "store/runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Dead letters take at most this part of the store. */
#define DEAD_SHARE   16
#define ANSWER_BYTES 1024

void store_batch_finish(struct store_batch *batch)
{
	free(batch->body);
	memset(batch, 0, sizeof(*batch));
}

static uint64_t checksum(const void *data, size_t len)
{
	return crc32_z(0, data, len);
}

/* --- freezing --- */

int batch_add_body(struct store *store, uint64_t id,
		   const struct store_batch *batch)
{
	int r = db_run(&store->db, Q_BATCH_BODY_ADD, "uu", id,
		       (uint64_t)batch->body_len);

	return r < 0 ? r
		     : db_fill(&store->db, "batch_body", "body", id,
			       batch->body, batch->body_len);
}

static int add_batch(struct store *store, int destination,
		     struct store_batch *batch, const struct content *content)
{
	char runs[RUNS_TEXT_MAX], told[TOLD_TEXT_MAX];
	uint64_t id;
	int r;

	runs_write(content, runs, sizeof(runs));
	told_write(content, told, sizeof(told));
	r = db_run(&store->db, Q_BATCH_ADD, "iuuutiuttui", (int64_t)destination,
		   batch->first, batch->last, batch->rows, batch->encoding,
		   (int64_t)batch->gzip, content->oldest_ns, runs, told,
		   checksum(batch->body, batch->body_len),
		   (int64_t)content->part);
	if (r < 0)
		return r;
	id = (uint64_t)sqlite3_last_insert_rowid(store->db.sqlite);
	r = batch_add_body(store, id, batch);
	if (r == 0) {
		batch->id = id;
		batch->part = content->part;
	}
	return r;
}

static int drop_batch(struct store *store, int destination, uint64_t id)
{
	int r = db_run(&store->db, Q_BATCH_BODY_DROP, "u", id);

	if (r == 0)
		r = db_run(&store->db, Q_BATCH_DROP, "ui", id,
			   (int64_t)destination);
	if (r == 0 && sqlite3_changes(store->db.sqlite) == 0)
		r = -ENOENT;
	return r;
}

static int get_content(struct store *store, int destination, uint64_t id,
		       struct content *ret)
{
	sqlite3_stmt *s =
		db_ask(&store->db, Q_BATCH_GET, "ui", id, (int64_t)destination);
	int r;

	if (!s)
		return db_errno(&store->db);
	r = db_next(&store->db, s);
	if (r > 0) {
		ret->oldest_ns = (uint64_t)sqlite3_column_int64(s, 0);
		runs_read((const char *)sqlite3_column_text(s, 1), ret);
		told_read((const char *)sqlite3_column_text(s, 2), ret);
		ret->part = (enum store_part)sqlite3_column_int(s, 3);
	}
	db_end(s);
	if (r == 0)
		return -ENOENT;
	return r < 0 ? r : 0;
}

struct freezing {
	int destination;
	struct store_batch *batch;
	const struct collected *collected;
};

/* Else it is not what was collected. */
static bool is_collected(const struct store *store,
			 const struct store_batch *batch,
			 const struct content *c)
{
	return c->n_runs > 0 && c->runs[0].first == batch->first &&
	       c->runs[c->n_runs - 1].last == batch->last &&
	       batch->last < store->durable;
}

static int freeze(struct store *store, void *arg)
{
	struct freezing *f = arg;
	struct content content = f->collected->content;
	int r;

	content_within(&content, f->batch->first, f->batch->last);
	if (!is_collected(store, f->batch, &content))
		return -ESTALE;
	r = collected_take(store, f->collected, f->batch->last);
	return r < 0 ? r : add_batch(store, f->destination, f->batch, &content);
}

int store_batch_freeze(struct store *store, int destination,
		       struct store_batch *batch, struct ep_err *err)
{
	struct freezing f = {
		.destination = destination,
		.batch = batch,
		.collected = collected_for(store, destination),
	};
	int r;

	if (!f.collected)
		return ep_err_set(err, -ENOMEM, "no memory for a batch");
	r = evict_for(store, batch->body_len);
	if (r < 0 && r != -ENOSPC)
		return db_fail(&store->db, err, store->path);
	return store_transact(store, freeze, &f, err);
}

/* --- and after --- */

struct settling_batch {
	int destination;
	const struct store_batch *batch;
	const char *answer;
	struct store_batch *halves;
	enum gap_reason reason;
};

static int read_text(char *to, size_t size, sqlite3_stmt *row, int i)
{
	const char *text = (const char *)sqlite3_column_text(row, i);

	snprintf(to, size, "%s", text ? text : "");
	return 0;
}

/* 1: `*ret` is whole; 0: its body is damaged. */
static int read_batch(sqlite3_stmt *s, struct store_batch *ret)
{
	size_t len = (size_t)sqlite3_column_bytes(s, 8);
	const void *body = sqlite3_column_blob(s, 8);

	*ret = (struct store_batch){
		.id = (uint64_t)sqlite3_column_int64(s, 0),
		.first = (uint64_t)sqlite3_column_int64(s, 1),
		.last = (uint64_t)sqlite3_column_int64(s, 2),
		.rows = (uint64_t)sqlite3_column_int64(s, 3),
		.gzip = sqlite3_column_int(s, 5) != 0,
		.attempts = (unsigned)sqlite3_column_int(s, 6),
		.body_len = len,
		.part = (enum store_part)sqlite3_column_int(s, 9),
	};
	read_text(ret->encoding, sizeof(ret->encoding), s, 4);
	if (checksum(body, len) != (uint64_t)sqlite3_column_int64(s, 7))
		return 0;
	ret->body = malloc(len + 1);
	if (!ret->body)
		return -ENOMEM;
	if (len)
		memcpy(ret->body, body, len);
	ret->body[len] = '\0';
	return 1;
}

/* Its rows are missing at the destination, which has not heard either of what
 * its gap rows said; unless it has got them before. */
static int owe_rows(struct store *store, const struct settling_batch *sb)
{
	struct content c = { .n_runs = 0 };
	int r = get_content(store, sb->destination, sb->batch->id, &c);

	if (c.part == STORE_AGAIN)
		return r;
	for (unsigned i = 0; r == 0 && i < c.n_runs; i++)
		r = gap_owe(store, sb->destination, sb->reason, c.runs[i]);
	for (unsigned i = 0; r == 0 && i < c.n_told; i++)
		r = gap_owe(store, sb->destination,
			    (enum gap_reason)c.told[i].reason, c.told[i].run);
	return r;
}

static int give_up(struct store *store, void *arg)
{
	const struct settling_batch *sb = arg;
	int r = owe_rows(store, sb);

	return r < 0 ? r : drop_batch(store, sb->destination, sb->batch->id);
}

int store_batch_pending_of(struct store *store, int destination,
			   enum store_part part, struct store_batch *ret_batch,
			   struct ep_err *err)
{
	struct settling_batch sb = { .destination = destination,
				     .batch = ret_batch,
				     .reason = GAP_CORRUPT };
	bool damaged = true;
	int r = 0;

	while (damaged) {
		sqlite3_stmt *s = db_ask(&store->db, Q_BATCH_OLDEST, "ii",
					 (int64_t)destination, (int64_t)part);

		r = s ? db_next(&store->db, s) : db_errno(&store->db);
		if (r < 0)
			(void)db_fail(&store->db, err, store->path);
		damaged = r > 0 && (r = read_batch(s, ret_batch)) == 0;
		db_end(s);
		if (damaged)
			r = store_transact(store, give_up, &sb, err);
		damaged = damaged && r == 0;
	}
	return r;
}

int store_batch_pending(struct store *store, int destination,
			struct store_batch *ret_batch, struct ep_err *err)
{
	return store_batch_pending_of(store, destination, STORE_ANY, ret_batch,
				      err);
}

int store_batch_attempted(struct store *store, uint64_t batch_id)
{
	int r = db_run(&store->db, Q_BATCH_ATTEMPT, "u", batch_id);

	if (r == 0 && sqlite3_changes(store->db.sqlite) == 0)
		r = -ENOENT;
	return r;
}

static int count(struct store *store, const struct settling_batch *sb,
		 const char *rows, const char *batches)
{
	int r = db_run(&store->db, Q_COUNT_ADD, "itu", (int64_t)sb->destination,
		       rows, sb->batch->rows);

	if (r == 0)
		r = db_run(&store->db, Q_COUNT_ADD, "itu",
			   (int64_t)sb->destination, batches, (uint64_t)1);
	return r;
}

static int done(struct store *store, void *arg)
{
	const struct settling_batch *sb = arg;
	int r = drop_batch(store, sb->destination, sb->batch->id);

	return r < 0 ? r : count(store, sb, "rows_acked", "batches_acked");
}

int store_batch_done(struct store *store, int destination,
		     const struct store_batch *batch, struct ep_err *err)
{
	struct settling_batch sb = { .destination = destination,
				     .batch = batch };

	return store_transact(store, done, &sb, err);
}

static int bound_dead(struct store *store)
{
	int64_t bytes = 0, max = (int64_t)(store->max_bytes / DEAD_SHARE);
	int r;

	while ((r = db_number(&store->db, &bytes, Q_DEAD_BYTES, "")) > 0 &&
	       bytes > max) {
		r = db_run(&store->db, Q_DEAD_DROP_OLDEST, "");
		if (r < 0)
			break;
	}
	return r < 0 ? r : 0;
}

static int quarantine(struct store *store, void *arg)
{
	const struct settling_batch *sb = arg;
	int r = db_run(&store->db, Q_DEAD_ADD, "uiut", sb->batch->id,
		       (int64_t)sb->destination, now_wall_ns(), sb->answer);

	if (r == 0)
		r = give_up(store, arg);
	if (r == 0)
		r = bound_dead(store);
	if (r == 0)
		r = count(store, sb, "rows_refused", "batches_refused");
	return r;
}

int store_batch_quarantine(struct store *store, int destination,
			   const struct store_batch *batch, const char *answer,
			   struct ep_err *err)
{
	char cut[ANSWER_BYTES];
	struct settling_batch sb = { .destination = destination,
				     .batch = batch,
				     .answer = cut,
				     .reason = GAP_REFUSED };

	snprintf(cut, sizeof(cut), "%s", answer ? answer : "");
	return store_transact(store, quarantine, &sb, err);
}

static int split(struct store *store, void *arg)
{
	const struct settling_batch *sb = arg;
	struct content whole;
	int r = get_content(store, sb->destination, sb->batch->id, &whole);

	if (r == 0)
		r = drop_batch(store, sb->destination, sb->batch->id);
	for (int i = 0; i < 2 && r == 0; i++) {
		struct content half = whole;

		content_within(&half, sb->halves[i].first, sb->halves[i].last);
		r = add_batch(store, sb->destination, &sb->halves[i], &half);
	}
	return r;
}

int store_batch_split(struct store *store, int destination,
		      const struct store_batch *whole,
		      struct store_batch halves[2], struct ep_err *err)
{
	struct settling_batch sb = { .destination = destination,
				     .batch = whole,
				     .halves = halves };
	int r;

	if (halves[0].first != whole->first || halves[1].last != whole->last ||
	    halves[0].last >= halves[1].first ||
	    halves[0].rows + halves[1].rows != whole->rows)
		return ep_err_set(err, -EINVAL,
				  "the halves do not make the whole batch");
	r = store_transact(store, split, &sb, err);
	if (r == 0)
		halves[0].attempts = halves[1].attempts = 0;
	return r;
}
