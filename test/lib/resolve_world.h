/* An engine whose resolver is asked directly. Asserts by cmocka. */
#ifndef TEST_LIB_RESOLVE_WORLD_H
#define TEST_LIB_RESOLVE_WORLD_H

#include "core/resolve.h"
#include "edgeprobe/engine.h"

struct resolve_world {
	uv_loop_t loop;
	struct ep_engine *engine;
};

/* A query and what became of it. */
struct ask {
	struct resolve_query query;
	struct name_want want; /* which address */
	unsigned *order;       /* counts answers; NULL: nobody counts */
	unsigned at;           /* this one's place among them, from 1 */
	uv_loop_t *loop;
	int started;
};

/* `servers` and `timeout_ns` as in struct ep_engine_options. */
void resolve_world_open(struct resolve_world *w, const char *servers,
			uint64_t timeout_ns);
void resolve_world_close(struct resolve_world *w);

/* Start a query; it is not answered by callback inside. `a->order` and `a->want`
 * are kept. */
void resolve_world_start(struct resolve_world *w, struct ask *a,
			 const char *host, int family);

/* Run the loop until it is answered. */
void resolve_world_await(struct resolve_world *w, struct ask *a);

/* Both. */
struct resolve_answer resolve_world_ask(struct resolve_world *w,
					const char *host, int family);

void resolve_world_expect_address(const struct resolve_answer *answer,
				  const char *address);
void resolve_world_expect_reason(const struct resolve_answer *answer,
				 const char *reason);

#endif
