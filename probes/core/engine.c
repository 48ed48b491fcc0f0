/* The engine: one loop, one timer, one descriptor that libuv polls.
 *
 * Happy path: ep_probe_start() (probe.c) resolves and sends; the reply makes a
 * watched descriptor ready; libuv polls only our epoll instance, and on_poll()
 * hands the events to the kinds, which settle their probes.
 *
 * What can fail: nothing arrives (the deadline is an item of a heap, and the
 * one timer is set for the smallest); a handler unwatches or closes what is
 * still in the same batch of events (ep_engine_unwatch() blanks it there); the
 * owner closes the engine from a callback (closing is only a flag until the
 * timer runs, so no handler loses the ground under its feet). */
#include "core/ca.h"
#include "core/engine_i.h"
#include "core/engine_self.h"
#include "edgeprobe/clock.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef EDGEPROBE_VERSION
#define EDGEPROBE_VERSION "0.1.0"
#endif

#define DNS_TIMEOUT_DEFAULT_NS (5 * EP_NS_PER_S)

const char *ep_version(void)
{
	return EDGEPROBE_VERSION;
}

/* --- descriptors --- */

static void on_poll(uv_poll_t *poll, int status, int uv_events)
{
	struct ep_engine *e = container_of(poll, struct ep_engine, poll);

	(void)status; /* an epoll instance is readable or it is not */
	(void)uv_events;
	e->stats.wakeups++;
	engine_look(e);
	e->n_events = epoll_wait(e->epoll_fd, e->events, ENGINE_EVENTS_MAX, 0);
	for (e->at_event = 0; e->at_event < e->n_events; e->at_event++) {
		struct epoll_event *event = &e->events[e->at_event];
		struct ep_watch *watch = event->data.ptr;

		if (watch != NULL)
			watch->on_ready(watch, event->events);
	}
	e->n_events = 0;
	engine_arm(e);
}

int ep_engine_watch(struct ep_engine *engine, struct ep_watch *watch,
		    uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0)
		return 0;
	if (errno == EEXIST &&
	    epoll_ctl(engine->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0)
		return 0;
	return -errno;
}

void ep_engine_unwatch(struct ep_engine *engine, struct ep_watch *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = engine->at_event + 1; i < engine->n_events; i++)
		if (engine->events[i].data.ptr == watch)
			engine->events[i].data.ptr = NULL;
}

/* --- the one timer --- */

static void dismantle(struct ep_engine *e);

static void set_pace(struct ep_engine *e)
{
	for (unsigned i = 0; i < e->n_shared; i++)
		if (e->shared[i].kind->pace != NULL)
			e->shared[i].kind->pace(e, e->shared[i].state,
						e->pace.dense);
}

bool ep_engine_dense(const struct ep_engine *engine)
{
	return engine->pace.dense;
}

void engine_note_send(struct ep_engine *e, uint64_t now_ns)
{
	if (!pace_sent(&e->pace, now_ns))
		return;
	set_pace(e);
	engine_arm(e); /* nobody is woken for what is under way any more */
}

static void on_timer(uv_timer_t *timer)
{
	struct ep_engine *e = container_of(timer, struct ep_engine, timer);
	uint64_t now_ns = ep_clock_mono_ns();
	struct ep_heap_item *top;
	bool drained = false;

	e->armed_ns = UINT64_MAX;
	e->stats.wakeups++;
	engine_look(e);
	if (pace_due(&e->pace) <= now_ns)
		engine_drain(e, true);
	if (resolve_due(e->resolve) <= now_ns)
		resolve_tick(e->resolve, now_ns);
	while ((top = ep_heap_top(&e->deadlines)) != NULL &&
	       top->key <= now_ns) {
		struct ep_probe *p =
			container_of(top, struct ep_probe, deadline);

		if (p->state == PROBE_WAITING && !drained) {
			drained = true; /* it may settle p: look again */
			engine_drain(e, false);
			continue;
		}
		probe_expire(p, now_ns);
	}
	if (e->closing && e->in_flight == 0)
		dismantle(e);
	else
		engine_arm(e);
}

/* Somebody was woken, and what he did is done: a look now saves waking up for
 * it. The timer moves along with it. */
static void on_awake(uv_check_t *check)
{
	struct ep_engine *e = container_of(check, struct ep_engine, awake);

	if (e->in_flight > 0)
		engine_look(e);
	if (e->closing || uv_now(e->loop) * EP_NS_PER_MS < pace_ride(&e->pace))
		return;
	engine_drain(e, true);
	e->armed_ns = UINT64_MAX;
	engine_arm(e);
}

