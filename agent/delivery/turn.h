/* What goes next to a destination; see deliver_i.h. */
#ifndef DELIVERY_TURN_H
#define DELIVERY_TURN_H

#include "delivery/drain.h"
#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stdint.h>

struct deliver;
struct deliver_options;

/* At the start. */
void turn_open(struct deliver *d, const struct deliver_options *o);
enum drain_what turn_choose(const struct deliver *d);
/* Take it. 1: `d->batch` is to be sent; 0: there is nothing; or negative
 * errno. */
int turn_take(struct deliver *d, enum drain_what what, struct ep_err *err);
/* uv_hrtime(): when to look again. */
uint64_t turn_when(const struct deliver *d);
/* The batch in hand is on its way, or is not any more. */
void turn_began(struct deliver *d);
void turn_ended(struct deliver *d);
/* It was acknowledged; or an attempt failed. */
void turn_passed(struct deliver *d);
void turn_failed(struct deliver *d, bool busy);
uint64_t turn_random(void);

/* For tests. Another pace, from now on; borrowed. */
void deliver_tune_drain(struct deliver *d, const struct drain_options *drain);

#endif
