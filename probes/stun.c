/* The STUN kind: a Binding request over UDP (RFC 8489), as Teams' media relays
 * answer it on port 3478, because what Teams says goes over UDP.
 *
 * Happy path: stun_start() takes the socket of the flow, and a slot of the table
 * whose index and nonce are the transaction id; the answer makes the socket
 * readable, its id leads to the slot, and the difference of the two kernel
 * stamps is the round trip. It says, too, where the request came from as the
 * server saw it: the branch's egress.
 *
 * What can fail: the socket (its errno is the reason); silence (overdue asks
 * whether our own host dropped packets); an ICMP error (by the request that it
 * quotes, our own host's kept apart); a late or second answer (the slot is
 * kept). An answer that says "error" is an answer: the path was there and back.
 *
 * Callbacks never run inside ep_probe_start(): nothing is read there. */
#include "core/answers.h"
#include "core/kinds.h"
#include "core/nonce.h"
#include "core/stun_flow.h"
#include "core/ways.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define PORT 3478

/* Slots of the table: bursts of 100 to 100 relays for the time of a window. */
#define SLOTS_MAX 65536

/* Answers and notes that are read in one wake-up; then others have a turn. */
#define READS_MAX 512

#define IP4_HEADERS 28
#define IP6_HEADERS 48

struct probe {
	struct stun_flow *flow; /* NULL: not sent */
	struct inflight_slot *slot;
};

/* --- sending --- */

static int64_t offset_ns(void)
{
	return ep_clock_offset_ns();
}

static int take_slot(struct stun_shared *s, struct ep_probe *probe,
		     struct inflight_slot **ret_slot)
{
	int r = inflight_take(s->table, ep_clock_mono_ns(), ret_slot);

	if (r < 0)
		return r;
	r = nonce_next(&s->nonces, &(*ret_slot)->nonce);
	if (r < 0) {
		inflight_give_back(s->table, *ret_slot);
		return r;
	}
	(*ret_slot)->address = *ep_probe_address(probe);
	return 0;
}

static void keep(struct ep_probe *probe, struct stun_flow *flow,
		 struct inflight_slot *slot)
{
	struct ep_sample *sample = ep_probe_sample(probe);
	struct probe *p = ep_probe_state(probe);

	slot->owner = probe;
	slot->id = sample->id;
	slot->slip_ns = sample->slip_ns;
	slot->flags = (uint8_t)sample->flags;
	sample->bytes = STUN_REQUEST_BYTES +
			(slot->address.family == 4 ? IP4_HEADERS : IP6_HEADERS);
	inflight_sent(flow->shared->table, slot, ep_probe_timeout_ns(probe));
	p->flow = flow;
	p->slot = slot;
}

static int send_request(struct ep_probe *probe, struct stun_flow *flow,
			struct inflight_slot *slot)
{
	struct stamp_send *sent = &slot->sent;
	int r;

	memset(sent, 0, sizeof(*sent));
	sent->offset_ns = offset_ns();
	r = stun_flow_send(flow, slot, sent, &slot->opt_id);
	ep_probe_sent_at(
		probe, sent->before_ns,
		(uint64_t)((int64_t)sent->before_ns + sent->offset_ns));
	return r;
}

static int stun_start(struct ep_probe *probe)
{
	const struct ep_target *t = ep_probe_target(probe);
	struct stun_shared *s = ep_probe_shared(probe);
	uint64_t now_ns = ep_clock_mono_ns();
	struct inflight_slot *slot;
	struct stun_flow *flow;
	int r;

	if (t->ttl > 255 || t->dscp > 63)
		return -EINVAL;
	if (t->fresh_flow)
		ep_probe_sample(probe)->flags |= EP_FLAG_FRESH_FLOW;
	stun_flow_reap(s, now_ns);
	r = stun_flow_take(s, probe, now_ns, &flow);
	if (r < 0)
		return r;
	r = take_slot(s, probe, &slot);
	if (r < 0) {
		stun_flow_drop(flow, 0);
		return r;
	}
	r = send_request(probe, flow, slot);
	if (r < 0) {
		inflight_give_back(s->table, slot);
		stun_flow_drop(flow, 0);
		return r;
	}
	keep(probe, flow, slot);
	return 0;
}

/* --- answers --- */

/* The slot of an id that is ours; NULL: it is not, or its window is over. */
static struct inflight_slot *slot_of(const struct stun_flow *flow,
				     uint32_t index, uint64_t nonce)
{
	struct inflight_slot *slot = inflight_at(flow->shared->table, index);

	if (slot == NULL || slot->nonce != nonce ||
	    ep_clock_mono_ns() > inflight_until_ns(slot) ||
	    !ep_address_equal(&slot->address, &flow->to))
		return NULL;
	return slot;
}

static void take_stamp(struct stun_flow *flow, const struct stun_queued *q)
{
	uint32_t index = stamp_ring_get(&flow->ring, q->opt_id);
	struct inflight_slot *slot =
		index == UINT32_MAX ? NULL
				    : inflight_at(flow->shared->table, index);

	if (slot != NULL && slot->opt_id == q->opt_id &&
	    ep_address_equal(&slot->address, &flow->to) &&
	    stamp_plausible(&slot->sent, q->kernel_ns, ep_clock_mono_ns()))
		stamp_take(&slot->sent, q->kernel_ns, q->queue);
}

static void take_error(struct stun_flow *flow, const struct stun_queued *q)
{
	struct inflight_slot *slot =
		q->quoted ? slot_of(flow, q->slot, q->nonce) : NULL;

	if (slot != NULL)
		answer_error(slot, q->error.local ? EP_FAILED : EP_UNREACHABLE,
			     q->error.reason);
}

