/* From memory to disk, and what to do when the disk is full. */
#include "base/buf.h"
#include "store/sample.h"
#include "store/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of queue memory, in one transaction: bounds the log. */
#define PORTION_BLOCKS_MAX 16
/* A body beyond what the queue takes is replaced by its length. */
#define BODY_MAX (QUEUE_PAYLOAD_MAX - 1)
/* Pages that are given back in one commit after the bound was lowered. */
#define VACUUM "PRAGMA incremental_vacuum(256)"
/* What a retry may need after the disk was full. */
#define ROOM_BYTES (256u << 10)

/* Minutes that are told in one commit. */
#define MINUTES_MAX 256

/* --- what has to be given up is added up --- */

static void add_up(struct store *store, const struct queue_block *block)
{
	const struct queue_item *item;
	struct ep_sample sample;
	size_t at = 0;

	while (block && (item = queue_next(block, &at)) != NULL) {
		if (item->type != ROW_SAMPLE)
			continue;
		ep_sample_init(&sample);
		memcpy(&sample, queue_payload(item), item->size);
		minutes_add(&store->minutes, item->series, &sample);
	}
}

static void tell_minute(struct store *store, const struct minute *m,
			uint64_t period_ns)
{
	const struct series *series = store_series_text(store, m->series);
	struct buf body;

	if (!series)
		return;
	buf_init(&body, BODY_MAX);
	buf_text(&body, "\"part\":\"minute\",\"target\":");
	buf_json_text(&body, series->target);
	buf_text(&body, ",\"probe\":");
	buf_json_text(&body, series->probe);
	if (series->circuit && series->circuit[0]) {
		buf_text(&body, ",\"circuit\":");
		buf_json_text(&body, series->circuit);
	}
	buf_printf(&body, ",\"from_us\":%llu,\"period_us\":%llu",
		   (unsigned long long)m->from_ns / 1000,
		   (unsigned long long)period_ns / 1000);
	buf_printf(&body, ",\"samples\":%u,\"replied\":%u,\"lost\":%u",
		   m->samples, m->replied, m->lost);
	if (m->timed) {
		buf_text(&body, ",\"rtt_min_us\":");
		buf_json_us(&body, m->min_ns);
		buf_text(&body, ",\"rtt_mean_us\":");
		buf_json_us(&body, (int64_t)(m->sum_ns / m->timed));
		buf_text(&body, ",\"rtt_max_us\":");
		buf_json_us(&body, m->max_ns);
	}
	if (!body.error)
		store_add_note(store, ROW_SELF, now_wall_ns(), body.data);
	buf_finish(&body);
}

/* The disk takes rows again. */
static void tell_minutes(struct store *store)
{
	struct minute m;
	uint64_t period_ns;

	for (int i = 0;
	     i < MINUTES_MAX && minutes_take(&store->minutes, &m, &period_ns);
	     i++)
		tell_minute(store, &m, period_ns);
}

/* --- adding --- */

static uint64_t push(struct store *store, struct queue_item *item,
		     const void *payload)
{
	item->seq = store->next_seq++;
	while (queue_put(&store->queue, item, payload) < 0) {
		uint64_t last;

		add_up(store, store->queue.head);
		last = queue_drop(&store->queue);

		store->lost_last = last ? last : item->seq;
		if (!last)
			break;
	}
	return item->seq;
}

uint64_t store_add_sample(struct store *store, uint32_t series_id,
			  const struct ep_sample *sample)
{
	struct queue_item item = {
		.type = ROW_SAMPLE,
		.series = series_id,
		.size = sample_bytes(sample),
	};

	return push(store, &item, sample);
}

uint64_t store_add_late(struct store *store, uint32_t series_id,
			const struct ep_sample *sample, uint64_t of)
{
	struct queue_item item = {
		.type = ROW_LATE,
		.series = series_id,
		.first = of,
		.size = sample_bytes(sample),
	};

	return push(store, &item, sample);
}

uint64_t store_add_overflow(struct store *store, uint64_t n)
{
	struct queue_item item = {
		.type = ROW_GAP,
		.time_ns = now_wall_ns(),
		.first = store->next_seq,
		.last = store->next_seq + n - 1,
	};

	if (n == 0)
		return store->next_seq - 1;
	store->next_seq += n;
	return push(store, &item, NULL);
}

