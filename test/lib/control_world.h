/* A control socket on a loop, and somebody at the other end, on a thread of
 * its own. For cmocka. */
#ifndef LIB_CONTROL_WORLD_H
#define LIB_CONTROL_WORLD_H

#include "control/control.h"
#include "edgeprobe/private/scope.h"
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* "pages" is so many of so many lines; "endless" does not end. */
#define WORLD_PAGES      200
#define WORLD_PAGE_LINES 60
#define WORLD_LINE_BYTES 1000

struct world {
	char dir[64], path[96];
	uv_loop_t loop;
	struct ep_scope scope;
	uv_async_t done;                /* the other end has had enough */
	struct control_options options; /* patience: never over */
	struct control *control;
	unsigned said; /* pages made */
	/* What the other end does, and saw. */
	void (*act)(struct world *w);
	unsigned lines;
	size_t bytes;
	int result;
	struct ep_err err;
	char text[8192];
	bool stop_when_said; /* the loop ends in the middle of an answer */
};

/* `*state` is a struct world. At the end nothing is left: no handle, no file. */
int world_set_up(void **state);
int world_tear_down(void **state);
#define WORLD_CASE(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

/* The agent listens; words are "small", "pages", "endless", "fail", "late" (to
 * fail) and "ids". */
void world_open(struct world *w);

/* Let the other end do this. `world_meet()`: until it has had enough. */
void *world_other_end(void *world);
void world_meet(struct world *w, void (*act)(struct world *w));

/* --- at the other end --- */

void world_must(bool truth);
void world_ask(struct world *w, const char *request);
void world_ask_small(struct world *w);
int world_dial(const struct world *w);
/* All that comes until the other side hangs up. Closes `fd`. */
void world_read(struct world *w, int fd);

#endif
