/* Happy path: the schedule says what is due, the engine measures, on_sample()
 * puts the answer into the ring; the keeping thread takes it out.
 *
 * What can fail: a kind has no permission (said once at start, and every
 * sample of it says so, too); the ring is full (the sample is counted and
 * declared by the keeping thread); a probe cannot even be started for want of
 * memory (it becomes a failed sample: no due time goes by in silence). */
#include "measuring.h"
#include "base/log.h"
#include "circuit/meter.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "line_test.h"
#include "name_event.h"
#include "schedule/schedule.h"
#include "vitals.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* An engine of its own for each set of name servers, and line to ask them. */
struct lane {
	struct measuring *m;
	const struct item *first; /* whose servers they are */
	uint64_t index;
	struct ep_engine *engine;
};

/* Of one item: what its callbacks need at once. */
struct way {
	struct lane *lane;
	uint32_t item;
	uint64_t turn; /* probes so far, for every n-th on a fresh flow */
	struct meter_item metered;
};

struct measuring {
	struct measuring_options options;
	struct ep_scope scope;
	uv_loop_t loop;
	uv_async_t stop, flush;
	uv_thread_t thread;
	struct lane lanes[MEASURING_LANES_MAX];
	unsigned n_lanes;
	struct way *ways; /* one an item */
	struct schedule *schedule;
	struct ring *ring, *notices;
	struct vitals vitals;
	size_t slot_bytes;
	bool stopping;
};

static void push(struct measuring *m, const struct taken *taken)
{
	if (ring_push(m->ring, taken) < 0)
		return; /* counted there */
	if (ring_used(m->ring) > ring_slots(m->ring) / 2)
		m->options.wake(m->options.arg);
}

/* Copy only what a slot has. */
static void put(const struct lane *lane, uint32_t item, bool late,
		const struct ep_sample *sample)
{
	struct measuring *m = lane->m;
	struct taken taken;

	taken.item = item;
	taken.late = late;
	memcpy(&taken.sample, sample,
	       m->slot_bytes - offsetof(struct taken, sample));
	taken.sample.id |= lane->index << MEASURING_LANE_SHIFT;
	if (!late && m->ways[item].metered.thinned)
		taken.sample.flags |= EP_FLAG_THINNED;
	push(m, &taken);
}

static struct lane *lane_of(struct measuring *m, const struct item *item)
{
	struct lane *lane = m->lanes;

	for (; lane < &m->lanes[m->n_lanes]; lane++)
		if (item_same_servers(item, lane->first))
			return lane;
	return NULL;
}

/* The name has fewer addresses by now: no failure. If it has none, number 0 says
 * so. */
static bool is_gone(const struct ep_target *target,
		    const struct ep_sample *sample)
{
	return target->pick == EP_PICK_NTH && target->nth > 0 &&
	       sample->reason == EP_REASON_DNS_NODATA;
}

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct way *way = arg;

	meter_done(&way->metered, sample);
	if (sample->outcome != EP_CANCELLED && !is_gone(target, sample))
		put(way->lane, way->item, false, sample);
}

static void on_late(const struct ep_sample *sample, void *arg)
{
	put(arg, 0, true, sample);
}

/* Where both threads ask for a name, one of them tells. */
static void on_names(const struct ep_names_change *change, void *arg)
{
	const struct lane *lane = arg;
	const struct items *elsewhere = lane->m->options.elsewhere;
	struct buf body;

	if (elsewhere != NULL &&
	    items_ask_for(elsewhere, lane->first, change->host, change->family))
		return;
	buf_init(&body, NOTICE_BODY_MAX);
	name_event_write(&body, change, lane->first->circuit);
	if (body.error < 0 ||
	    measuring_note(lane->m, ROW_EVENT, body.data) == -E2BIG)
		log_error("probes", "event=addresses_changed host=%s kept=no",
			  change->host);
	buf_finish(&body);
}

/* A sample that no probe has made: what was missed, or could not start. */
static void put_failed(struct measuring *m, const struct plan_due *due,
		       enum ep_reason reason)
{
	struct ep_sample sample;
	uint64_t late_ns = ep_clock_mono_ns() - due->due_ns;

	ep_sample_init(&sample);
	sample.outcome = EP_FAILED;
	sample.reason = (uint8_t)reason;
	sample.sent_ns = ep_clock_wall_ns() - late_ns;
	if (reason == EP_REASON_MISSED)
		sample.missed = due->missed < UINT32_MAX ? (uint32_t)due->missed
							 : UINT32_MAX;
	else
		sample.slip_ns = (int64_t)late_ns;
	if (m->options.items->items[due->item].target.kept)
		sample.flags = EP_FLAG_KEPT;
	sample.id = 0; /* nothing that could come late */
	put(&m->lanes[0], due->item, false, &sample);
}

static void start(struct measuring *m, const struct plan_due *due,
		  const struct ep_target *target)
{
	struct way *way = &m->ways[due->item];
	int r = ep_probe_start(way->lane->engine, target, due->due_ns,
			       on_sample, way, NULL);

	if (r == 0)
		meter_sent(&way->metered, ep_clock_mono_ns());
	else
		put_failed(m, due,
			   r == -ENOMEM ? EP_REASON_NO_RESOURCES
					: EP_REASON_INTERNAL);
}

