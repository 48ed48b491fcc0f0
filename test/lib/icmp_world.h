/* An engine, a target on loopback, and what came of its ICMP probes: what the
 * two ICMP loop tests share. */
#ifndef TEST_LIB_ICMP_WORLD_H
#define TEST_LIB_ICMP_WORLD_H

#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct icmp_world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	unsigned answers, lates, wanted; /* stop when both together are it */
	unsigned outcomes[8], unmeasured, kernel;
	struct ep_sample last, last_late;
	char story[64]; /* a letter an event: L lost, R replied, l late, ... */
};

/* Set-up and tear-down of a test; `*state` points at a bool that says whether
 * raw sockets are forced, and is the world in between. */
int icmp_world_open(void **state);
int icmp_world_close(void **state);

/* Start one probe. */
struct ep_probe *icmp_world_start(struct icmp_world *w);

/* Run until `n` more answers and late replies have come. */
void icmp_world_wait(struct icmp_world *w, unsigned n);

/* Start one and wait for its answer. */
const struct ep_sample *icmp_world_measure(struct icmp_world *w);

/* Whether this process may use ICMP at all, and raw sockets. */
bool icmp_allowed(int family, bool raw);

#endif
