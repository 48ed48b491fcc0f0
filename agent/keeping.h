/* The keeping thread's work: takes samples out of the rings, commits them once
 * a second, watches the clock, and lets the destinations send. */
#ifndef AGENT_KEEPING_H
#define AGENT_KEEPING_H

#include "config/config.h"
#include "delivery/deliver.h"
#include "edgeprobe/error.h"
#include "items.h"
#include "measuring.h"
#include <uv.h>

struct keeping;

/* Open the store and the destinations on `loop`. `config` is borrowed until
 * the end. 0, or a negative errno with `err`. */
int keeping_open(uv_loop_t *loop, const struct config *config,
		 struct keeping **ret_keeping, struct ep_err *err);

/* Samples come from `measuring`, whose items are `items`; both borrowed until
 * the end. At most KEEPING_SOURCES_MAX. 0 or negative errno. */
#define KEEPING_SOURCES_MAX 4 /* SELF_SOURCES */
int keeping_attach(struct keeping *keeping, struct measuring *measuring,
		   const struct items *items, struct ep_err *err);

/* A ring is half full; `keeping` is a struct keeping. From any thread. */
void keeping_wake(void *keeping);

/* On its own thread: a row that is no sample; `body` as in struct record. */
void keeping_note(struct keeping *keeping, enum row_type type,
		  const char *body);

/* What whoever tells of it (answers.h) may look at, on its own thread; borrowed
 * until that returns to the loop: a store that is damaged is made anew, and its
 * destinations with it. */
struct event_watch;
struct health;
struct self;
struct keeping_view {
	struct store *store;
	const struct self *self;
	struct event_watch *watch;
	struct deliver *const *delivers; /* as configured, in order */
	size_t n_delivers;
	uint64_t committed_ns; /* the last commit, monotonic; 0: none yet */
	unsigned n_sources;
	const struct items *items[KEEPING_SOURCES_MAX];
	const struct health *health[KEEPING_SOURCES_MAX]; /* of the items */
};
void keeping_look(const struct keeping *keeping, struct keeping_view *ret_view);

/* Begin to take and commit. */
void keeping_start(struct keeping *keeping);

/* The measuring threads have ended: take and commit what is left, give the
 * destinations `flush_ns` to send it (0: none), and close. The loop ends by
 * itself then. `*ret_result` becomes 0, or the negative errno of the last
 * commit. */
void keeping_close(struct keeping *keeping, uint64_t flush_ns, int *ret_result);

#endif
