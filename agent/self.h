/* The agent's rows about itself, once a minute and at the end: so that a reader
 * can tell the host's troubles from the network's. What their members mean is
 * in delivery/README.md. Told the time; on the keeping thread. */
#ifndef AGENT_SELF_H
#define AGENT_SELF_H

#include "delivery/deliver.h"
#include "measuring.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>

struct self;

#define SELF_EVERY_NS UINT64_C(60000000000)
#define SELF_SOURCES  4

/* Begin to count. The store is borrowed. NULL: out of memory. */
struct self *self_create(struct store *store, uint64_t now_ns);
void self_destroy(struct self *self);

/* Source number `source`, below SELF_SOURCES, is `measuring`. */
void self_add(struct self *self, unsigned source, struct measuring *measuring);

/* A destination; borrowed, and so is its name. -ENOMEM. */
int self_add_destination(struct self *self, const char *name,
			 const struct deliver *deliver);

/* All destinations are about to be closed. */
void self_forget_destinations(struct self *self);

/* What happens: a sample was taken out of a ring; the ring held so many before;
 * it had to refuse so many; a commit took so long; the tick came so late. */
void self_saw_sample(struct self *self, unsigned source,
		     const struct taken *taken);
void self_saw_ring(struct self *self, unsigned source, size_t used,
		   uint64_t overflown);
void self_saw_commit(struct self *self, uint64_t took_ns);
void self_saw_tick(struct self *self, uint64_t late_ns);

/* About once a second: asks the threads when a minute is nearly over, and puts
 * the rows into the store when it is. */
void self_tick(struct self *self, uint64_t now_ns);

/* Part `i` of the last minute as members without braces, as in the row; ""
 * before the first; NULL: there are no more. */
const char *self_part(const struct self *self, unsigned i);

/* How fast rows come and go, over the last ten seconds to a minute. */
struct self_pace {
	double acked; /* rows a second that destination `i` acknowledged */
	double added; /* and that came into the store */
};
void self_pace(const struct self *self, size_t i, uint64_t now_ns,
	       struct self_pace *ret_pace);

/* The measuring threads have ended: the rows of what is left of the minute. */
void self_end(struct self *self, uint64_t now_ns);

#endif