/* Those known; at least one, whose probe asks for the name. */
static unsigned addresses_of(const struct way *way, const struct item *item)
{
	struct ep_address known[EP_NTH_MAX];
	unsigned n = 1;

	if (item->each_address)
		n = ep_engine_addresses(way->lane->engine, &item->target, known,
					EP_NTH_MAX);
	return n > 0 ? n : 1;
}

static void on_due(const struct plan_due *due, void *arg)
{
	struct measuring *m = arg;
	const struct item *item = &m->options.items->items[due->item];
	struct way *way = &m->ways[due->item];
	unsigned n;
	bool fresh;

	if (due->missed > 0) {
		put_failed(m, due, EP_REASON_MISSED);
		return;
	}
	if (!meter_ask(&way->metered, ep_clock_mono_ns()))
		return; /* thinned, as the budget of its circuit asks */
	way->turn++;
	fresh = item->fresh_every > 0 && way->turn % item->fresh_every == 0;
	n = addresses_of(way, item);
	for (unsigned i = 0; i < n; i++)
		start(m, due, item_way(item, fresh, i));
}

/* Say once, in plain words, which kinds cannot measure on this host. */
static void report_readiness(struct measuring *m)
{
	const struct items *items = m->options.items;
	const struct ep_kind *said = NULL;
	struct ep_err err = { 0 };

	for (size_t i = 0; i < items->n; i++) {
		const struct ep_target *t = &items->items[i].target;

		if (t->kind == said ||
		    ep_engine_ready(m->lanes[0].engine, t->kind,
				    t->family == 6 ? 6 : 4, &err) == 0)
			continue;
		log_error("probes", "kind=%s ready=no reason=\"%s\"",
			  t->kind->name, err.text);
		said = t->kind;
	}
}

static void on_ended(struct ep_scope *scope)
{
	(void)scope;
}

static void close_lanes(struct measuring *m)
{
	for (unsigned i = 0; i < m->n_lanes; i++)
		ep_engine_close(m->lanes[i].engine, NULL, NULL);
	m->n_lanes = 0;
}

static void on_stop(uv_async_t *async)
{
	struct measuring *m = container_of(async, struct measuring, stop);

	if (m->stopping)
		return;
	m->stopping = true;
	vitals_tell(&m->vitals);
	schedule_close(m->schedule, NULL, NULL);
	close_lanes(m);
	ep_scope_shut(&m->scope, (uv_handle_t *)&m->flush);
	vitals_shut(&m->vitals, &m->scope);
	ep_scope_shut(&m->scope, (uv_handle_t *)&m->stop);
	ep_scope_end(&m->scope, on_ended);
}

static void on_flush(uv_async_t *async)
{
	struct measuring *m = container_of(async, struct measuring, flush);

	for (unsigned i = 0; i < m->n_lanes; i++)
		ep_engine_flush_names(m->lanes[i].engine);
}

static void fill_vitals(struct vitals_facts *facts, void *arg)
{
	struct measuring *m = arg;

	schedule_take_lag(m->schedule, &facts->lag);
	for (unsigned i = 0; i < m->n_lanes; i++)
		vitals_add_engine(facts, m->lanes[i].engine);
}

static void run(void *arg)
{
	struct measuring *m = arg;
	sigset_t all;

	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_setname_np(pthread_self(), m->options.name);
	report_readiness(m);
	schedule_start(m->schedule);
	for (size_t i = 0; i < m->options.items->n; i++)
		line_test_start(m->options.items, i, m->ways[i].lane->engine);
	uv_run(&m->loop, UV_RUN_DEFAULT);
}

static struct plan *make_plan(const struct items *items)
{
	struct plan *plan = plan_create();

	for (size_t i = 0; plan != NULL && i < items->n; i++)
		if (plan_add(plan, &items->items[i].plan) < 0) {
			plan_destroy(plan);
			return NULL;
		}
	return plan;
}

static int open_lane(struct measuring *m, const struct item *item,
		     struct ep_err *err)
{
	struct ep_engine_options options = m->options.engine;
	struct lane *lane = &m->lanes[m->n_lanes];
	int r;

	if (lane_of(m, item) != NULL)
		return 0;
	if (m->n_lanes == MEASURING_LANES_MAX)
		return ep_err_set(err, -ENOSPC,
				  "more than %d different sets of name servers",
				  MEASURING_LANES_MAX);
	if (item->dns != NULL)
		options.dns_servers = item->dns;
	options.dns_source = item->dns_source;
	r = ep_engine_open(&m->loop, &options, &lane->engine, err);
	if (r < 0)
		return r;
	lane->m = m;
	lane->first = item;
	lane->index = m->n_lanes++;
	ep_engine_on_late(lane->engine, on_late, lane);
	ep_engine_on_names(lane->engine, on_names, lane);
	return 0;
}

