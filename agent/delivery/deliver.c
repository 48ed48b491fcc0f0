/* One destination: when a batch is made and sent.
 *
 * Happy path: rows are committed (poke) or the interval is over; tick() makes a
 * batch, freezes it and sends it; its verdict is settled (settle.c); tick()
 * again, until there is nothing left to send. One batch is on its way at a
 * time.
 *
 * What can fail: the store (held and tried again), the attempt (settle.c). Each
 * ends in `hold_ns`, before which nothing is done; the data waits in the
 * store. */
#include "delivery/deliver_i.h"
#include "delivery/turn.h"

#include "base/log.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_DEFAULT        5000
#define BYTES_DEFAULT       900000
#define INTERVAL_DEFAULT_NS (10 * EP_NS_PER_S)
#define TIMEOUT_DEFAULT_NS  (30 * EP_NS_PER_S)

/* After the last bytes of a batch: queues on the way are empty again, and what
 * was measured meanwhile has come. */
#define DRAINED_NS (2 * EP_NS_PER_S)

static void tick(struct deliver *d);

static void on_timer(uv_timer_t *timer)
{
	tick(container_of(timer, struct deliver, timer));
}

static void arm_at(struct deliver *d, uint64_t when_ns)
{
	uint64_t now_ns = uv_hrtime();
	uint64_t wait_ns = when_ns > now_ns ? when_ns - now_ns : 0;

	uv_timer_start(&d->timer, on_timer,
		       (wait_ns + EP_NS_PER_MS - 1) / EP_NS_PER_MS, 0);
}

/* For whatever comes next: the end of a flush, of a hold, of the interval. */
static void arm(struct deliver *d)
{
	uint64_t when_ns = UINT64_MAX;

	if (d->state == DELIVER_WAITING)
		when_ns = turn_when(d);
	if (d->flushed && d->flush_until_ns < when_ns)
		when_ns = d->flush_until_ns;
	if (when_ns == UINT64_MAX)
		uv_timer_stop(&d->timer);
	else
		arm_at(d, when_ns);
}

/* --- sending --- */

/* A batch of an earlier version whose framing this one does not know cannot be
 * sent as what it is. */
static void set_unknown_aside(struct deliver *d)
{
	struct ep_err err = { 0 };

	log_error("delivery",
		  "destination=%s encoding=%s is not known: "
		  "quarantined rows=%llu",
		  d->name, d->batch.encoding,
		  (unsigned long long)d->batch.rows);
	if (store_batch_quarantine(d->store, d->destination, &d->batch,
				   "encoding is not known", &err) < 0) {
		settle_store_failed(d, &err);
		return;
	}
	d->facts.quarantined += d->batch.rows;
	batch_forget(&d->batch);
}

static void attempt(struct deliver *d)
{
	struct parcel parcel = {
		.framing = framing_find(d->batch.encoding),
		.agent = d->agent,
		.epoch = d->epoch,
		.first = d->batch.first,
		.last = d->batch.last,
		.rows = d->batch.rows,
		.gzip = d->batch.gzip,
		.backlog = d->behind || d->batch.part != STORE_FRESH,
		.body = d->batch.body,
		.len = d->batch.body_len,
	};
	struct ep_err err = { 0 };

	if (!parcel.framing) {
		set_unknown_aside(d);
		return;
	}
	if (store_batch_attempted(d->store, d->batch.id) == -ENOENT) {
		settle_gone(d);
		return;
	}
	d->batch.attempts++;
	turn_began(d);
	if (d->outlet->send(d->outlet, &parcel, &err) == 0) {
		d->state = DELIVER_SENDING;
		return;
	}
	turn_ended(d);
	turn_failed(d, false);
	settle_hold(d, err.text, RETRY_NO_AFTER);
}

static void on_verdict(const struct verdict *verdict, void *arg)
{
	struct deliver *d = arg;

	assert(d->state == DELIVER_SENDING);
	turn_ended(d);
	d->state = DELIVER_WAITING;
	credentials_look(d);
	settle(d, verdict);
	tick(d);
}

/* --- when --- */

/* One step; false: there is nothing to send. */
static bool step(struct deliver *d, enum drain_what what)
{
	struct ep_err err = { 0 };
	int r;

	if (d->owed) {
		settle_owed(d);
		return true;
	}
	r = turn_take(d, what, &err);
	if (r > 0) {
		attempt(d);
	} else if (r < 0) {
		settle_store_failed(d, &err);
	} else if (d->suspect.id) {
		/* Nothing to compare it with yet: it waits, too. */
		batch_forget(&d->suspect);
		settle_hold(d, d->refusal, RETRY_NO_AFTER);
		return true;
	}
	return r != 0;
}

static void end_flush(struct deliver *d)
{
	void (*flushed)(void *arg) = d->flushed;

	d->flushed = NULL;
	arm(d);
	flushed(d->flush_arg);
}

static void tick(struct deliver *d)
{
	enum drain_what what;
	bool more = true;

	while (d->state == DELIVER_WAITING && more &&
	       (what = turn_choose(d)) != DRAIN_NOTHING)
		more = step(d, what);
	if (d->flushed && (!more || uv_hrtime() >= d->flush_until_ns)) {
		end_flush(d);
		return;
	}
	arm(d);
}

void deliver_poke(struct deliver *d)
{
	if (d->state == DELIVER_WAITING && turn_choose(d) != DRAIN_NOTHING)
		arm_at(d, 0);
}

