/* What is done about a damaged store beside the work: a thread salvages what
 * was set aside, and what came of it is delivered to the same destinations and
 * kept until its room is needed. Everything here but that thread is on the
 * keeping thread's loop.
 *
 *   PATH.damaged-TIME     set aside; waits to be salvaged
 *   PATH.salvaging-TIME   what is being made of it
 *   PATH.salvaged-TIME    a store of the old epoch, delivered beside the new one
 *   PATH.unreadable-TIME  nothing could be read: goes first when room is needed
 */
#ifndef AGENT_RESCUE_H
#define AGENT_RESCUE_H

#include "config/config.h"
#include "edgeprobe/error.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct rescue;

/* `config` and `store` (the agent's own) are borrowed until `closed`. 0 or
 * -ENOMEM. What an earlier run left begins with the first tick. */
int rescue_open(uv_loop_t *loop, const struct config *config,
		struct store *store, struct rescue **ret_rescue);

/* After each commit: begins what is to be done, notes what was, and shares the
 * bound out. True: the check of what was too large to be read at opening has
 * found damage (once). */
bool rescue_tick(struct rescue *rescue);

/* What was salvaged shares the line with what is measured now. NULL is fine. */
bool rescue_is_draining(const struct rescue *rescue);

/* The agent's own store was made anew: a check of the old one is of no use. */
void rescue_renewed(struct rescue *rescue);

/* Waits for the thread, which stops within some milliseconds. NULL is fine:
 * `closed` is not called then. */
void rescue_close(struct rescue *rescue, void (*closed)(void *arg), void *arg);

#endif
