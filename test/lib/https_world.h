/* An engine that measures a real TLS server on loopback: what the tests of the
 * https kind share. */
#ifndef TEST_LIB_HTTPS_WORLD_H
#define TEST_LIB_HTTPS_WORLD_H

#include "edgeprobe/engine.h"
#include "lib/web_server.h"
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define AUTHORITY "Edgeprobe Test, Inc."
#define NAMES     "IP:127.0.0.1,IP:::1,DNS:localhost"

struct https_world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct web_ca *ca;
	char ca_path[64];
	struct ep_sample got;
	unsigned n, closed;
	void (*then)(struct https_world *w); /* after each sample */
};

void https_on_sample(const struct ep_target *target,
		     const struct ep_sample *sample, void *arg);
void https_open(struct https_world *w, const char *ca_path);
void https_close(struct https_world *w);
void https_make_path(char *ret_path, size_t size);
int https_set_up(void **state);
int https_tear_down(void **state);
struct web_server *https_serve(struct https_world *w, const char *address,
			       const char *names);
struct ep_target https_target(const char *host, uint16_t port,
			      const char *path);
void https_start(struct https_world *w, const struct ep_target *target);
void https_wait(struct https_world *w, unsigned n);
const struct ep_sample *https_measure(struct https_world *w,
				      const struct ep_target *target);
const struct ep_sample *https_ask(struct https_world *w, const char *path);
void expect_outcome(const struct ep_sample *got, enum ep_outcome outcome,
		    enum ep_reason reason);
void expect_handshake(const struct ep_sample *got);
void expect_whole(const struct ep_sample *got);

#endif
