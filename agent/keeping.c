/* Happy path: once a second (or as configured) on_tick() empties the rings into the store, commits
 * and pokes the destinations. A ring that fills faster wakes us before that.
 *
 * What can fail: the commit (the store keeps its queue, the next tick tries
 * again, no probe stops); the store itself (its owner is told, once); a ring
 * that was full (what it refused is declared as a gap); the wall clock (a step
 * is a row). */
#include "keeping.h"
#include "base/log.h"
#include "base/path.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "health.h"
#include "self.h"
#include "store/store.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TAKE_MAX      64
#define STEP_NS       (100 * (int64_t)EP_NS_PER_MS)
#define LATE_SECONDS  30 /* how long a probe's row can be found again */
#define LATE_AT_LEAST 1024
#define LATE_AT_MOST  (1u << 20)

/* Which row a probe's sample became: for what comes after it. */
struct remembered {
	uint64_t id, seq;
	uint32_t series;
};

struct source {
	struct measuring *measuring;
	const struct items *items;
	unsigned number;
	uint32_t *series; /* of each item, in the store */
	struct health health;
	/* One table a lane, made at its first sample: the ids of each count up,
	 * so that none takes another's place before its time. */
	struct remembered *remembered[MEASURING_LANES_MAX];
	size_t n_remembered; /* of each; a power of two */
};

struct keeping {
	struct ep_scope scope;
	uv_loop_t *loop;
	uv_timer_t tick;
	uv_async_t wake;
	const struct config *config;
	struct store *store;
	struct self *self;
	struct identity who;
	struct source sources[KEEPING_SOURCES_MAX];
	unsigned n_sources;
	struct deliver **delivers;
	size_t n_delivers;
	unsigned flushing; /* destinations that still send */
	uint64_t next_tick_ns;
	int64_t clock_offset_ns;
	uint64_t suspended_ns;
	uint64_t committed_ns; /* the last that went well; 0: none yet */
	bool unsynced, failing;
	keeping_broken_cb broken;
	void *broken_arg;
	struct taken taken[TAKE_MAX];
};

/* --- rings --- */

/* Where the row of `id` is or would be remembered; NULL: out of memory. */
static struct remembered *place_of(struct source *s, uint64_t id)
{
	struct remembered **table = &s->remembered[id >> MEASURING_LANE_SHIFT];

	if (*table == NULL)
		*table = calloc(s->n_remembered, sizeof(**table));
	return *table == NULL ? NULL : *table + (id & (s->n_remembered - 1));
}

static void remember(struct source *s, uint64_t id, uint64_t seq,
		     uint32_t series)
{
	struct remembered *r = place_of(s, id);

	if (r != NULL)
		*r = (struct remembered){ id, seq, series };
}

static void keep_late(struct keeping *k, struct source *s,
		      const struct ep_sample *sample)
{
	const struct remembered *r = place_of(s, sample->id);

	if (r != NULL && r->id == sample->id)
		store_add_late(k->store, r->series, sample, r->seq);
	else
		log_warn("keeping", "late=unmatched id=%llu",
			 (unsigned long long)sample->id);
}

static void keep(struct keeping *k, struct source *s, struct taken *taken)
{
	uint32_t series;
	uint64_t seq;

	self_saw_sample(k->self, s->number, taken);
	if (k->unsynced)
		taken->sample.flags |= EP_FLAG_CLOCK_UNSYNCED;
	if (taken->late) {
		keep_late(k, s, &taken->sample);
		return;
	}
	health_saw(&s->health, taken->item, &taken->sample);
	series = s->series[taken->item];
	seq = store_add_sample(k->store, series, &taken->sample);
	remember(s, taken->sample.id, seq, series);
}

