/* What engine.c and probe.c share; nobody else includes it. */
#ifndef CORE_ENGINE_I_H
#define CORE_ENGINE_I_H

#include "core/pace.h"
#include "core/resolve.h"
#include "core/standstill.h"
#include "core/ways.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/heap.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <stdalign.h>
#include <sys/epoll.h>

#define ENGINE_KINDS_MAX  8
#define ENGINE_EVENTS_MAX 64

/*
 *   RESOLVING --> WAITING --> SETTLED --> (gone)
 *        \________________________^
 *
 * SETTLED is a state of its own because an outcome that is known inside
 * ep_probe_start() or ep_probe_cancel() must leave from the loop.
 */
enum probe_state { PROBE_RESOLVING, PROBE_WAITING, PROBE_SETTLED };

struct ep_probe {
	struct ep_engine *engine;
	const struct ep_target *target;
	ep_probe_cb cb;
	void *arg;
	struct shared *shared;
	uint64_t due_ns;  /* when it should have left */
	uint64_t sent_ns; /* when it left; 0: not yet */
	struct standstill_mark still;
	struct ep_heap_item deadline;
	struct list link;
	enum probe_state state;
	unsigned starting; /* inside kind->start: settle parks */
	struct resolve_query query;
	struct source_way way; /* empty: any */
	struct ep_sample sample;
	alignas(16) unsigned char kind_state[];
};

/* Probes that ended, kept for the next ones of the same kind: at most so many.
 * None where a sanitizer looks for whoever uses one that has ended. */
#ifdef __SANITIZE_ADDRESS__
#define ENGINE_SPARES_MAX 0
#else
#define ENGINE_SPARES_MAX 1024
#endif

struct shared {
	const struct ep_kind *kind;
	void *state;
	struct ep_probe *spares; /* linked by `arg` */
	unsigned n_spares;
};

struct ep_engine {
	uv_loop_t *loop;
	struct ep_scope scope;
	uv_poll_t poll;   /* on epoll_fd */
	uv_timer_t timer; /* the one timer */
	uv_check_t awake; /* the loop has run for somebody */
	int epoll_fd;
	uint64_t armed_ns; /* what the timer is set for; UINT64_MAX: not */
	struct ep_heap deadlines;
	struct list probes;
	unsigned in_flight;
	uint64_t last_id;
	struct resolve *resolve;
	struct ways *ways; /* NULL: not asked for yet, or not to be had */
	struct shared shared[ENGINE_KINDS_MAX];
	unsigned n_shared;
	struct epoll_event events[ENGINE_EVENTS_MAX];
	int n_events, at_event; /* while they are handed out */
	struct ep_engine_options options;
	ep_late_cb late_cb;
	void *late_arg;
	struct pace pace;
	struct standstill still;
	uint64_t beat_ns; /* when to look whether we stand still, mono */
	struct ep_engine_stats stats;
	bool closing, dismantled;
	ep_engine_close_cb close_cb;
	void *close_arg;
};

/* What the engine has for `kind`, opened at first use. 0 or negative errno. */
int engine_shared(struct ep_engine *e, const struct ep_kind *kind,
		  struct shared **ret_shared);

/* Set the timer for whatever is due next. */
void engine_arm(struct ep_engine *e);

/* The same where nothing but what is due at `due_ns` has come to it. */
void engine_arm_for(struct ep_engine *e, uint64_t due_ns);

/* Find the address that `t` means: as resolve_start(). */
int engine_resolve(struct ep_engine *e, const struct ep_target *t,
		   struct resolve_query *query);

/* The deadline of `p` has come: hand out its outcome, or find one. */
void probe_expire(struct ep_probe *p, uint64_t now_ns);

/* kind->drain for every kind that is open, or for those only that keep pace and
 * so are not told of each reply. */
void engine_drain(struct ep_engine *e, bool paced_only);

/* A probe has left. */
void engine_note_send(struct ep_engine *e, uint64_t now_ns);

#endif
