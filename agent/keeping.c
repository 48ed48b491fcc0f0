/* Happy path: once a second (or as configured) on_tick() empties the rings into the store, commits
 * and pokes the destinations. A ring that fills faster wakes us before that.
 *
 * What can fail: the commit (the store keeps its queue, the next tick tries
 * again, no probe stops); the store itself (mend(): a new one takes what
 * waits); a ring that was full (what it refused is declared as a gap); the wall
 * clock (a step is a row). */
#include "keeping.h"
#include "base/log.h"
#include "base/path.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "event_watch.h"
#include "health.h"
#include "mending.h"
#include "remembered.h"
#include "rescue.h"
#include "self.h"
#include "sending.h"
#include "store/renew.h"
#include "store/store.h"
#include "usual.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TAKE_MAX 64
#define STEP_NS  (100 * (int64_t)EP_NS_PER_MS)

struct source {
	struct measuring *measuring;
	const struct items *items;
	unsigned number;
	uint32_t *series; /* of each item, in the store */
	uint32_t first;   /* item's number among those of all sources */
	struct health health;
	struct remembered remembered;
};

struct keeping {
	struct ep_scope scope;
	uv_loop_t *loop;
	uv_timer_t tick;
	uv_async_t wake;
	const struct config *config;
	struct store *store;
	struct self *self;
	struct event_watch *watch;
	struct usual *usual;
	struct source sources[KEEPING_SOURCES_MAX];
	unsigned n_sources;
	uint32_t n_items;        /* of all sources */
	struct sending *sending; /* NULL: to be opened anew */
	struct rescue *rescue;
	uint64_t next_tick_ns;
	int64_t clock_offset_ns;
	uint64_t suspended_ns;
	uint64_t committed_ns; /* the last that went well; 0: none yet */
	bool unsynced, failing;
	bool draining; /* our own backlog is on the line */
	bool broken;   /* the store is to be renewed */
	struct mending mending;
	struct taken taken[TAKE_MAX];
};

/* --- rings --- */

static void keep_late(struct keeping *k, struct source *s,
		      const struct ep_sample *sample)
{
	uint32_t series = 0;
	uint64_t seq = remembered_seq(&s->remembered, sample->id,
				      store_last_seq(k->store), &series);

	if (seq != 0)
		store_add_late(k->store, series, sample, seq);
	else
		log_warn("keeping", "late=unmatched id=%llu",
			 (unsigned long long)sample->id);
}

static void keep(struct keeping *k, struct source *s, struct taken *taken)
{
	uint32_t series = s->series[taken->item];
	uint64_t seq;

	self_saw_sample(k->self, s->number, taken);
	if (k->unsynced)
		taken->sample.flags |= EP_FLAG_CLOCK_UNSYNCED;
	if (k->draining)
		taken->sample.flags |= EP_FLAG_DRAINING;
	if (taken->late) {
		keep_late(k, s, &taken->sample);
		return;
	}
	health_saw(&s->health, taken->item, &taken->sample);
	event_watch_see(k->watch, s->first + taken->item,
			&s->items->items[taken->item], &taken->sample);
	seq = store_add_sample(k->store, series, &taken->sample);
	remembered_put(&s->remembered, taken->sample.id, seq, series);
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
	k->draining = sending_is_draining(k->sending) ||
		      rescue_is_draining(k->rescue);
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
	if (r == 0 && k->sending != NULL)
		sending_poke(k->sending);
	if (r == -EUCLEAN || r == -EIO)
		k->broken = true;
	return r;
}

/* --- a store that is damaged, or whose disk fails --- */

static void on_part_closed(void *arg)
{
	struct keeping *k = arg;

	ep_scope_drop(&k->scope);
}

/* None of them touches the store any more. */
static void close_sending(struct keeping *k)
{
	if (k->sending == NULL)
		return;
	ep_scope_take(&k->scope);
	sending_close(k->sending, on_part_closed, k);
	k->sending = NULL;
	self_forget_destinations(k->self);
}

/* Every destination on the store as it is now. */
static int open_sending(struct keeping *k, struct ep_err *err)
{
	const struct config *c = k->config;
	int r = sending_open(k->loop, c, k->store, false, &k->sending, err);

	for (size_t i = 0; i < c->n_destinations && r == 0; i++)
		if (self_add_destination(k->self, c->destinations[i].name,
					 sending_list(k->sending)[i]) < 0)
			r = ep_err_set(err, -ENOMEM, "out of memory");
	return r;
}

