/* What a measuring thread knows of itself, on its way to the keeping one: told
 * when that asks, once a minute, so that measuring costs nothing. */
#ifndef AGENT_VITALS_H
#define AGENT_VITALS_H

#include "base/hist.h"
#include "base/usage.h"
#include "edgeprobe/stats.h"
#include <pthread.h>
#include <stdint.h>
#include <uv.h>

struct ep_scope;

struct vitals_facts {
	uint64_t time_ns; /* of this reading, monotonic */
	struct usage usage;
	struct ep_engine_stats engine; /* all of its engines together */
	struct hist lag; /* how late its loop came, since the reading before */
};

/* On the measuring thread: fill in `engine` and `lag`. */
typedef void (*vitals_fill)(struct vitals_facts *facts, void *arg);

/* Add what `engine` did to `facts->engine`. */
void vitals_add_engine(struct vitals_facts *facts, struct ep_engine *engine);

/* Embedded. */
struct vitals {
	uv_async_t ask;
	pthread_mutex_t lock;
	struct vitals_facts told;
	vitals_fill fill;
	void *arg;
};

/* The handle lives in `scope`. The first reading says: nothing yet. */
void vitals_open(struct vitals *vitals, uv_loop_t *loop, struct ep_scope *scope,
		 vitals_fill fill, void *arg);

/* On the measuring thread: take a reading now. */
void vitals_tell(struct vitals *vitals);

/* No further asking; what was told stays. */
void vitals_shut(struct vitals *vitals, struct ep_scope *scope);

/* From any thread, before vitals_shut(): have a reading taken soon. */
void vitals_ask(struct vitals *vitals);

/* From any thread: the last reading. */
void vitals_read(struct vitals *vitals, struct vitals_facts *ret_facts);

#endif