static int open_lanes(struct measuring *m, struct ep_err *err)
{
	static const struct item any; /* the configuration's own servers */
	const struct items *items = m->options.items;
	int r = open_lane(m, &any, err);

	for (size_t i = 0; r == 0 && i < items->n; i++)
		r = open_lane(m, &items->items[i], err);
	for (size_t i = 0; r == 0 && i < items->n; i++) {
		m->ways[i].lane = lane_of(m, &items->items[i]);
		m->ways[i].item = (uint32_t)i;
	}
	return r;
}

static void count_item(struct measuring *m, size_t i)
{
	const struct item *item = &m->options.items->items[i];

	if (item->circuit != NULL && m->options.meters != NULL)
		meter_item_init(&m->ways[i].metered,
				&m->options.meters[item->circuit_index],
				&item->target, item_rate(item), (unsigned)i);
}

static int open_schedule(struct measuring *m, struct ep_err *err)
{
	struct plan *plan = make_plan(m->options.items);
	int r = plan == NULL ? -ENOMEM
			     : schedule_open(&m->loop, plan, on_due, m,
					     &m->schedule);

	if (r == 0)
		return 0;
	plan_destroy(plan);
	return ep_err_set(err, r, "the schedule cannot be made: %s",
			  uv_strerror(r));
}

static int open_parts(struct measuring *m, struct ep_err *err)
{
	int r = open_lanes(m, err);

	if (r == 0)
		r = open_schedule(m, err);
	if (r < 0)
		close_lanes(m);
	return r;
}

int measuring_start(const struct measuring_options *options,
		    struct measuring **ret_measuring, struct ep_err *err)
{
	struct measuring *m = calloc(1, sizeof(*m));
	int r = -ENOMEM;

	if (m == NULL)
		return ep_err_set(err, r, "out of memory");
	m->options = *options;
	m->slot_bytes = taken_bytes(options->https);
	m->ring = taken_ring(options->items, options->https);
	m->notices = notices_create();
	m->ways = calloc(options->items->n + 1, sizeof(*m->ways));
	r = m->ring == NULL || m->notices == NULL || m->ways == NULL
		    ? ep_err_set(err, -ENOMEM, "out of memory")
		    : uv_loop_init(&m->loop);
	if (r < 0)
		goto err_free;
	r = open_parts(m, err);
	if (r < 0)
		goto err_loop;
	for (size_t i = 0; i < options->items->n; i++)
		count_item(m, i);
	ep_scope_init(&m->scope);
	uv_async_init(&m->loop, &m->stop, on_stop);
	ep_scope_adopt(&m->scope, (uv_handle_t *)&m->stop);
	uv_async_init(&m->loop, &m->flush, on_flush);
	ep_scope_adopt(&m->scope, (uv_handle_t *)&m->flush);
	vitals_open(&m->vitals, &m->loop, &m->scope, fill_vitals, m);
	r = uv_thread_create(&m->thread, run, m);
	if (r < 0)
		goto err_parts;
	*ret_measuring = m;
	return 0;

err_parts:
	ep_err_set(err, r, "no thread: %s", uv_strerror(r));
	on_stop(&m->stop);
err_loop:
	uv_run(&m->loop, UV_RUN_DEFAULT);
	uv_loop_close(&m->loop);
err_free:
	measuring_destroy(m);
	return r;
}

void measuring_stop(struct measuring *measuring)
{
	uv_async_send(&measuring->stop);
}

void measuring_flush_names(struct measuring *measuring)
{
	uv_async_send(&measuring->flush);
}

void measuring_join(struct measuring *measuring)
{
	int r;

	uv_thread_join(&measuring->thread);
	r = uv_loop_close(&measuring->loop);
	assert(r == 0);
	(void)r;
}

void measuring_destroy(struct measuring *measuring)
{
	if (measuring == NULL)
		return;
	ring_destroy(measuring->ring);
	ring_destroy(measuring->notices);
	free(measuring->ways);
	free(measuring);
}

size_t measuring_take(struct measuring *measuring, struct taken *ret_taken,
		      size_t max)
{
	size_t n = ring_pop(measuring->ring, ret_taken, max);

	if (!measuring->options.https)
		taken_spread(ret_taken, n);
	return n;
}

uint64_t measuring_take_overflown(struct measuring *measuring)
{
	return ring_take_overflown(measuring->ring);
}

int measuring_note(struct measuring *measuring, enum row_type type,
		   const char *body)
{
	struct ring *notices = measuring->notices;
	int r = notices_put(notices, type, body);

	if (r == 0 && ring_used(notices) > ring_slots(notices) / 2)
		measuring->options.wake(measuring->options.arg);
	return r;
}

struct ring *measuring_notices(const struct measuring *measuring)
{
	return measuring->notices;
}

struct vitals *measuring_vitals(struct measuring *measuring)
{
	return &measuring->vitals;
}

const char *measuring_part(const struct measuring *measuring)
{
	return measuring->options.https ? "https" : "packets";
}

size_t measuring_ring_used(const struct measuring *measuring)
{
	return ring_used(measuring->ring);
}

size_t measuring_ring_slots(const struct measuring *measuring)
{
	return ring_slots(measuring->ring);
}
