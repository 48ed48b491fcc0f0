/* The addresses of a name: as an answer brings them, and as they are kept.
 * Pure. */
#ifndef PROBES_CORE_NAME_SET_H
#define PROBES_CORE_NAME_SET_H

#include "edgeprobe/address.h"
#include "edgeprobe/sample.h"
#include "edgeprobe/target.h"
#include <stdbool.h>
#include <stdint.h>

/* Zero it, then add. */
struct name_answer {
	enum ep_reason reason;   /* EP_REASON_NONE: the rest is good */
	uint64_t ttl_s;          /* the least one of the answer */
	struct ep_address first; /* as the name server orders them */
	unsigned n;
	struct ep_address at[EP_NTH_MAX]; /* sorted: 4 before 6, lowest first */
};

/* One more. A double counts once; of more than EP_NTH_MAX the lowest stay, so
 * that they are the same ones whatever the order. */
void name_answer_add(struct name_answer *answer,
		     const struct ep_address *address);

/* Never changed once it is made: who wants to keep it takes a count. */
struct name_set {
	unsigned held;
	unsigned n;
	struct ep_address at[]; /* sorted */
};

/* Of `answer`, with one count. NULL: out of memory. */
struct name_set *name_set_create(const struct name_answer *answer);
struct name_set *name_set_take(struct name_set *set);
void name_set_drop(struct name_set *set); /* NULL is fine */

/* True if `answer` has these addresses and no others, in whatever order. */
bool name_set_is(const struct name_set *set, const struct name_answer *answer);
bool name_set_has(const struct name_set *set, const struct ep_address *address);

/* What is in `set` and not in `other`; returns how many. */
unsigned name_set_minus(const struct name_set *set,
			const struct name_set *other,
			struct ep_address ret[EP_NTH_MAX]);

#endif