uint64_t store_add_note(struct store *store, enum row_type type,
			uint64_t time_ns, const char *body)
{
	struct queue_item item = { .type = type, .time_ns = time_ns };
	size_t len = strlen(body);
	char instead[64];

	if (len > BODY_MAX) {
		snprintf(instead, sizeof(instead), "\"body_bytes\":%zu", len);
		body = instead;
		len = strlen(instead);
	}
	item.size = (uint32_t)len + 1;
	return push(store, &item, body);
}

uint64_t store_last_seq(const struct store *store)
{
	return store->next_seq - 1;
}

/* --- writing --- */

static int write_sample(struct store *store, const struct queue_item *item,
			struct span *span)
{
	struct ep_sample sample;
	const uint64_t *late_of = item->type == ROW_LATE ? &item->first : NULL;
	int r;

	ep_sample_init(&sample);
	memcpy(&sample, queue_payload(item), item->size);
	r = span_extend(store, span, item->seq, sample.sent_ns);
	if (r == 0)
		r = sample_write(store, item->seq, item->series, &sample,
				 late_of);
	return r;
}

static int write_overflow(struct store *store, const struct queue_item *item)
{
	int r = gap_write(store, item->seq, item->time_ns, GAP_OVERFLOW);

	if (r == 0)
		r = gap_write_range(store, item->seq, GAP_TO_ALL,
				    (struct run){ item->first, item->last });
	return r;
}

static int write_item(struct store *store, const struct queue_item *item,
		      struct span *span)
{
	switch (item->type) {
	case ROW_SAMPLE:
	case ROW_LATE:
		return write_sample(store, item, span);
	case ROW_GAP:
		return write_overflow(store, item);
	case ROW_BOOT:
	case ROW_CLOCK:
	case ROW_SELF:
	case ROW_EVENT:
		break;
	}
	return db_run(&store->db, Q_NOTE_ADD, "uuit", item->seq, item->time_ns,
		      (int64_t)item->type, queue_payload(item));
}

static int write_block(struct store *store, const struct queue_block *block,
		       struct span *span)
{
	const struct queue_item *item;
	size_t at = 0;
	int r = 0;

	while (r == 0 && (item = queue_next(block, &at)) != NULL)
		r = write_item(store, item, span);
	return r;
}

struct portion {
	size_t blocks;     /* to write, oldest first */
	bool last;         /* nothing is queued after it */
	uint64_t next_seq; /* after it */
	struct span span;
};

static int mark(struct store *store)
{
	return store->marked ? 0
			     : db_run(&store->db, Q_META_SET, "tu", "dirty",
				      (uint64_t)1);
}

static int write_portion(struct store *store, void *arg)
{
	const struct queue_block *block = store->queue.head;
	struct run lost = { store->durable, store->lost_last };
	struct portion *c = arg;
	int r = mark(store);

	c->span = store->span;
	c->next_seq = lost.last + 1;
	if (r == 0 && store->lost_last)
		r = gap_owe(store, GAP_TO_ALL, GAP_OVERFLOW, lost);
	for (size_t i = 0; i < c->blocks && r == 0; i++) {
		r = write_block(store, block, &c->span);
		c->next_seq = block->last_seq + 1;
		block = block->next;
	}
	if (c->last)
		c->next_seq = store->next_seq;
	if (r == 0)
		r = names_save(store);
	if (r == 0 && c->last)
		r = gap_settle(store, &c->next_seq);
	return r;
}

/* It is on disk: forget it here. */
static void release(struct store *store, const struct portion *c)
{
	for (size_t i = 0; i < c->blocks; i++)
		(void)queue_drop(&store->queue);
	names_saved(store);
	store->marked = true;
	store->span = c->span;
	store->durable = c->next_seq;
	store->lost_last = 0;
	if (c->last) {
		store->next_seq = c->next_seq;
		store->owed = false;
	}
}

static uint64_t choose_blocks(const struct store *store, struct portion *c)
{
	size_t max = (size_t)(store->wal_bytes / 8 / QUEUE_BLOCK_BYTES);
	const struct queue_block *block = store->queue.head;
	uint64_t bytes = 0;

	if (max > PORTION_BLOCKS_MAX)
		max = PORTION_BLOCKS_MAX;
	while (block && c->blocks < max) {
		bytes += block->used;
		c->blocks++;
		block = block->next;
	}
	c->last = !block;
	return bytes;
}

