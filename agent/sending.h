/* Every configured destination over one store: the agent's own, or one that
 * was salvaged. On the keeping thread's loop. */
#ifndef AGENT_SENDING_H
#define AGENT_SENDING_H

#include "config/config.h"
#include "delivery/deliver.h"
#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct sending;

/* What a configured destination is to the room that delivers: for
 * check-config, too. Texts are borrowed. */
struct deliver_options delivery_options(const struct config *config,
					const struct config_destination *d);

/* Open them all; `old`: all that is in the store is a backlog. Those of `store`
 * that are not configured are retired. `config`
 * and `store` are borrowed until `closed` was called by sending_close(). On
 * failure a negative errno and `err`; the loop is to run on for a moment, as
 * some may have been opened. */
int sending_open(uv_loop_t *loop, const struct config *config,
		 struct store *store, bool old, struct sending **ret_sending,
		 struct ep_err *err);

/* One for each configured destination, in their order. */
struct deliver *const *sending_list(const struct sending *sending);

/* New rows were committed. */
void sending_poke(struct sending *sending);

/* A backlog shares the line with what is measured now: deliver_is_draining()
 * of any. NULL is fine. */
bool sending_is_draining(const struct sending *sending);

/* All rows of the store have been acknowledged by all; true if there is no
 * destination. */
bool sending_is_done(const struct sending *sending);

/* As deliver_flush() of each; `cb` once, when the last has ended. With no
 * destination it is called at once. */
void sending_flush(struct sending *sending, uint64_t timeout_ns,
		   void (*cb)(void *arg), void *arg);

/* None touches the store any more when this returns; `closed` is called once,
 * from the loop. */
void sending_close(struct sending *sending, void (*closed)(void *arg),
		   void *arg);

#endif
