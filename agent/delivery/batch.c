/* What is sent: collected, encoded and frozen in the store, or cut in two. */
#include "delivery/deliver_i.h"

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
static int take_body(struct store_batch *batch, struct buf *from)
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
	r = framing_gzip(from->data, from->len, &zipped);
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
	int r = frame_end(&c->frame);

	label(batch, d->framing, d->gzip);
	batch->rows = c->frame.rows;
	if (r == 0)
		r = take_body(batch, &c->frame.body);
	if (r < 0)
		return ep_err_set(err, r, "encoding a batch");
	r = store_batch_freeze(d->store, d->destination, batch, err);
	if (r < 0) {
		store_batch_finish(batch);
		return r;
	}
	d->taken = batch->last;
	d->batch = *batch;
	return 1;
}

static int collect(struct deliver *d, struct ep_err *err)
{
	struct collecting c = { .who = { d->agent, d->epoch } };
	struct store_batch batch = { 0 };
	int64_t n;
	int r = 0;

	frame_init(&c.frame, d->framing, d->max_rows, d->max_bytes);
	n = store_batch_collect(d->store, d->destination, on_record, &c,
				&batch.first, &batch.last);
	if (c.error || n < 0)
		r = ep_err_set(err, c.error ? c.error : (int)n,
			       "collecting rows");
	else if (n > 0)
		r = freeze(d, &c, &batch, err);
	else if (c.frame.full)
		r = ep_err_set(err, -E2BIG, "a row is above %zu bytes",
			       FRAME_ROW_MAX);
	/* What did not fit goes next; else there is nothing for a while. */
	d->due_ns = c.frame.full ? 0 : uv_hrtime() + d->interval_ns;
	frame_finish(&c.frame);
	return r;
}

int batch_next(struct deliver *d, struct ep_err *err)
{
	int r = 0;

	if (d->batch.id)
		return 1;
	/* The oldest that is frozen is the suspect, while there is one. */
	if (!d->suspect.id)
		r = store_batch_pending(d->store, d->destination, &d->batch,
					err);
	if (r == 0)
		r = collect(d, err);
	/* Making room for the batch evicted rows that were in it. */
	if (r == -ESTALE)
		r = collect(d, err);
	return r;
}

/* --- two halves --- */

static int plain_body(const struct store_batch *batch, struct buf *out)
{
	if (batch->gzip)
		return framing_gunzip(batch->body, batch->body_len, out);
	buf_add(out, batch->body, batch->body_len);
	return out->error;
}

/* Two bodies, and what both halves have in common with the whole. */
static int cut(const struct store_batch *whole, const struct framing *framing,
	       struct buf bodies[2], struct store_batch halves[2],
	       size_t *ret_bytes)
{
	struct buf plain;
	uint64_t rows = whole->rows / 2, seq = 0;
	int r;

	buf_init(&plain, PLAIN_MAX);
	r = plain_body(whole, &plain);
	if (r == 0)
		r = framing_split(framing, plain.data, plain.len, rows, bodies,
				  &seq);
	*ret_bytes = plain.len;
	buf_finish(&plain);
	if (r < 0)
		return r;
	for (int i = 0; i < 2 && r == 0; i++) {
		label(&halves[i], framing, whole->gzip);
		halves[i].first = i ? seq : whole->first;
		halves[i].last = i ? whole->last : seq - 1;
		halves[i].rows = i ? whole->rows - rows : rows;
		r = take_body(&halves[i], &bodies[i]);
	}
	return r;
}

int batch_halve(struct deliver *d, size_t *ret_bytes, struct ep_err *err)
{
	const struct framing *framing = framing_find(d->batch.encoding);
	struct store_batch halves[2] = { 0 };
	struct buf bodies[2];
	size_t bytes = 0;
	int r;

	assert(d->batch.rows > 1);
	buf_init(&bodies[0], PLAIN_MAX);
	buf_init(&bodies[1], PLAIN_MAX);
	r = framing ? cut(&d->batch, framing, bodies, halves, &bytes)
		    : -ENOTSUP;
	if (r < 0)
		ep_err_set(err, r, "cutting a batch in two");
	else
		r = store_batch_split(d->store, d->destination, &d->batch,
				      halves, err);
	buf_finish(&bodies[0]);
	buf_finish(&bodies[1]);
	store_batch_finish(&halves[1]);
	if (r < 0) {
		store_batch_finish(&halves[0]);
		return r;
	}
	batch_forget(&d->batch);
	d->batch = halves[0];
	*ret_bytes = bytes;
	return 0;
}
