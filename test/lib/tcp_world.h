/* One engine, one target and the last sample, and listeners on loopback. Asserts
 * by cmocka. */
#ifndef TEST_LIB_TCP_WORLD_H
#define TEST_LIB_TCP_WORLD_H

#include "edgeprobe/engine.h"

struct tcp_world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	struct ep_sample last;
	unsigned answered;
};

/* Setup and teardown of a test: `*state` is a struct tcp_world. */
int tcp_world_open(void **state);
int tcp_world_close(void **state);

/* Close the engine now. */
void tcp_world_shut(struct tcp_world *w);

/* A socket bound at `address`, on a port that the kernel chooses; it listens
 * unless `backlog` is negative. */
int tcp_world_listen(const char *address, int backlog, uint16_t *ret_port);

/* A listener whose queue is full drops every SYN. Close the fillers, too. */
int tcp_world_listen_full(uint16_t *ret_port, int fillers[2]);

/* Start a probe of the target; it does not answer inside. */
struct ep_probe *tcp_world_start(struct tcp_world *w);

/* The same of another target, which must live until it is answered. */
struct ep_probe *tcp_world_start_target(struct tcp_world *w,
					const struct ep_target *target);

/* Run the loop until `answered` samples came. */
void tcp_world_await(struct tcp_world *w, unsigned answered);

/* Both, at `port`. */
const struct ep_sample *tcp_world_measure(struct tcp_world *w, uint16_t port);

void tcp_world_expect(const struct ep_sample *s, enum ep_outcome outcome,
		      const char *reason);

/* A reply with all that the kernel knows of it. */
void tcp_world_expect_handshake(const struct ep_sample *s);

#endif