static uint64_t next_due(const struct ep_engine *e)
{
	struct ep_heap_item *top = ep_heap_top(&e->deadlines);
	uint64_t due_ns = resolve_due(e->resolve);

	if (pace_due(&e->pace) < due_ns)
		due_ns = pace_due(&e->pace);
	if (top != NULL && top->key < due_ns)
		due_ns = top->key;
	if (e->in_flight > 0 && e->beat_ns < due_ns)
		due_ns = e->beat_ns;
	if (e->closing && e->in_flight == 0)
		due_ns = 0;
	return due_ns;
}

/* libuv counts in whole milliseconds from the loop's cached time: round up, so
 * that what is due is due when the timer runs. A timer that is set for earlier
 * stays: waking once too often is cheaper than setting it for every probe. */
void engine_arm(struct ep_engine *e)
{
	uint64_t due_ns, due_ms, now_ms;

	if (e->dismantled)
		return;
	due_ns = next_due(e);
	if (due_ns == UINT64_MAX || e->armed_ns <= due_ns)
		return;
	e->armed_ns = due_ns;
	due_ms = due_ns / EP_NS_PER_MS + 1;
	now_ms = uv_now(e->loop);
	uv_timer_start(&e->timer, on_timer,
		       due_ns > 0 && due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void engine_arm_for(struct ep_engine *e, uint64_t due_ns)
{
	if (e->beat_ns < due_ns)
		due_ns = e->beat_ns;
	if (due_ns < e->armed_ns)
		engine_arm(e);
}

/* --- kinds --- */

int engine_shared(struct ep_engine *e, const struct ep_kind *kind,
		  struct shared **ret_shared)
{
	struct shared *s = e->shared;
	void *state;
	int r;

	for (; s < &e->shared[e->n_shared]; s++)
		if (s->kind == kind) {
			*ret_shared = s;
			return 0;
		}
	if (e->n_shared == ENGINE_KINDS_MAX)
		return -ENOSPC;
	state = calloc(1, kind->shared_size + 1);
	if (state == NULL)
		return -ENOMEM;
	r = kind->open == NULL ? 0 : kind->open(e, state);
	if (r < 0) {
		free(state);
		return r;
	}
	s->kind = kind;
	s->state = state;
	e->n_shared++;
	*ret_shared = s;
	return 0;
}

static bool needs_drain(const struct ep_kind *kind, bool paced_only)
{
	return kind->drain != NULL && (!paced_only || kind->pace != NULL);
}

void engine_drain(struct ep_engine *e, bool paced_only)
{
	e->stats.drains++;
	for (unsigned i = 0; i < e->n_shared; i++)
		if (needs_drain(e->shared[i].kind, paced_only))
			e->shared[i].kind->drain(e, e->shared[i].state);
	if (pace_looked(&e->pace, ep_clock_mono_ns(), e->in_flight == 0))
		set_pace(e);
}

int ep_engine_ready(struct ep_engine *engine, const struct ep_kind *kind,
		    int family, struct ep_err *err)
{
	struct shared *shared;
	int r = engine_shared(engine, kind, &shared);

	if (r < 0)
		return ep_err_set(err, r, "%s cannot be set up: %s",
				  kind->phrase, uv_strerror(r));
	return kind->ready == NULL
		       ? 0
		       : kind->ready(engine, shared->state, family, err);
}

/* --- life --- */

static int copy_text(const char *from, const char **to)
{
	*to = NULL;
	if (from == NULL)
		return 0;
	*to = strdup(from);
	return *to == NULL ? -ENOMEM : 0;
}

static int copy_options(struct ep_engine *e, const struct ep_engine_options *o)
{
	const char *agent = o->user_agent;
	int r;

	e->options = *o;
	if (agent == NULL)
		agent = "edgeprobe/" EDGEPROBE_VERSION;
	if (o->dns_timeout_ns == 0)
		e->options.dns_timeout_ns = DNS_TIMEOUT_DEFAULT_NS;
	r = copy_text(o->dns_servers, &e->options.dns_servers);
	r = copy_text(o->dns_source, &e->options.dns_source) < 0 ? -ENOMEM : r;
	r = copy_text(o->ca_file, &e->options.ca_file) < 0 ? -ENOMEM : r;
	return copy_text(agent, &e->options.user_agent) < 0 ? -ENOMEM : r;
}

static void free_shared(struct shared *s)
{
	while (s->spares != NULL) {
		struct ep_probe *p = s->spares;

		s->spares = p->arg;
		free(p);
	}
	free(s->state);
}

static void free_engine(struct ep_engine *e)
{
	for (unsigned i = 0; i < e->n_shared; i++)
		free_shared(&e->shared[i]);
	resolve_close(e->resolve);
	ways_destroy(e->ways);
	ep_heap_finish(&e->deadlines);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	free((void *)(uintptr_t)e->options.dns_servers);
	free((void *)(uintptr_t)e->options.dns_source);
	free((void *)(uintptr_t)e->options.ca_file);
	free((void *)(uintptr_t)e->options.user_agent);
	free(e);
}

static int init_handles(struct ep_engine *e)
{
	int r;

	uv_timer_init(e->loop, &e->timer);
	ep_scope_adopt(&e->scope, (uv_handle_t *)&e->timer);
	uv_check_init(e->loop, &e->awake);
	ep_scope_adopt(&e->scope, (uv_handle_t *)&e->awake);
	uv_check_start(&e->awake, on_awake);
	r = uv_poll_init(e->loop, &e->poll, e->epoll_fd);
	if (r < 0)
		return r;
	ep_scope_adopt(&e->scope, (uv_handle_t *)&e->poll);
	return uv_poll_start(&e->poll, UV_READABLE, on_poll);
}

static int set_up(struct ep_engine *e, const struct ep_engine_options *options,
		  struct ep_err *err)
{
	char ca_path[4096];
	int r = copy_options(e, options);

	if (r < 0)
		return ep_err_set(err, r, "out of memory");
	if (options->ca_file != NULL) {
		r = ca_find(options->ca_file, ca_path, sizeof(ca_path), err);
		if (r < 0)
			return r;
	}
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0)
		return ep_err_set(err, -errno, "no descriptor for epoll: %s",
				  strerror(errno));
	return resolve_open(e, &e->options, &e->resolve, err);
}

static void on_failed_open(struct ep_scope *scope)
{
	free_engine(container_of(scope, struct ep_engine, scope));
}

int ep_engine_open(uv_loop_t *loop, const struct ep_engine_options *options,
		   struct ep_engine **ret_engine, struct ep_err *err)
{
	static const struct ep_engine_options none;
	struct ep_engine *e = calloc(1, sizeof(*e));
	int r;

	if (e == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	e->loop = loop;
	e->epoll_fd = -1;
	e->armed_ns = UINT64_MAX;
	list_init(&e->probes);
	ep_scope_init(&e->scope);
	r = set_up(e, options == NULL ? &none : options, err);
	if (r < 0) {
		free_engine(e);
		return r;
	}
	r = init_handles(e);
	if (r < 0) {
		ep_scope_shut(&e->scope, (uv_handle_t *)&e->timer);
		ep_scope_shut(&e->scope, (uv_handle_t *)&e->awake);
		ep_scope_end(&e->scope, on_failed_open);
		return ep_err_set(err, r, "the loop cannot poll: %s",
				  uv_strerror(r));
	}
	*ret_engine = e;
	return 0;
}

static void on_ended(struct ep_scope *scope)
{
	struct ep_engine *e = container_of(scope, struct ep_engine, scope);
	ep_engine_close_cb cb = e->close_cb;
	void *arg = e->close_arg;

	free_engine(e);
	if (cb != NULL)
		cb(arg);
}

static void dismantle(struct ep_engine *e)
{
	e->dismantled = true;
	for (unsigned i = 0; i < e->n_shared; i++)
		if (e->shared[i].kind->shut != NULL)
			e->shared[i].kind->shut(e, e->shared[i].state);
	ep_scope_shut(&e->scope, (uv_handle_t *)&e->timer);
	ep_scope_shut(&e->scope, (uv_handle_t *)&e->awake);
	ep_scope_shut(&e->scope, (uv_handle_t *)&e->poll);
	ep_scope_end(&e->scope, on_ended);
}

void ep_engine_close(struct ep_engine *engine, ep_engine_close_cb cb, void *arg)
{
	struct list *at, *after;

	assert(!engine->closing);
	engine->closing = true;
	engine->close_cb = cb;
	engine->close_arg = arg;
	ep_engine_on_names(engine, NULL, NULL);
	list_for_each (at, after, &engine->probes)
		ep_probe_cancel(container_of(at, struct ep_probe, link));
	engine_arm(engine);
}

void ep_engine_on_late(struct ep_engine *engine, ep_late_cb cb, void *arg)
{
	engine->late_cb = cb;
	engine->late_arg = arg;
}

void ep_engine_late(struct ep_engine *engine, const struct ep_sample *sample)
{
	if (engine->late_cb != NULL && !engine->closing)
		engine->late_cb(sample, engine->late_arg);
}

unsigned ep_engine_in_flight(const struct ep_engine *engine)
{
	return engine->in_flight;
}

const struct ep_engine_options *
ep_engine_options(const struct ep_engine *engine)
{
	return &engine->options;
}

uv_loop_t *ep_engine_loop(const struct ep_engine *engine)
{
	return engine->loop;
}

struct ep_scope *ep_engine_scope(struct ep_engine *engine)
{
	return &engine->scope;
}