static void empty_ring(struct keeping *k, struct source *s)
{
	size_t n, used = measuring_ring_used(s->measuring);
	uint64_t overflown;

	do {
		n = measuring_take(s->measuring, k->taken, TAKE_MAX);
		for (size_t i = 0; i < n; i++)
			keep(k, s, &k->taken[i]);
	} while (n == TAKE_MAX);
	notices_keep(measuring_notices(s->measuring), k->store);
	overflown = measuring_take_overflown(s->measuring);
	self_saw_ring(k->self, s->number, used, overflown);
	if (overflown == 0)
		return;
	store_add_overflow(k->store, overflown);
	log_error("keeping", "ring=full lost=%llu declared=gap",
		  (unsigned long long)overflown);
}

static void empty_rings(struct keeping *k)
{
	for (unsigned i = 0; i < k->n_sources; i++)
		empty_ring(k, &k->sources[i]);
}

/* --- the clock --- */

static void watch_clock(struct keeping *k)
{
	int64_t offset_ns = ep_clock_offset_ns();
	uint64_t suspended_ns = ep_clock_suspended_ns();
	int64_t step_ns = offset_ns - k->clock_offset_ns;
	int64_t slept_ns = (int64_t)(suspended_ns - k->suspended_ns);
	char text[128];
	struct buf body;

	k->clock_offset_ns = offset_ns;
	k->suspended_ns = suspended_ns;
	k->unsynced = !ep_clock_synced();
	if (step_ns < STEP_NS && step_ns > -STEP_NS)
		return;
	buf_init(&body, sizeof(text));
	buf_text(&body, "\"step_us\":");
	buf_json_us(&body, step_ns);
	if (slept_ns >= STEP_NS) {
		buf_text(&body, ",\"suspended_us\":");
		buf_json_us(&body, slept_ns);
	}
	keeping_note(k, ROW_CLOCK, body.data);
	log_warn("keeping", "clock=stepped step_ms=%lld suspended_ms=%lld",
		 (long long)(step_ns / (int64_t)EP_NS_PER_MS),
		 (long long)(slept_ns / (int64_t)EP_NS_PER_MS));
	buf_finish(&body);
}

/* --- once in commit_interval --- */

static int commit(struct keeping *k)
{
	struct ep_err err = { 0 };
	uint64_t began_ns = ep_clock_mono_ns();
	int r = store_commit(k->store, &err);

	self_saw_commit(k->self, ep_clock_mono_ns() - began_ns);
	if (r < 0 && !k->failing)
		log_error("store", "commit=failed reason=\"%s\" next=retry",
			  err.text);
	if (r == 0 && k->failing)
		log_info("store", "commit=ok again=yes");
	k->failing = r < 0;
	if (r == 0)
		k->committed_ns = ep_clock_mono_ns();
	for (size_t i = 0; r == 0 && i < k->n_delivers; i++)
		deliver_poke(k->delivers[i]);
	return r;
}

static void on_tick(uv_timer_t *timer);

/* Absolute: a slow commit shifts no later one. */
static void arm(struct keeping *k)
{
	uint64_t now_ns = ep_clock_mono_ns();

	k->next_tick_ns += k->config->store_commit_ns;
	if (k->next_tick_ns < now_ns)
		k->next_tick_ns = now_ns;
	uv_update_time(k->loop);
	uv_timer_start(&k->tick, on_tick,
		       (k->next_tick_ns - now_ns) / EP_NS_PER_MS, 0);
}

static void on_tick(uv_timer_t *timer)
{
	struct keeping *k = container_of(timer, struct keeping, tick);
	uint64_t now_ns = ep_clock_mono_ns();
	int r;

	self_saw_tick(k->self,
		      now_ns > k->next_tick_ns ? now_ns - k->next_tick_ns : 0);
	empty_rings(k);
	watch_clock(k);
	self_tick(k->self, now_ns);
	r = commit(k);
	if ((r == -EUCLEAN || r == -EIO) && k->broken != NULL)
		k->broken(k->broken_arg); /* k is being closed */
	else
		arm(k);
}

static void on_wake(uv_async_t *async)
{
	empty_rings(container_of(async, struct keeping, wake));
}

void keeping_on_broken(struct keeping *keeping, keeping_broken_cb broken,
		       void *arg)
{
	keeping->broken = broken;
	keeping->broken_arg = arg;
}