static void read_queue(struct stun_flow *flow)
{
	struct stun_queued q;

	for (int i = 0; i < READS_MAX && stun_flow_take_queued(flow, &q); i++)
		if (q.stamp)
			take_stamp(flow, &q);
		else
			take_error(flow, &q);
}

static void measure(const struct inflight_slot *slot,
		    const struct stun_received *r, struct stamp_seen *seen,
		    struct ep_sample *ret_sample)
{
	struct stamp_rtt rtt;

	seen->kernel_ns = r->kernel_ns;
	stamp_rtt(&slot->sent, seen, &rtt);
	ep_sample_init(ret_sample);
	if (rtt.queue)
		ret_sample->flags = EP_FLAG_TX_SCHED;
	ret_sample->rtt_ns = rtt.stepped ? EP_ABSENT : (int64_t)rtt.rtt_ns;
	ret_sample->uncertainty_ns = rtt.uncertainty_ns;
	ret_sample->stamp = (uint8_t)rtt.stamp;
	ret_sample->ttl = (int16_t)r->ttl;
	ret_sample->mapped = r->seen.mapped;
	ret_sample->mapped_port = r->seen.mapped_port;
}

static void take_answer(struct stun_flow *flow, const struct stun_received *r,
			struct stamp_seen *seen)
{
	struct inflight_slot *slot = slot_of(flow, r->seen.slot, r->seen.nonce);
	struct ep_sample measured;

	if (slot == NULL)
		return;
	/* its stamp may have come after we looked */
	if (slot->sent.kernel_ns == 0 || slot->sent.queue)
		read_queue(flow);
	measure(slot, r, seen, &measured);
	answer_reply(flow->shared->engine, slot, &measured);
}

/* A flow that is in use, or has been within the window of an answer, is not
 * closed by what a callback starts. */
static void read_answers(struct stun_flow *flow)
{
	struct stamp_seen seen = { .empty_ns = flow->empty_ns,
				   .offset_ns = offset_ns() };
	struct stun_received received;
	uint64_t before_ns = ep_clock_mono_ns();
	int i = 0;

	while (i < READS_MAX && stun_flow_receive(flow, &received)) {
		seen.read_ns = ep_clock_mono_ns();
		take_answer(flow, &received, &seen);
		before_ns = ep_clock_mono_ns();
		i++;
	}
	if (i < READS_MAX)
		flow->empty_ns = before_ns;
}

void stun_flow_ready(struct ep_watch *watch, uint32_t events)
{
	struct stun_flow *flow = container_of(watch, struct stun_flow, watch);

	flow->shared->reading++;
	if (events & EPOLLERR)
		read_queue(flow);
	read_answers(flow);
	flow->shared->reading--;
}

/* --- the end of a probe --- */

static enum ep_reason stun_overdue(struct ep_probe *probe)
{
	struct probe *p = ep_probe_state(probe);

	if (p->slot == NULL)
		return EP_REASON_TIMEOUT;
	p->slot->state = INFLIGHT_LOST;
	return stun_flow_dropped(p->flow, p->slot->sent.before_ns,
				 ep_clock_mono_ns())
		       ? EP_REASON_UNMEASURED
		       : EP_REASON_TIMEOUT;
}

static void stun_close(struct ep_probe *probe)
{
	struct probe *p = ep_probe_state(probe);

	if (p->slot == NULL)
		return;
	stun_flow_drop(p->flow, inflight_until_ns(p->slot));
	p->slot->owner = NULL;
	if (p->slot->state == INFLIGHT_WAITING)
		p->slot->state = INFLIGHT_ABANDONED;
}

/* --- the engine's part --- */

static void stun_drain(struct ep_engine *engine, void *shared)
{
	struct stun_shared *s = shared;
	struct list *at, *after;

	(void)engine;
	s->reading++;
	list_for_each (at, after, &s->flows) {
		struct stun_flow *flow =
			container_of(at, struct stun_flow, link);

		read_queue(flow);
		read_answers(flow);
	}
	s->reading--;
}

static int stun_open(struct ep_engine *engine, void *shared)
{
	struct stun_shared *s = shared;

	s->engine = engine;
	list_init(&s->flows);
	s->table = inflight_create(SLOTS_MAX);
	return s->table == NULL ? -ENOMEM : 0;
}

static void stun_shut(struct ep_engine *engine, void *shared)
{
	struct stun_shared *s = shared;

	(void)engine;
	stun_flow_reap(s, UINT64_MAX); /* every probe has ended */
	inflight_destroy(s->table);
}

static uint64_t stun_drops(const void *shared)
{
	const struct stun_shared *s = shared;
	uint64_t drops = s->drops;

	for (const struct list *at = s->flows.next; at != &s->flows;
	     at = at->next)
		drops += container_of(at, struct stun_flow, link)->drops;
	return drops;
}

#define FIELD(name) offsetof(struct ep_target, name)

static const struct ep_opt opts[] = {
	{ "ttl", EP_OPT_UINT, FIELD(ttl), 1, 255, NULL,
	  "hops that a packet may take" },
	{ "dscp", EP_OPT_UINT, FIELD(dscp), 0, 63, "0",
	  "code point of the packet's class of service" },
};

const struct ep_kind ep_kind_stun = {
	.name = "stun",
	.phrase = "STUN binding",
	.port = PORT,
	.asked_for = true,
	.size = sizeof(struct probe),
	.shared_size = sizeof(struct stun_shared),
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.open = stun_open,
	.shut = stun_shut,
	.start = stun_start,
	.drain = stun_drain,
	.drops = stun_drops,
	.overdue = stun_overdue,
	.close = stun_close,
};
