/* What is sent: collected, encoded and frozen in the store, or cut in two. */
#include "delivery/deliver_i.h"

#include "delivery/metrics.h"
#include "edgeprobe/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a batch that was not made by us are not believed beyond this. */
#define PLAIN_MAX ((size_t)256 << 20)

void batch_forget(struct store_batch *batch)
{
	store_batch_finish(batch);
	*batch = (struct store_batch){ 0 };
}

/* --- new rows --- */

struct collecting {
	const struct identity who;
	enum store_part part;
	struct frame frame;
	int error;
};

static int on_record(const struct record *record, void *arg)
{
	struct collecting *c = arg;
	int r = frame_add(&c->frame, &c->who, record);

	if (r < 0 && r != -E2BIG)
		c->error = r;
	return r;
}

/* The body leaves `from`: as it is, or compressed. */
static int take_body(struct store_batch *batch, struct buf *from, int level)
{
	struct buf zipped;
	int r;

	if (!batch->gzip) {
		batch->body = from->data;
		batch->body_len = from->len;
		buf_init(from, from->max);
		return 0;
	}
	buf_init(&zipped, from->max);
	r = framing_gzip_at(from->data, from->len, level, &zipped);
	if (r < 0) {
		buf_finish(&zipped);
		return r;
	}
	batch->body = zipped.data;
	batch->body_len = zipped.len;
	return 0;
}

static void label(struct store_batch *batch, const struct framing *framing,
		  bool gzip)
{
	size_t len = strlen(framing->name);

	assert(len < sizeof(batch->encoding));
	memcpy(batch->encoding, framing->name, len + 1);
	batch->gzip = gzip;
}

static int freeze(struct deliver *d, struct collecting *c,
		  struct store_batch *batch, struct ep_err *err)
{
	int r = frame_end(&c->frame, &c->who);

	label(batch, d->framing, d->gzip);
	batch->rows = c->frame.rows;
	if (r == 0)
		r = take_body(batch, &c->frame.body,
			      c->part == STORE_FRESH ? FRAMING_FAST
						     : FRAMING_SMALL);
	if (r < 0)
		return ep_err_set(err, r, "encoding a batch");
	r = store_batch_freeze(d->store, d->destination, batch, err);
	if (r < 0) {
		store_batch_finish(batch);
		return r;
	}
	if (c->part == STORE_FRESH)
		d->taken = batch->last;
	d->batch = *batch;
	return 1;
}

/* What did not fit goes next; else there is nothing for a while. */
static void note_rest(struct deliver *d, const struct collecting *c)
{
	if (c->part != STORE_FRESH)
		return;
	d->due_ns = c->frame.full ? 0 : uv_hrtime() + d->interval_ns;
	d->behind = d->behind && c->frame.full;
}

static int collect(struct deliver *d, enum store_part part, struct ep_err *err)
{
	struct collecting c = { .who = { d->agent, d->epoch }, .part = part };
	struct store_batch batch = { 0 };
	int64_t n;
	int r = 0;

	frame_init(&c.frame, d->framing, d->max_rows, d->max_bytes);
	c.frame.truncate_addresses = d->truncate_addresses;
	/* At the end all goes, whole minutes or not. */
	if (!d->flushed)
		c.frame.open_minute = metrics_minute(ep_clock_wall_ns());
	n = store_batch_collect_of(d->store, d->destination, part, on_record,
				   &c, &batch);
	if (c.error || n < 0)
		r = ep_err_set(err, c.error ? c.error : (int)n,
			       "collecting rows");
	else if (n > 0)
		r = freeze(d, &c, &batch, err);
	else if (c.frame.full)
		r = ep_err_set(err, -E2BIG, "a row is above %zu bytes",
			       FRAME_ROW_MAX);
	note_rest(d, &c);
	frame_finish(&c.frame);
	return r;
}

int batch_next(struct deliver *d, enum store_part part, struct ep_err *err)
{
	int r = 0;

	if (d->batch.id && d->batch.part == part)
		return 1;
	/* It waits for its own turn. */
	batch_forget(&d->batch);
	/* The oldest that is frozen is the suspect, while there is one. */
	if (!d->suspect.id || d->suspect.part != part)
		r = store_batch_pending_of(d->store, d->destination, part,
					   &d->batch, err);
	if (r == 0)
		r = collect(d, part, err);
	/* Making room for the batch evicted rows that were in it. */
	if (r == -ESTALE)
		r = collect(d, part, err);
	return r;
}

/* --- two pieces --- */

