/* What an answer to the request of a slot makes of its probe: told at once, late,
 * a second time, or not at all. For kinds of one packet each way. */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include "core/inflight.h"
#include "edgeprobe/sample.h"

struct ep_engine;

/* A reply; of `measured` its rtt_ns, uncertainty_ns, stamp, flags, ttl and mapped
 * address count; without a round trip it came and was not measured. May call the
 * owner's callbacks. */
void answer_reply(struct ep_engine *engine, struct inflight_slot *slot,
		  const struct ep_sample *measured);

/* An ICMP error that quotes it. */
void answer_error(struct inflight_slot *slot, enum ep_outcome outcome,
		  enum ep_reason reason);

#endif