static void mend(struct keeping *k, uint64_t now_ns)
{
	struct ep_err err = { 0 };
	int r = 0;

	if (!mending_may(&k->mending, now_ns))
		return;
	close_sending(k);
	if (k->broken)
		r = store_renew(k->store, &err);
	if (r == 0 && k->broken) {
		log_error("store", "notice=\"%s\"", store_notice(k->store));
		rescue_renewed(k->rescue);
		event_watch_again(k->watch);
	}
	k->broken = r < 0;
	if (r == 0)
		r = open_sending(k, &err);
	if (r < 0)
		log_error("store", "mending=failed reason=\"%s\" next=retry",
			  err.text);
	else
		commit(k);
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

	self_saw_tick(k->self,
		      now_ns > k->next_tick_ns ? now_ns - k->next_tick_ns : 0);
	empty_rings(k);
	watch_clock(k);
	self_tick(k->self, now_ns);
	event_watch_tick(k->watch, now_ns);
	if (!k->broken) {
		commit(k);
		usual_tick(k->usual, now_ns);
	}
	if (!k->broken && rescue_tick(k->rescue))
		k->broken = true;
	if (k->broken || k->sending == NULL)
		mend(k, now_ns);
	arm(k);
}

static void on_wake(uv_async_t *async)
{
	empty_rings(container_of(async, struct keeping, wake));
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

	assert(keeping->n_sources < KEEPING_SOURCES_MAX);
	s->series = calloc(items->n + 1, sizeof(*s->series));
	remembered_init(&s->remembered, items);
	s->measuring = measuring;
	s->items = items;
	s->number = keeping->n_sources;
	s->first = keeping->n_items;
	keeping->n_items += (uint32_t)items->n;
	self_add(keeping->self, s->number, measuring);
	keeping->n_sources++; /* from here keeping_close() frees it */
	if (s->series == NULL || health_init(&s->health, items->n) < 0)
		return ep_err_set(err, -ENOMEM, "out of memory");
	if (strcmp(measuring_part(measuring), "https") == 0)
		usual_recall(keeping->usual, items, s->first);
	return name_series(keeping, s, err);
}

void keeping_look(const struct keeping *k, struct keeping_view *ret_view)
{
	*ret_view = (struct keeping_view){
		.store = k->store,
		.self = k->self,
		.watch = k->watch,
		.committed_ns = k->committed_ns,
		.n_sources = k->n_sources,
	};
	if (k->sending != NULL) {
		ret_view->delivers = sending_list(k->sending);
		ret_view->n_delivers = k->config->n_destinations;
	}
	for (unsigned i = 0; i < k->n_sources; i++) {
		ret_view->items[i] = k->sources[i].items;
		ret_view->health[i] = &k->sources[i].health;
	}
}

/* --- opening --- */

static void on_row(enum row_type type, const char *body, void *arg)
{
	keeping_note(arg, type, body);
}

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
	k->watch = event_watch_create(k->config, on_row, k);
	k->usual = usual_create(k->store, k->watch);
	if (k->self == NULL || k->watch == NULL || k->usual == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	return 0;
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
		r = open_sending(k, err);
	if (r == 0 && rescue_open(loop, config, k->store, &k->rescue) < 0)
		r = ep_err_set(err, -ENOMEM, "out of memory");
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
		remembered_finish(&k->sources[i].remembered);
	}
	usual_destroy(k->usual);
	event_watch_destroy(k->watch);
	self_destroy(k->self);
	store_close(k->store);
	free(k);
}

static void close_parts(struct keeping *k)
{
	close_sending(k);
	if (k->rescue != NULL)
		ep_scope_take(&k->scope);
	rescue_close(k->rescue, on_part_closed, k);
	ep_scope_shut(&k->scope, (uv_handle_t *)&k->tick);
	ep_scope_shut(&k->scope, (uv_handle_t *)&k->wake);
	ep_scope_end(&k->scope, free_keeping);
}

static void on_flushed(void *arg)
{
	close_parts(arg);
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
		if (!k->broken && k->usual != NULL)
			usual_keep(k->usual);
	}
	/* What waits goes into a new file: there is no next tick. */
	if (k->broken && store_renew(k->store, NULL) == 0)
		*ret_result = commit(k);
	if (flush_ns > 0 && k->sending != NULL)
		sending_flush(k->sending, flush_ns, on_flushed, k);
	else
		close_parts(k);
}