/* What is between the whole and its pieces. */
struct cutting {
	struct deliver *d;
	const struct framing *framing;
	uint64_t rows; /* of the first piece */
	struct store_batch pieces[2];
	size_t bytes; /* of the whole, before compression */
};

static int plain_body(const struct store_batch *batch, struct buf *out)
{
	if (batch->gzip)
		return framing_gunzip(batch->body, batch->body_len, out);
	buf_add(out, batch->body, batch->body_len);
	return out->error;
}

static int take_bodies(struct cutting *c, struct buf bodies[2], uint64_t seq)
{
	const struct store_batch *whole = &c->d->batch;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		struct store_batch *piece = &c->pieces[i];

		label(piece, c->framing, whole->gzip);
		piece->first = i ? seq : whole->first;
		piece->last = i ? whole->last : seq - 1;
		piece->rows = i ? whole->rows - c->rows : c->rows;
		r = take_body(piece, &bodies[i], FRAMING_FAST);
	}
	return r;
}

static int cut_text(struct cutting *c, const struct buf *plain)
{
	struct buf bodies[2];
	uint64_t seq = 0;
	int r;

	buf_init(&bodies[0], PLAIN_MAX);
	buf_init(&bodies[1], PLAIN_MAX);
	r = framing_split(c->framing, plain->data, plain->len, c->rows, bodies,
			  &seq);
	if (r == 0)
		r = take_bodies(c, bodies, seq);
	buf_finish(&bodies[0]);
	buf_finish(&bodies[1]);
	return r;
}

/* Rows that were added up are added up again, in two parts. */
struct again {
	struct identity who;
	struct frame frames[2];
	uint64_t rows, seq; /* of the first part; first of the second */
};

static int on_row_again(const struct record *record, void *arg)
{
	struct again *a = arg;
	bool second = a->frames[0].rows == a->rows;

	if (second && a->frames[1].rows == 0)
		a->seq = record->seq;
	return frame_add(&a->frames[second], &a->who, record);
}

/* The rows must all be there still; where they are not, -ENOTSUP. */
static int add_up_again(struct cutting *c, struct again *a, struct ep_err *err)
{
	const struct store_batch *whole = &c->d->batch;
	struct store_range range = {
		.first_seq = whole->first,
		.last_seq = whole->last,
		.destination = c->d->destination,
	};
	int r = store_scan(c->d->store, &range, on_row_again, a, err);

	if (r == 0 && a->frames[0].rows + a->frames[1].rows != whole->rows)
		r = -ENOTSUP;
	for (int i = 0; i < 2 && r == 0; i++)
		r = frame_end(&a->frames[i], &a->who);
	return r;
}

static int cut_figures(struct cutting *c, struct ep_err *err)
{
	struct deliver *d = c->d;
	struct again a = { .who = { d->agent, d->epoch }, .rows = c->rows };
	int r;

	for (int i = 0; i < 2; i++) {
		frame_init(&a.frames[i], c->framing, UINT64_MAX,
			   PLAIN_MAX - FRAME_ROW_MAX);
		a.frames[i].truncate_addresses = d->truncate_addresses;
	}
	r = add_up_again(c, &a, err);
	if (r == 0) {
		struct buf bodies[2] = { a.frames[0].body, a.frames[1].body };

		r = take_bodies(c, bodies, a.seq);
		a.frames[0].body = bodies[0];
		a.frames[1].body = bodies[1];
	}
	frame_finish(&a.frames[0]);
	frame_finish(&a.frames[1]);
	return r;
}

static int cut(struct cutting *c, struct ep_err *err)
{
	struct buf plain;
	int r;

	buf_init(&plain, PLAIN_MAX);
	r = plain_body(&c->d->batch, &plain);
	c->bytes = plain.len;
	if (r == 0)
		r = c->framing->row ? cut_text(c, &plain) : cut_figures(c, err);
	buf_finish(&plain);
	return r;
}

int batch_cut(struct deliver *d, uint64_t rows, size_t *ret_bytes,
	      struct ep_err *err)
{
	struct cutting c = {
		.d = d,
		.framing = framing_find(d->batch.encoding),
		.rows = rows,
	};
	int r;

	assert(rows > 0 && rows < d->batch.rows && c.framing);
	r = cut(&c, err);
	if (r < 0)
		ep_err_set(err, r, "cutting a batch in two");
	else
		r = store_batch_split(d->store, d->destination, &d->batch,
				      c.pieces, err);
	store_batch_finish(&c.pieces[1]);
	if (r < 0) {
		store_batch_finish(&c.pieces[0]);
		return r;
	}
	batch_forget(&d->batch);
	d->batch = c.pieces[0];
	*ret_bytes = c.bytes;
	return 0;
}
