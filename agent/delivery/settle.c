/* What follows from an answer.
 *
 * Happy path: acknowledged, the store is told, the next batch goes.
 *
 * What can fail: see the table in README.md. A batch that was refused for what
 * it holds (`doubt`) is set aside, and the next one shows whether the endpoint
 * takes anything at all. If it does, the first one is cut in two, and its
 * pieces again, down to the row that is bad, which goes to the dead letters;
 * one row for each proof that others pass. If it does not, nothing is touched
 * and all is tried again later. */
#include "delivery/deliver_i.h"
#include "delivery/turn.h"

#include "base/log.h"
#include "edgeprobe/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An unclear answer (500 and the like) this often for one batch is a doubt
 * about what it holds. */
#define UNSURE_MAX 5

/* No 413 makes batches smaller than this. */
#define BYTES_MIN ((size_t)1024)

/* Between two lines about rows that a collector did not take. */
#define REJECTED_SAID_NS (3600 * EP_NS_PER_S)

/* --- waiting --- */

static void say_trouble(struct deliver *d, const char *why)
{
	snprintf(d->trouble, sizeof(d->trouble), "%s", why);
	d->facts.trouble = d->trouble;
}

void settle_hold(struct deliver *d, const char *why, uint64_t after_ns)
{
	uint64_t wait_ns;

	d->failures++;
	wait_ns =
		retry_wait_ns(&d->retry, d->failures, after_ns, turn_random());
	d->hold_ns = uv_hrtime() + wait_ns;
	d->due_ns = 0; /* what is held does not wait for the interval, too */
	say_trouble(d, why);
	log_warn("delivery", "destination=%s %s attempt=%u next=%llums",
		 d->name, why, d->failures,
		 (unsigned long long)(wait_ns / EP_NS_PER_MS));
}

/* The store needed the room and has declared the batch to be a gap. */
void settle_gone(struct deliver *d)
{
	log_warn("delivery", "destination=%s evicted first=%llu last=%llu",
		 d->name, (unsigned long long)d->batch.first,
		 (unsigned long long)d->batch.last);
	batch_forget(&d->batch);
	d->owed = false;
}

void settle_store_failed(struct deliver *d, const struct ep_err *err)
{
	char why[VERDICT_TEXT_MAX];

	if (err->code == -ENOENT) {
		settle_gone(d);
		return;
	}
	snprintf(why, sizeof(why), "error=store why=\"%.200s\"", err->text);
	settle_hold(d, why, RETRY_NO_AFTER);
}

/* --- pieces --- */

/* Keep the first `rows` rows in hand; `*ret_bytes` is how large the whole was,
 * before compression. 0; -ENOTSUP: there are no such pieces; or what the store
 * could not do has been settled. */
static int cut(struct deliver *d, uint64_t rows, size_t *ret_bytes)
{
	struct ep_err err = { 0 };
	int r;

	if (rows == 0 || rows >= d->batch.rows)
		return -ENOTSUP;
	r = batch_cut(d, rows, ret_bytes, &err);
	if (r < 0 && r != -ENOTSUP)
		settle_store_failed(d, &err);
	return r;
}

static int halve(struct deliver *d)
{
	size_t bytes;

	return cut(d, d->batch.rows / 2, &bytes);
}

static void quarantine(struct deliver *d, const char *why)
{
	struct ep_err err = { 0 };

	if (store_batch_quarantine(d->store, d->destination, &d->batch, why,
				   &err) < 0) {
		settle_store_failed(d, &err);
		return;
	}
	log_warn("delivery", "destination=%s quarantined=%llu first=%llu %s",
		 d->name, (unsigned long long)d->batch.rows,
		 (unsigned long long)d->batch.first, why);
	d->facts.quarantined += d->batch.rows;
	d->proof = false;
	batch_forget(&d->batch);
}

/* A part of what was shown to be bad: smaller, or out. */
static void convict(struct deliver *d, const char *why)
{
	if (halve(d) == -ENOTSUP)
		quarantine(d, why);
}

/* Of a batch that was shown to be bad. */
static bool is_piece(const struct deliver *d)
{
	return d->batch.first >= d->bisect_first &&
	       d->batch.last <= d->bisect_last;
}

/* Another has passed: it is the suspect, not the endpoint. */
static void resume_suspect(struct deliver *d)
{
	d->batch = d->suspect;
	d->suspect = (struct store_batch){ 0 };
	if (!is_piece(d)) {
		d->bisect_first = d->batch.first;
		d->bisect_last = d->batch.last;
	}
	convict(d, d->refusal);
}

/* --- answers --- */

static void recover(struct deliver *d)
{
	if (d->failures > 0)
		log_info("delivery", "destination=%s delivering again",
			 d->name);
	d->failures = 0;
	d->hold_ns = 0;
	d->proof = true;
	if (d->suspect.id) {
		resume_suspect(d);
		return;
	}
	d->trouble[0] = '\0';
	d->facts.trouble = d->trouble;
}

void settle_owed(struct deliver *d)
{
	struct ep_err err = { 0 };

	d->owed =
		store_batch_done(d->store, d->destination, &d->batch, &err) < 0;
	if (d->owed) {
		settle_store_failed(d, &err);
		return;
	}
	d->facts.acked_ns = uv_hrtime();
	d->facts.batches++;
	d->facts.rows += d->batch.rows;
	turn_passed(d);
	batch_forget(&d->batch);
	recover(d);
}

