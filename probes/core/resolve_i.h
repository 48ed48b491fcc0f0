/* What resolve.c (queries) and lookup.c (asking) share; nobody else includes
 * it. */
#ifndef CORE_RESOLVE_I_H
#define CORE_RESOLVE_I_H

#include "core/name_cache.h"
#include "core/name_servers.h"
#include "core/name_tell.h"
#include "core/resolve.h"
#include <stdbool.h>
#include <stdint.h>

struct resolve {
	struct name_servers *servers;
	struct name_cache *cache;
	struct name_tell tell;
	uint64_t timeout_ns, hedge_ns;
	/* Every wait is equally long, so each list is sorted by its end. */
	struct list lookups; /* under way, oldest first */
	struct list line;    /* of them, those that nobody was asked yet */
	struct list hedges;  /* of them, those that will ask another server */
	struct list done;    /* ended, to be delivered */
	unsigned questions;  /* that c-ares has */
	unsigned favourite;  /* the server that is asked first */
	uint64_t recheck_ns; /* when server 0 is tried again */
	bool reloading;      /* c-ares is dropping its questions */
};

struct lookup {
	struct list link; /* in lookups, or done */
	struct list turn; /* in line, or hedges */
	struct resolve *resolve;
	struct name *name;
	struct list waiting;   /* queries */
	struct list questions; /* that c-ares has */
	unsigned asked, open;  /* servers asked; not yet answered */
	unsigned first;        /* server that was asked first */
	uint64_t begun_ns, hedge_ns, ended_ns;
	bool refused; /* a server said no: then another proves nothing */
	enum ep_reason reason; /* that says most of the failures so far */
};

/* Fill `query->answer` from what is known of `name`: the address that it wants,
 * if `reason` is EP_REASON_NONE. */
void resolve_choose(struct name *name, enum ep_reason reason,
		    struct resolve_query *query);

/* A look-up for `name`, in line; it pins the name. NULL: out of memory. */
struct lookup *lookup_create(struct resolve *r, struct name *name,
			     uint64_t now_ns);

/* Ask the first server. Like everything below it may end the look-up, which
 * moves it to `done`; whoever empties that list frees it. */
void lookup_begin(struct lookup *l);

/* Ask one more server where one has been silent for too long. */
void lookup_hedge(struct resolve *r, uint64_t now_ns);

/* End what is out of time. */
void lookup_expire(struct resolve *r, uint64_t now_ns);

#endif
