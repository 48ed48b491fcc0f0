/* The engine with a kind of our own, whose probes do as the test says. */
#ifndef TEST_LIB_ENGINE_WORLD_H
#define TEST_LIB_ENGINE_WORLD_H

#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What the next probe that starts does; target.flow carries it. */
enum script {
	SETTLE_INSIDE, /* refused, before start returns */
	STAY_SILENT,
	REFUSE_TO_SEND, /* -ENETUNREACH */
	ANSWER,         /* when its eventfd is written */
	DRAINED,        /* the answer is there, but nobody told us */
};

/* What the kind shares. */
struct fakes {
	struct list waiting;
	unsigned closed, drained;
	unsigned dense, sparse; /* how often it became so */
};

extern struct fakes *current; /* of the one engine of a test */
extern const struct ep_kind fake_kind;

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	unsigned answered, wanted;
	struct ep_sample last;
	void (*then)(struct world *w); /* what a callback does besides */
	bool inside;                   /* ep_probe_start() is on the stack */
	bool engine_gone;
};

/* Callbacks for what a test starts and closes by itself. */
void on_sample(const struct ep_target *target, const struct ep_sample *sample,
	       void *arg);
void on_engine_gone(void *arg);

/* An open engine, and a target whose probes wait for 20 ms. */
void begin(struct world *w);

struct ep_probe *start(struct world *w, enum script script);

/* Until there have been so many answers in all. */
void wait_for(struct world *w, unsigned answered);

void end(struct world *w);

#endif