void deliver_flush(struct deliver *d, uint64_t timeout_ns,
		   void (*cb)(void *arg), void *arg)
{
	assert(!d->flushed && d->state != DELIVER_CLOSING);
	d->flushed = cb;
	d->flush_arg = arg;
	d->flush_until_ns = uv_hrtime() + timeout_ns;
	if (d->state == DELIVER_WAITING)
		arm_at(d, 0);
	else
		arm(d);
}

/* --- life --- */

static void free_deliver(struct deliver *d)
{
	store_batch_finish(&d->batch);
	store_batch_finish(&d->suspect);
	free(d->name);
	free(d->agent);
	free(d->epoch);
	free(d);
}

static void on_ended(struct ep_scope *scope)
{
	struct deliver *d = container_of(scope, struct deliver, scope);
	void (*closed)(void *arg) = d->closed;
	void *arg = d->close_arg;

	free_deliver(d);
	closed(arg);
}

static void on_outlet_closed(void *arg)
{
	struct deliver *d = arg;

	ep_scope_drop(&d->scope);
}

void deliver_close(struct deliver *d, void (*cb)(void *arg), void *arg)
{
	assert(d->state != DELIVER_CLOSING);
	d->state = DELIVER_CLOSING;
	d->flushed = NULL;
	d->closed = cb;
	d->close_arg = arg;
	ep_scope_take(&d->scope);
	d->outlet->close(d->outlet, on_outlet_closed, d);
	ep_scope_shut(&d->scope, (uv_handle_t *)&d->timer);
	ep_scope_end(&d->scope, on_ended);
}

/* At a time of its own within the first interval: agents that are switched on
 * together do not come together. */
static void set_phase(struct deliver *d)
{
	d->due_ns = uv_hrtime() + turn_random() % (d->interval_ns + 1);
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
	return value ? value : otherwise;
}

static struct deliver *make(const struct identity *who,
			    const struct deliver_options *o)
{
	struct deliver *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->name = strdup(o->name);
	d->agent = strdup(who->agent);
	d->epoch = strdup(who->epoch);
	if (!d->name || !d->agent || !d->epoch) {
		free_deliver(d);
		return NULL;
	}
	d->framing = framing_of(o->encoding, o->url);
	d->gzip = o->gzip;
	d->truncate_addresses = o->truncate_addresses;
	d->max_rows = o->max_rows;
	d->max_bytes = o->max_bytes;
	d->interval_ns = o->interval_ns;
	d->retry = retry_defaults;
	d->facts.trouble = d->trouble;
	return d;
}

static int open_outlet(struct deliver *d, uv_loop_t *loop,
		       const struct deliver_options *o, struct ep_err *err)
{
	int r = place_of(o->url) == PLACE_FILE ? file_open(loop, o, &d->outlet)
					       : http_open(loop, o, &d->outlet);

	if (r < 0)
		return ep_err_set(err, r, "destination \"%s\": %s", o->name,
				  uv_strerror(r));
	d->outlet->cb = on_verdict;
	d->outlet->arg = d;
	return 0;
}

int deliver_open(uv_loop_t *loop, struct store *store,
		 const struct identity *who,
		 const struct deliver_options *options,
		 struct deliver **ret_deliver, struct ep_err *err)
{
	struct deliver_options o = *options;
	struct deliver *d;
	int r = deliver_check(&o, err);

	if (r < 0)
		return r;
	o.max_rows = or_default(o.max_rows, ROWS_DEFAULT);
	o.max_bytes = or_default(o.max_bytes, BYTES_DEFAULT);
	o.interval_ns = or_default(o.interval_ns, INTERVAL_DEFAULT_NS);
	o.timeout_ns = or_default(o.timeout_ns, TIMEOUT_DEFAULT_NS);
	d = make(who, &o);
	if (!d)
		return ep_err_set(err, -ENOMEM, "out of memory");
	d->store = store;
	r = store_destination(store, o.name, &d->destination, err);
	if (r == 0)
		r = open_outlet(d, loop, &o, err);
	if (r < 0) {
		free_deliver(d);
		return r;
	}
	d->taken = store_last_seq(store);
	turn_open(d, &o);
	ep_scope_init(&d->scope);
	uv_timer_init(loop, &d->timer);
	ep_scope_adopt(&d->scope, (uv_handle_t *)&d->timer);
	set_phase(d);
	/* What is fresh goes first from the beginning. */
	drain_wait(&d->drain, d->due_ns);
	arm(d);
	*ret_deliver = d;
	return 0;
}

void deliver_tune(struct deliver *d, const struct retry_options *retry)
{
	d->retry = *retry;
}

void deliver_tune_drain(struct deliver *d, const struct drain_options *drain)
{
	d->drain.options = drain;
	drain_begin(&d->drain, uv_hrtime(), turn_random());
	drain_wait(&d->drain, d->due_ns);
}

bool deliver_is_draining(const struct deliver *d)
{
	return d->draining ||
	       (d->drained_ns && uv_hrtime() - d->drained_ns < DRAINED_NS);
}

void deliver_facts(const struct deliver *d, struct deliver_facts *ret_facts)
{
	struct store_waiting waiting = { .fresh = false };

	*ret_facts = d->facts;
	store_waiting(d->store, d->destination, &waiting);
	ret_facts->draining = d->draining;
	if (d->paced && (waiting.older || d->behind))
		ret_facts->backlog_rate = d->drain.rate;
	ret_facts->next_try_ns = d->hold_ns > uv_hrtime() ? d->hold_ns : 0;
	store_backlog(d->store, d->destination, &ret_facts->backlog_rows,
		      &ret_facts->backlog_oldest_ns);
	if (d->outlet->facts)
		d->outlet->facts(d->outlet, ret_facts);
}
