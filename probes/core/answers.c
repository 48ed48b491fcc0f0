#include "core/answers.h"
#include "core/ways.h"
#include "edgeprobe/kind.h"

#define COPIES_MAX 8 /* duplicates told of one probe */

/* The slot was settled before, or is about to be. */
static void tell_late(struct ep_engine *engine,
		      const struct inflight_slot *slot,
		      const struct ep_sample *measured, uint8_t flags)
{
	struct ep_sample sample = *measured;

	if (measured->rtt_ns == EP_ABSENT)
		return;
	sample.id = slot->id;
	sample.sent_ns = (uint64_t)((int64_t)slot->sent.before_ns +
				    slot->sent.offset_ns);
	sample.slip_ns = slot->slip_ns;
	sample.address = slot->address;
	sample.outcome = EP_REPLIED;
	sample.reason = EP_REASON_NONE;
	sample.flags |= slot->flags | flags;
	ep_engine_late(engine, &sample);
}

static void settle(struct inflight_slot *slot, enum ep_outcome outcome,
		   enum ep_reason reason)
{
	struct ep_probe *owner = slot->owner;

	slot->owner = NULL;
	ep_probe_settle(owner, outcome, reason);
}

static void fill(struct ep_sample *sample, const struct ep_sample *measured)
{
	sample->rtt_ns = measured->rtt_ns;
	sample->uncertainty_ns = measured->uncertainty_ns;
	sample->stamp = measured->stamp;
	sample->ttl = measured->ttl;
	sample->mapped = measured->mapped;
	sample->mapped_port = measured->mapped_port;
	sample->bytes *= 2; /* the reply is as long */
	sample->flags |= measured->flags;
}

/* An interface that a packet of IPv6 asks for is a wish: with no route by it any
 * more, the kernel takes another one. If the way went after it was looked at,
 * nobody knows which it was. */
static enum ep_reason astray(struct ep_probe *probe)
{
	return ep_probe_sample(probe)->address.family == 6
		       ? probe_way_lost(probe)
		       : EP_REASON_NONE;
}

/* In time by its own stamps is in time, however late we read it, and the other
 * way round: then the loss is told first, and the late reply after it. */
static void answer(struct ep_engine *engine, struct inflight_slot *slot,
		   const struct ep_sample *measured)
{
	struct ep_sample *sample = ep_probe_sample(slot->owner);
	enum ep_reason lost;

	if (sample->outcome == EP_CANCELLED) {
		slot->state = INFLIGHT_ABANDONED; /* its end is on the way */
		return;
	}
	slot->state = INFLIGHT_ANSWERED;
	lost = astray(slot->owner);
	if (lost != EP_REASON_NONE) {
		settle(slot, EP_FAILED, lost);
		return;
	}
	if (measured->rtt_ns == EP_ABSENT) {
		settle(slot, EP_FAILED, EP_REASON_UNMEASURED);
		return;
	}
	if ((uint64_t)measured->rtt_ns <= slot->timeout_ns) {
		fill(sample, measured);
		settle(slot, EP_REPLIED, EP_REASON_NONE);
		return;
	}
	settle(slot, EP_LOST, EP_REASON_TIMEOUT);
	tell_late(engine, slot, measured, 0);
}

void answer_reply(struct ep_engine *engine, struct inflight_slot *slot,
		  const struct ep_sample *measured)
{
	switch ((enum inflight_state)slot->state) {
	case INFLIGHT_WAITING:
		answer(engine, slot, measured);
		break;
	case INFLIGHT_LOST:
		slot->state = INFLIGHT_ANSWERED;
		tell_late(engine, slot, measured, 0);
		break;
	case INFLIGHT_ANSWERED:
		/* bounded: one target may send as many as it likes */
		if (slot->copies < COPIES_MAX) {
			slot->copies++;
			tell_late(engine, slot, measured, EP_FLAG_DUPLICATE);
		}
		break;
	case INFLIGHT_ABANDONED:
	case INFLIGHT_FREE:
		break;
	}
}

void answer_error(struct inflight_slot *slot, enum ep_outcome outcome,
		  enum ep_reason reason)
{
	if (slot->state != INFLIGHT_WAITING)
		return;
	slot->state = INFLIGHT_LOST; /* a reply may still come */
	settle(slot, outcome, reason);
}
