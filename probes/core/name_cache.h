/* What is known of names. Pure: it is told the time, and asks nobody. */
#ifndef PROBES_CORE_NAME_CACHE_H
#define PROBES_CORE_NAME_CACHE_H

#include "core/name_pick.h"
#include "core/name_set.h"
#include "edgeprobe/address.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stdint.h>

/* An answer is kept for its TTL and for no longer than a day. That a name
 * could not be resolved is kept for a second: a fault shows at every probe, but
 * a thousand probes are one question. */
#define NAME_TTL_MAX_S UINT64_C(86400)
#define NAME_TTL_BAD_S UINT64_C(1)

struct lookup;
struct name_cache;

/* A name in one family: unique in its cache, and the cache's own. */
struct name {
	struct list bucket, age;
	struct lookup *lookup;  /* under way: the name may not be evicted */
	uint64_t expires_ns;    /* `reason` and what it says hold before it */
	unsigned hosts_version; /* of the hosts file last searched; 0: none */
	bool from_hosts;        /* holds while that version does */
	enum ep_reason reason;
	struct ep_address first; /* of the last good answer */
	struct name_set *set;    /* all of them; NULL: there was none yet */
	struct name_choices choices;
	struct list tell;      /* in one of the resolver's lists (name_tell.c),
				* or none */
	struct name_set *told; /* the set that was told of last */
	uint64_t told_ns;      /* when; 0: only known, never told */
	unsigned changes;      /* other sets since then */
	uint8_t family;        /* 4, 6; 0: either */
	char host[];           /* lower case, without a trailing dot */
};

/* At most `max` names. 0 or -ENOMEM. */
int name_cache_create(unsigned max, struct name_cache **ret_cache);
void name_cache_destroy(struct name_cache *cache);

/* Find or add; what was longest unused makes room. `host` in lower case.
 * 0, -ENOMEM, or -ENOBUFS: all names have a look-up under way. */
int name_cache_get(struct name_cache *cache, const char *host, int family,
		   struct name **ret_name);

/* Find it; NULL: not known. Does not count as use. */
struct name *name_cache_find(struct name_cache *cache, const char *host,
			     int family);

/* Keep it from eviction while `lookup` is not NULL. */
void name_cache_pin(struct name_cache *cache, struct name *name,
		    struct lookup *lookup);

/* Forget every answer. */
void name_cache_flush(struct name_cache *cache);

/* 1 if the answer holds at `now_ns`. */
bool name_is_fresh(const struct name *name, uint64_t now_ns);

/* Take an answer; one with a TTL of 0 holds for nobody else. A bad one leaves
 * the addresses of the last good one, so that what changed is seen across it.
 * 0; -ENOMEM: nothing is stored. */
int name_store(struct name *name, const struct name_answer *answer,
	       uint64_t now_ns);

/* Take what the hosts file says; good until that file changes. */
int name_store_hosts(struct name *name, const struct name_answer *answer);

/* What is known now has been told, or need not be. */
void name_told(struct name *name, uint64_t now_ns);

#endif
