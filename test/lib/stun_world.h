/* An engine and a STUN server on loopback that says what the test says. A
 * probe's request has left when it has been started. Asserts instead of
 * failing. */
#ifndef TEST_LIB_STUN_WORLD_H
#define TEST_LIB_STUN_WORLD_H

#include "edgeprobe/address.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/probe.h"
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct stun_world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target; /* of what is started next */
	int server;
	unsigned answers, lates, wanted;
	struct ep_sample last, last_late;
	void (*then)(struct stun_world *w); /* once, at the next answer */
};

/* A request as the server got it. */
struct stun_request {
	uint8_t bytes[64];
	size_t n;
	union ep_sockaddr from;
	socklen_t from_size;
};

/* For cmocka: `*state` is a struct stun_world, which asks 127.0.0.1. */
int stun_world_open(void **state);
int stun_world_close(void **state);

/* The server is at another address from now on. */
void stun_world_aim(struct stun_world *w, const char *address);

struct ep_probe *stun_world_start(struct stun_world *w);
/* Run until so many more answers, late ones included, have been told. */
void stun_world_wait(struct stun_world *w, unsigned n);

/* What the server gets next; says to who sent that; and answers it. */
void stun_world_hear(const struct stun_world *w, struct stun_request *r);
void stun_world_say(const struct stun_world *w, const struct stun_request *to,
		    const uint8_t *bytes, size_t n);
void stun_world_answer(const struct stun_world *w,
		       const struct stun_request *r);
uint16_t stun_world_port_from(const struct stun_request *r);

/* One probe that is answered; the port that it came from. */
uint16_t stun_world_measure(struct stun_world *w);
/* The kernel begins to stamp what comes some time after it was first asked to:
 * until it does. */
uint16_t stun_world_measure_stamped(struct stun_world *w);

#endif