/* Refused, perhaps for what it holds. */
static void doubt(struct deliver *d, const struct verdict *v)
{
	bool piece = is_piece(d);

	if (piece && d->proof) {
		convict(d, v->text);
		return;
	}
	if (piece && halve(d) != -ENOTSUP)
		return;
	d->proof = false;
	if (d->suspect.id) {
		/* Neither passes: the endpoint. Both stay frozen. */
		batch_forget(&d->suspect);
		batch_forget(&d->batch);
		memset(d->unsure, 0, sizeof(d->unsure));
		settle_hold(d, v->text, v->after_ns);
		return;
	}
	say_trouble(d, v->text);
	snprintf(d->refusal, sizeof(d->refusal), "%s", v->text);
	d->suspect = d->batch;
	d->batch = (struct store_batch){ 0 };
	d->due_ns = 0;
}

/* Halves of this one, and the next ones no larger than its half. */
static void too_large(struct deliver *d, const struct verdict *v)
{
	uint64_t rows = d->batch.rows;
	size_t bytes = 0, half;
	int r = cut(d, rows / 2, &bytes);

	if (r == -ENOTSUP) {
		doubt(d, v);
		return;
	}
	half = bytes / 2;
	say_trouble(d, v->text);
	log_info("delivery", "destination=%s %s rows=%llu halved", d->name,
		 v->text, (unsigned long long)rows);
	if (r == 0 && half < d->max_bytes)
		d->max_bytes = half > BYTES_MIN ? half : BYTES_MIN;
}

/* --- some rows were taken, some refused --- */

/* The first rows of the batch in hand. False: no more can be settled now. */
static bool settle_run(struct deliver *d, uint64_t rows, bool refused,
		       const char *why)
{
	uint64_t left = d->batch.rows - rows, last = d->batch.last;
	enum store_part part = d->batch.part;
	struct ep_err err = { 0 };
	size_t bytes;

	if (left > 0 && cut(d, rows, &bytes) < 0)
		return false;
	if (refused)
		quarantine(d, why);
	else
		settle_owed(d);
	if (d->batch.id || left == 0)
		return false;
	if (store_batch_pending_of(d->store, d->destination, part, &d->batch,
				   &err) < 0)
		settle_store_failed(d, &err);
	return d->batch.id && d->batch.last == last && d->batch.rows == left;
}

/* The answer names them: nothing has to be found out. What is left of the
 * batch, if the answer names no more, is sent again: those that were taken have
 * names by which they are known. */
static void partly(struct deliver *d, const struct verdict *v)
{
	const struct ack_parts *parts = &v->parts;
	bool more = true;

	d->failures = 0;
	if (d->suspect.id) {
		/* First that one: others pass. */
		batch_forget(&d->batch);
		resume_suspect(d);
		d->proof = true;
		return;
	}
	for (unsigned i = 0; i < parts->n_runs && more; i++)
		if (parts->runs[i] > 0)
			more = parts->runs[i] <= d->batch.rows &&
			       settle_run(d, parts->runs[i], i % 2 == 1,
					  v->text);
	d->proof = true;
}

static void unsure(struct deliver *d, const struct verdict *v)
{
	struct unsure *u = &d->unsure[d->batch.part != STORE_FRESH];

	if (u->id != d->batch.id)
		*u = (struct unsure){ d->batch.id, 0 };
	if (++u->n < UNSURE_MAX)
		settle_hold(d, v->text, v->after_ns);
	else
		doubt(d, v);
}

/* It took the batch, but not all of it, and does not say what: that is not to
 * be sent again. Said once an hour. */
static void note_rejected(struct deliver *d, uint64_t n)
{
	if (n == 0)
		return;
	d->facts.rejected += n;
	if (uv_hrtime() < d->rejected_said_ns)
		return;
	d->rejected_said_ns = uv_hrtime() + REJECTED_SAID_NS;
	log_warn("delivery",
		 "destination=%s rejected=%llu first=%llu last=%llu "
		 "why=\"the collector took the batch without them\"",
		 d->name, (unsigned long long)n,
		 (unsigned long long)d->batch.first,
		 (unsigned long long)d->batch.last);
}

void settle(struct deliver *d, const struct verdict *verdict)
{
	assert(d->batch.id);
	if (verdict->class != ACK_DONE) {
		d->facts.refused++;
		turn_failed(d, verdict->class == ACK_BUSY);
	}
	switch (verdict->class) {
	case ACK_DONE:
		note_rejected(d, verdict->parts.rejected);
		settle_owed(d);
		break;
	case ACK_UNSURE:
		unsure(d, verdict);
		break;
	case ACK_TOO_LARGE:
		too_large(d, verdict);
		break;
	case ACK_BAD_DATA:
		if (verdict->parts.n_runs > 0)
			partly(d, verdict);
		else
			doubt(d, verdict);
		break;
	case ACK_BUSY:
	case ACK_ENDPOINT:
		settle_hold(d, verdict->text, verdict->after_ns);
		break;
	}
}