void keeping_wake(void *keeping)
{
	uv_async_send(&((struct keeping *)keeping)->wake);
}

void keeping_note(struct keeping *keeping, enum row_type type, const char *body)
{
	store_add_note(keeping->store, type, ep_clock_wall_ns(), body);
}

void keeping_start(struct keeping *keeping)
{
	struct buf body;

	buf_init(&body, 256);
	buf_printf(&body, "\"version\":\"%s\",\"reason\":\"start\"",
		   ep_version());
	keeping_note(keeping, ROW_BOOT, body.data);
	buf_finish(&body);
	keeping->clock_offset_ns = ep_clock_offset_ns();
	keeping->suspended_ns = ep_clock_suspended_ns();
	keeping->unsynced = !ep_clock_synced();
	keeping->next_tick_ns = ep_clock_mono_ns();
	arm(keeping);
}

/* --- sources --- */

static int name_series(struct keeping *k, struct source *s, struct ep_err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->items->n && r == 0; i++)
		r = store_series(k->store, &s->items->items[i].series,
				 &s->series[i], err);
	return r;
}

int keeping_attach(struct keeping *keeping, struct measuring *measuring,
		   const struct items *items, struct ep_err *err)
{
	struct source *s = &keeping->sources[keeping->n_sources];
	double wanted = items_rate(items) * LATE_SECONDS;
	size_t n = LATE_AT_LEAST;

	assert(keeping->n_sources < KEEPING_SOURCES_MAX);
	while ((double)n < wanted && n < LATE_AT_MOST)
		n *= 2;
	s->series = calloc(items->n + 1, sizeof(*s->series));
	s->n_remembered = n;
	s->measuring = measuring;
	s->items = items;
	s->number = keeping->n_sources;
	self_add(keeping->self, s->number, measuring);
	keeping->n_sources++; /* from here keeping_close() frees it */
	if (s->series == NULL || health_init(&s->health, items->n) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	return name_series(keeping, s, err);
}

void keeping_look(const struct keeping *k, struct keeping_view *ret_view)
{
	*ret_view = (struct keeping_view){
		.store = k->store,
		.self = k->self,
		.delivers = k->delivers,
		.n_delivers = k->n_delivers,
		.committed_ns = k->committed_ns,
		.n_sources = k->n_sources,
	};
	for (unsigned i = 0; i < k->n_sources; i++) {
		ret_view->items[i] = k->sources[i].items;
		ret_view->health[i] = &k->sources[i].health;
	}
}

/* --- opening --- */

static int open_store(struct keeping *k, struct ep_err *err)
{
	struct store_options options = {
		.path = k->config->store_path,
		.agent = k->config->agent,
		.max_bytes = k->config->store_max_bytes,
	};
	int r = path_make_parents(options.path, err);

	if (r == 0)
		r = store_open(&options, &k->store, err);
	if (r < 0)
		return r;
	if (store_notice(k->store)[0] != '\0')
		log_warn("store", "notice=\"%s\"", store_notice(k->store));
	k->self = self_create(k->store, ep_clock_mono_ns());
	if (k->self == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	k->who.agent = k->config->agent;
	k->who.epoch = store_epoch(k->store);
	return 0;
}

struct deliver_options delivery_options(const struct config *config,
					const struct config_destination *d)
{
	return (struct deliver_options){
		.name = d->name,
		.url = d->url,
		.encoding = d->encoding,
		.token_file = d->token_file,
		.ca_file = d->ca_file,
		.proxy = d->proxy,
		.gzip = d->gzip,
		.max_rows = d->batch_rows,
		.max_bytes = d->batch_bytes,
		.interval_ns = d->interval_ns,
		.timeout_ns = d->timeout_ns,
		.truncate_addresses = config->truncate_addresses,
	};
}

static int open_deliver(struct keeping *k, const struct config_destination *d,
			struct ep_err *err)
{
	struct deliver_options options = delivery_options(k->config, d);
	int r = deliver_open(k->loop, k->store, &k->who, &options,
			     &k->delivers[k->n_delivers], err);

	if (r < 0)
		return r;
	r = self_add_destination(k->self, d->name, k->delivers[k->n_delivers]);
	k->n_delivers++;
	return r < 0 ? ep_err_set(err, r, "out of memory") : 0;
}

/* A destination that is configured no more must not keep its rows for ever. */
static int retire_others(struct keeping *k, struct ep_err *err)
{
	size_t n = k->config->n_destinations;
	int *ids = calloc(n + 1, sizeof(*ids));
	int r = ids == NULL ? ep_err_set(err, -ENOMEM, "out of memory") : 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = store_destination(k->store, k->config->destinations[i].name,
				      &ids[i], err);
	/* A full disk hinders this, too: the next start does it. */
	if (r == 0 && store_retire_destinations(k->store, ids, n, err) < 0)
		log_warn("store", "retire=failed reason=\"%s\"", err->text);
	free(ids);
	return r;
}

static int open_delivers(struct keeping *k, struct ep_err *err)
{
	size_t n = k->config->n_destinations;
	int r = 0;

	k->delivers = calloc(n + 1, sizeof(struct deliver *));
	if (k->delivers == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n && r == 0; i++)
		r = open_deliver(k, &k->config->destinations[i], err);
	return r == 0 ? retire_others(k, err) : r;
}

int keeping_open(uv_loop_t *loop, const struct config *config,
		 struct keeping **ret_keeping, struct ep_err *err)
{
	struct keeping *k = calloc(1, sizeof(*k));
	int ignored, r;

	if (k == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	k->loop = loop;
	k->config = config;
	ep_scope_init(&k->scope);
	uv_timer_init(loop, &k->tick);
	ep_scope_adopt(&k->scope, (uv_handle_t *)&k->tick);
	uv_async_init(loop, &k->wake, on_wake);
	ep_scope_adopt(&k->scope, (uv_handle_t *)&k->wake);
	r = open_store(k, err);
	if (r == 0)
		r = open_delivers(k, err);
	if (r < 0) {
		keeping_close(k, 0, &ignored);
		return r;
	}
	*ret_keeping = k;
	return 0;
}

/* --- closing --- */

static void free_keeping(struct ep_scope *scope)
{
	struct keeping *k = container_of(scope, struct keeping, scope);

	for (unsigned i = 0; i < k->n_sources; i++) {
		free(k->sources[i].series);
		health_finish(&k->sources[i].health);
		for (unsigned l = 0; l < MEASURING_LANES_MAX; l++)
			free(k->sources[i].remembered[l]);
	}
	free(k->delivers);
	self_destroy(k->self);
	store_close(k->store);
	free(k);
}

static void on_deliver_closed(void *arg)
{
	struct keeping *k = arg;

	ep_scope_drop(&k->scope);
}

static void close_parts(struct keeping *k)
{
	for (size_t i = 0; i < k->n_delivers; i++) {
		ep_scope_take(&k->scope);
		deliver_close(k->delivers[i], on_deliver_closed, k);
	}
	ep_scope_shut(&k->scope, (uv_handle_t *)&k->tick);
	ep_scope_shut(&k->scope, (uv_handle_t *)&k->wake);
	ep_scope_end(&k->scope, free_keeping);
}

static void on_flushed(void *arg)
{
	struct keeping *k = arg;

	if (--k->flushing == 0)
		close_parts(k);
}

void keeping_close(struct keeping *keeping, uint64_t flush_ns, int *ret_result)
{
	struct keeping *k = keeping;

	*ret_result = 0;
	uv_timer_stop(&k->tick);
	empty_rings(k);
	if (k->self != NULL) {
		self_end(k->self, ep_clock_mono_ns());
		*ret_result = commit(k);
	}
	k->flushing = flush_ns > 0 ? (unsigned)k->n_delivers : 0;
	if (k->flushing == 0) {
		close_parts(k);
		return;
	}
	for (size_t i = 0; i < k->n_delivers; i++)
		deliver_flush(k->delivers[i], flush_ns, on_flushed, k);
}
