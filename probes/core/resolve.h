/* Names to addresses, asynchronously, on the engine's own epoll instance and
 * its one timer: no handle, no thread, and no call that waits. */
#ifndef PROBES_CORE_RESOLVE_H
#define PROBES_CORE_RESOLVE_H

#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/sample.h"
#include <stdint.h>

struct ep_engine;
struct resolve;
struct resolve_query;

struct resolve_answer {
	struct ep_address address;
	enum ep_reason reason; /* EP_REASON_NONE: the address is good */
	int64_t took_ns; /* from the question on; EP_ABSENT: from the cache */
};

/* Runs once, from the loop. `query` is the caller's own again; the callback
 * may start and cancel queries, but may not close the resolver. */
typedef void (*resolve_cb)(struct resolve_query *query);

/* Caller-owned: zero it, set `cb`, keep it in place until `cb` has run or
 * resolve_cancel() returned. */
struct resolve_query {
	struct list link; /* ours */
	resolve_cb cb;
	struct resolve_answer answer;
	uint64_t asked_ns; /* ours */
};

/* `servers` as in struct ep_engine_options; NULL: those of resolv.conf, which
 * is read again whenever it has changed, and need not exist yet. `timeout_ns`
 * is for all tries of a look-up together. Asks nobody. 0 or a negative errno:
 * -EINVAL with what is allowed in `err`, -ENOMEM. */
int resolve_open(struct ep_engine *engine, const char *servers,
		 uint64_t timeout_ns, struct resolve **ret_resolve,
		 struct ep_err *err);

/* Every query has ended or was cancelled. NULL is fine. */
void resolve_close(struct resolve *resolve);

/* The first address of `host`, a name or a literal; `family` 4, 6, or 0 for
 * either. 1: `query->answer` is there now, and `cb` never runs. 0: `cb` will
 * run once, never inside this call. Negative errno: neither (-EINVAL: no name,
 * or longer than EP_HOST_MAX; -ENOMEM; -ENOBUFS: too many names at once). */
int resolve_start(struct resolve *resolve, struct resolve_query *query,
		  const char *host, int family);

/* `cb` does not run any more; harmless if the query is not under way. */
void resolve_cancel(struct resolve_query *query);

/* When resolve_tick() must be called, in ep_clock_mono_ns() time; UINT64_MAX:
 * not at all. Ask again after every event, start and cancel. */
uint64_t resolve_due(const struct resolve *resolve);

void resolve_tick(struct resolve *resolve, uint64_t now_ns);

/* Forget what is cached; look-ups under way go on. */
void resolve_flush(struct resolve *resolve);

#endif
