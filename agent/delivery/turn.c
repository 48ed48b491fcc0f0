/* What goes next: what is fresh, or a batch of what an outage left behind, and
 * when (drain.c). */
#include "delivery/turn.h"
#include "delivery/deliver_i.h"

#include "base/log.h"

#include <sys/random.h>

/* With more batches than this waiting, and the oldest of them from before an
 * outage could have begun, there is a backlog. */
#define BACKLOG_BATCHES 2

uint64_t turn_random(void)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = uv_hrtime();
	return bits;
}

/* Rows that are added up go in order: who adds deltas up, or refuses what is
 * older than what there is, could make nothing of others. */
static bool is_ordered(const struct deliver *d)
{
	return !d->framing->row;
}

static void say_backlog(const struct deliver *d, int parted, uint64_t rows,
			const struct ep_err *err)
{
	if (parted > 0)
		log_info("delivery", "destination=%s backlog=%llu paced=yes",
			 d->name, (unsigned long long)rows);
	else if (parted < 0)
		log_warn("delivery",
			 "destination=%s newest_first=failed why=\"%.200s\"",
			 d->name, err->text);
}

static bool has_backlog(const struct deliver *d, uint64_t *ret_rows)
{
	struct store_lacking lacking;
	uint64_t rows, age_ns;

	if (store_lacking(d->store, d->destination, &lacking) < 0 ||
	    store_backlog(d->store, d->destination, &rows, &age_ns) < 0)
		return false;
	*ret_rows = lacking.fresh;
	return lacking.fresh > BACKLOG_BATCHES * d->max_rows &&
	       age_ns >= d->drain.options->away_ns;
}

/* At the start, and after an outage. */
static void part_backlog(struct deliver *d)
{
	struct ep_err err = { 0 };
	uint64_t rows;
	int parted = 1;

	if (!has_backlog(d, &rows))
		return;
	if (is_ordered(d))
		d->behind = true;
	else
		parted = store_destination_split(d->store, d->destination,
						 d->max_rows, &err);
	say_backlog(d, parted, rows, &err);
}

void turn_open(struct deliver *d, const struct deliver_options *o)
{
	d->paced = place_of(o->url) != PLACE_FILE;
	d->old = o->old;
	d->drain_options = d->paced ? drain_up_to(o->backlog_rate) : drain_none;
	d->drain.options = &d->drain_options;
	drain_begin(&d->drain, uv_hrtime(), turn_random());
	part_backlog(d);
}

static bool is_full(const struct deliver *d)
{
	return store_last_seq(d->store) - d->taken >= d->max_rows;
}

static struct drain_view view(const struct deliver *d)
{
	struct store_waiting waiting = { .fresh = false };
	struct drain_view v = {
		.now_ns = uv_hrtime(),
		.hold_ns = d->hold_ns,
		.due_ns = d->due_ns,
		.full = is_full(d),
		.flush = d->flushed != NULL,
	};

	/* What cannot be read now is said by whoever takes it. */
	(void)store_waiting(d->store, d->destination, &waiting);
	v.frozen = waiting.fresh;
	v.backlog = waiting.older;
	if (d->behind) {
		v.frozen = v.full = false;
		v.due_ns = UINT64_MAX;
		v.backlog = true;
	}
	v.frozen = v.frozen || d->owed;
	return v;
}

enum drain_what turn_choose(const struct deliver *d)
{
	struct drain_view v = view(d);

	return drain_choose(&d->drain, &v);
}

uint64_t turn_when(const struct deliver *d)
{
	struct drain_view v = view(d);

	return drain_when(&d->drain, &v);
}

static int take_older(struct deliver *d, struct ep_err *err)
{
	int r = d->behind ? batch_next(d, STORE_FRESH, err) : 0;

	if (r == 0)
		r = batch_next(d, STORE_BACKLOG, err);
	if (r == 0)
		r = batch_next(d, STORE_AGAIN, err);
	if (r == 0)
		drain_wait(&d->drain, uv_hrtime() + d->interval_ns);
	return r;
}

int turn_take(struct deliver *d, enum drain_what what, struct ep_err *err)
{
	struct drain_view v;
	int r = 0;

	if (what == DRAIN_FRESH && (!d->behind || d->flushed))
		r = batch_next(d, STORE_FRESH, err);
	if (r != 0)
		return r;
	v = view(d);
	if (v.flush || (v.backlog && v.now_ns >= d->drain.next_ns))
		r = take_older(d, err);
	return r;
}

static bool is_older(const struct deliver *d)
{
	return d->behind || d->batch.part != STORE_FRESH;
}

void turn_began(struct deliver *d)
{
	d->draining = d->paced && (d->old || is_older(d));
	drain_sent(&d->drain, uv_hrtime(), is_older(d));
}

void turn_ended(struct deliver *d)
{
	if (d->draining)
		d->drained_ns = uv_hrtime();
	d->draining = false;
}

void turn_passed(struct deliver *d)
{
	if (drain_passed(&d->drain, uv_hrtime(), is_older(d), turn_random()))
		part_backlog(d);
}

void turn_failed(struct deliver *d, bool busy)
{
	drain_failed(&d->drain, uv_hrtime(), busy);
}