static int write_next(struct store *store, struct ep_err *err)
{
	struct portion c = { 0 };
	uint64_t bytes = choose_blocks(store, &c);
	int r = evict_for(store, bytes);

	/* Try even so: the page bound has the last word. */
	if (r < 0 && r != -ENOSPC)
		return db_fail(&store->db, err, store->path);
	r = store_transact(store, write_portion, &c, err);
	if (r == 0)
		release(store, &c);
	return r;
}

/* --- the size bound and the full disk --- */

static void checkpoint(struct store *store, int mode)
{
	(void)sqlite3_wal_checkpoint_v2(store->db.sqlite, NULL, mode, NULL,
					NULL);
}

/* The file gets shorter when the log is written back. */
static void shrink(struct store *store)
{
	if (file_bytes(store, "") <= store->max_pages * PAGE_BYTES)
		return;
	(void)db_exec(&store->db, VACUUM);
	setup_page_bound(store);
	checkpoint(store, SQLITE_CHECKPOINT_PASSIVE);
}

/* What a quota leaves can only be tried. */
static bool has_room(struct store *store)
{
	if (!file_has_room(store))
		return false;
	if (store->db.quota)
		file_make_ballast(store);
	store->db.quota = store->db.quota && !store->ballast;
	return !store->db.quota;
}

static void keep_house(struct store *store)
{
	if (store->disk_full && has_room(store))
		store->disk_full = false;
	if (!store->disk_full && !store->ballast &&
	    store->max_bytes >= STORE_MIN_BYTES)
		file_make_ballast(store);
	if (!store->disk_full)
		shrink(store);
	if (file_bytes(store, "-wal") > store->wal_bytes)
		checkpoint(store, SQLITE_CHECKPOINT_TRUNCATE);
}

static int write_queue(struct store *store, struct ep_err *err)
{
	int r = 0;

	while (r == 0 && (store->queue.head || store->owed || store->lost_last))
		r = write_next(store, err);
	return r;
}

int store_commit(struct store *store, struct ep_err *err)
{
	int r;

	if (store->read_only)
		return ep_err_set(err, -EROFS, "%s: opened for reading only",
				  store->path);
	if (!store->db.sqlite || store->db.damaged)
		return ep_err_set(err, -EUCLEAN, "%s: damaged", store->path);
	r = write_queue(store, err);
	if (r == 0)
		seal_some(store);
	keep_house(store);
	if (r == 0 && !store->disk_full) {
		tell_minutes(store);
		r = write_queue(store, err);
	}
	sealed_rest(store);
	return r;
}

/* The disk, or the page bound by a wrong guess. While the disk is full the
 * file does not grow: what goes makes room for what comes, and nothing is
 * given back to whoever fills the disk. */
static int make_room(struct store *store)
{
	if (store->db.quota || !file_has_room(store))
		store->disk_full = true;
	file_drop_ballast(store);
	checkpoint(store, SQLITE_CHECKPOINT_PASSIVE);
	return evict_for(store, ROOM_BYTES);
}

int transact_once(struct store *store, store_work work, void *arg,
		  struct ep_err *err)
{
	int r = db_run(&store->db, Q_BEGIN, "");

	if (r == 0)
		r = work(store, arg);
	if (r == 0)
		r = db_run(&store->db, Q_COMMIT, "");
	if (r < 0) {
		ep_err_set(err, r, "%s: %s", store->path,
			   r == db_errno(&store->db)
				   ? sqlite3_errmsg(store->db.sqlite)
				   : strerror(-r));
		db_rollback(&store->db);
	}
	return r;
}

int store_transact(struct store *store, store_work work, void *arg,
		   struct ep_err *err)
{
	int r;

	if (store->read_only)
		return ep_err_set(err, -EROFS, "%s: opened for reading only",
				  store->path);
	r = transact_once(store, work, arg, err);
	if (r == -ENOSPC && make_room(store) == 0)
		r = transact_once(store, work, arg, err);
	return r;
}
