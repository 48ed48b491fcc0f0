/* What an answer to an echo request makes of its probe: told at once, late, a
 * second time, or not at all. */
#ifndef CORE_ICMP_ANSWERS_H
#define CORE_ICMP_ANSWERS_H

#include "core/inflight.h"
#include "edgeprobe/sample.h"

struct ep_engine;

/* A reply to the request of `slot`; of `measured` its rtt_ns, uncertainty_ns,
 * stamp, flags and ttl count; without a round trip it came and was not measured.
 * May call the owner's callbacks. */
void icmp_take_reply(struct ep_engine *engine, struct inflight_slot *slot,
		     const struct ep_sample *measured);

/* An ICMP error that quotes the request of `slot`. */
void icmp_take_error(struct inflight_slot *slot, const struct icmp_seen *seen);

#endif
