/* Names to addresses, asynchronously, on the engine's own epoll instance and
 * its one timer: no handle, no thread, and no call that waits. */
#ifndef PROBES_CORE_RESOLVE_H
#define PROBES_CORE_RESOLVE_H

#include "core/name_pick.h"
#include "edgeprobe/address.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/error.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/sample.h"
#include <stdint.h>

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

/* Caller-owned: zero it, set `cb` and `want`, keep it in place until `cb` has run or
 * resolve_cancel() returned. */
struct resolve_query {
	struct list link; /* ours */
	resolve_cb cb;
	struct name_want want; /* zero: the first address */
	struct resolve_answer answer;
	uint64_t asked_ns; /* ours */
};

/* What begins with dns_ of `options` counts, defaults applied; its texts are
 * borrowed until the end. resolv.conf is read again whenever it has changed, and
 * need not exist yet; an interface or address may come and go. Asks nobody. 0 or
 * a negative errno: -EINVAL with what is allowed in `err`, -ENOMEM. */
int resolve_open(struct ep_engine *engine,
		 const struct ep_engine_options *options,
		 struct resolve **ret_resolve, struct ep_err *err);

/* Every query has ended or was cancelled. NULL is fine. */
void resolve_close(struct resolve *resolve);

/* The wanted address of `host`, a name or a literal; `family` 4, 6, or 0 for
 * either. One that is not there is EP_REASON_DNS_NODATA. 1: `query->answer` is there now, and `cb` never runs. 0: `cb` will
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

/* As ep_engine_addresses(), for a name. */
unsigned resolve_known(struct resolve *resolve, const char *host, int family,
		       struct ep_address *ret, unsigned max);

/* As ep_engine_on_names(). */
void resolve_on_names(struct resolve *resolve, ep_names_cb cb, void *arg);

/* Forget what is cached; look-ups under way go on. */
void resolve_flush(struct resolve *resolve);

#endif
