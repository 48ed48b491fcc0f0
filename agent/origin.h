/* Where the branch's traffic comes from as the world sees it: the public address
 * of each circuit and the name server that asks for it, which hub they are at,
 * and whether that is far from the site. Told the time by samples; on the
 * keeping thread. */
#ifndef AGENT_ORIGIN_H
#define AGENT_ORIGIN_H

#include "config/config.h"
#include "facts.h"
#include "items.h"

struct origin;

/* The body of a row of type event (struct record); until it returns. */
typedef void (*origin_cb)(const char *body, void *arg);

/* Both are borrowed. What is learnt goes to `facts`. NULL: out of memory. */
struct origin *origin_create(const struct config *config, struct facts *facts,
			     origin_cb cb, void *arg);
void origin_destroy(struct origin *origin);

/* A sample of item number `id`, as for events_see(). */
void origin_see(struct origin *origin, uint32_t id, const struct item *item,
		const struct ep_sample *sample);

/* Circuit `i` of the configuration (n_circuits: none) has this address at that
 * end: events when it is far from the site now, or is no more. */
void origin_learn(struct origin *origin, size_t i, enum facts_what what,
		  const struct ep_address *address);

#endif
