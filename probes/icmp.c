/* The ICMP echo kind.
 *
 * Happy path: icmp_start() takes a slot of the table, sends, and reads the
 * transmit stamp from the error queue at once; the reply makes the socket
 * readable, icmp_read.c finds its slot by index, nonce and address, and settles
 * with the difference of the two kernel stamps.
 *
 * What can fail: no socket (ready says what to grant); the send (its errno is
 * the reason); silence (overdue asks whether our own host dropped packets in
 * the meantime); a reply after the deadline or a second one (the slot is kept,
 * and the engine's owner is told by ep_engine_late()); an ICMP error (mapped by
 * what it quotes, and our own host's kept apart from a router's); missing
 * stamps (stamp.c falls back and says so).
 *
 * Callbacks of other probes never run inside ep_probe_start(): an ICMP error
 * that a ping socket's queue holds in front of our stamp is parked, and handled
 * at the next wake-up, which asking for EPOLLOUT brings about. */
#include "core/icmp_shared.h"
#include "core/icmp_wire.h"
#include "core/kinds.h"
#include "core/ways.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/uio.h>

struct probe {
	struct icmp_port *lane;
	struct inflight_slot *slot; /* NULL: not sent */
};

/* --- sending --- */

static struct icmp_port *lane_of(struct icmp_shared *s, int family)
{
	return &s->lane[family == 6];
}

static int choose_lane(struct icmp_shared *s, struct ep_probe *probe)
{
	struct probe *p = ep_probe_state(probe);
	int family = ep_probe_address(probe)->family;

	p->lane = lane_of(s, family);
	if (!ep_probe_target(probe)->fresh_flow)
		return 0;
	ep_probe_sample(probe)->flags |= EP_FLAG_FRESH_FLOW;
	return p->lane->in.socket.raw ? 0
				      : icmp_fresh_open(s, family, &p->lane);
}

static int find_way(const struct ep_probe *probe, struct icmp_way *way)
{
	const struct ep_target *t = ep_probe_target(probe);

	way->ttl = (uint8_t)t->ttl;
	way->dscp = (uint8_t)t->dscp;
	way->dont_fragment = t->dont_fragment;
	way->interface = probe_way(probe)->interface;
	way->source = probe_way(probe)->address;
	return t->ttl > 255 || t->dscp > 63 ? -EINVAL : 0;
}

static int send_packet(struct icmp_port *l, struct ep_probe *probe,
		       struct inflight_slot *slot, const struct icmp_way *way,
		       const struct iovec *packet)
{
	struct stamp_send *sent = &slot->sent;
	int r = icmp_socket_send(&l->in.socket, &slot->address, way, packet,
				 sent);

	ep_probe_sent_at(
		probe, sent->before_ns,
		(uint64_t)((int64_t)sent->before_ns + sent->offset_ns));
	return r;
}

static int send_slot(struct icmp_port *l, struct ep_probe *probe,
		     struct inflight_slot *slot, const struct icmp_way *way)
{
	const struct ep_target *t = ep_probe_target(probe);
	uint8_t packet[ICMP_WIRE_MAX];
	struct icmp_request request = {
		.family = l->in.socket.family,
		.seq = (uint16_t)slot->index,
		.magic = l->shared->magic,
		.slot = slot->index,
		.payload = t->size == 0 ? ICMP_WIRE_PAYLOAD_DEFAULT : t->size,
	};
	struct iovec part = { packet, 0 };
	uint64_t flow = t->flow;
	int r = nonce_next(&l->shared->nonces, &request.nonce);

	if (r == 0 && t->fresh_flow)
		r = nonce_next(&l->shared->nonces, &flow);
	if (r < 0)
		return r;
	icmp_lane_set_flow(&l->in, flow, &request);
	slot->nonce = request.nonce;
	slot->icmp_id = request.id;
	slot->address = *ep_probe_address(probe);
	if (icmp_find_scope(&slot->address, way) < 0)
		return -EINVAL;
	part.iov_len = icmp_wire_request(&request, packet, sizeof(packet));
	if (part.iov_len == 0)
		return -EINVAL;
	return send_packet(l, probe, slot, way, &part);
}

/* With its headers, IP and ICMP. */
static uint32_t request_bytes(const struct ep_probe *probe)
{
	const struct ep_target *t = ep_probe_target(probe);
	uint64_t payload = t->size == 0 ? ICMP_WIRE_PAYLOAD_DEFAULT : t->size;

	return (ep_probe_address(probe)->family == 6 ? 40u : 20u) + 8 +
	       (uint32_t)payload;
}

/* It has left: from here on replies may come. */
static void keep(struct icmp_port *l, struct ep_probe *probe,
		 struct inflight_slot *slot)
{
	struct ep_sample *sample = ep_probe_sample(probe);

	slot->owner = probe;
	slot->id = sample->id;
	slot->slip_ns = sample->slip_ns;
	slot->flags = (uint8_t)sample->flags;
	sample->bytes = request_bytes(probe);
	icmp_lane_sent(&l->in, slot);
	inflight_sent(l->shared->table, slot, ep_probe_timeout_ns(probe));
}

static int send_probe(struct icmp_port *l, struct ep_probe *probe,
		      struct icmp_way *way)
{
	struct probe *p = ep_probe_state(probe);
	struct inflight_slot *slot;
	uint64_t now_ns = ep_clock_mono_ns();
	int r = inflight_take(l->shared->table, now_ns, &slot);

	if (r < 0)
		return r;
	icmp_lane_watch_drops(&l->in, now_ns);
	slot->sent.before_ns = now_ns; /* in case it does not come to it */
	slot->sent.offset_ns = icmp_lane_offset_ns(&l->in, now_ns);
	slot->line =
		icmp_lines_find(l->in.lines, ep_probe_target(probe)->source);
	way->queue_stamp = icmp_line_asks_queue(&l->in.lines->line[slot->line]);
	r = send_slot(l, probe, slot, way);
	if (r < 0) {
		inflight_give_back(l->shared->table, slot);
		return r;
	}
	keep(l, probe, slot);
	p->slot = slot;
	return 0;
}

static int icmp_start(struct ep_probe *probe)
{
	struct icmp_shared *s = ep_probe_shared(probe);
	struct probe *p = ep_probe_state(probe);
	struct icmp_way way = { 0 };
	struct icmp_port *l;
	int r = choose_lane(s, probe);

	l = p->lane;
	if (r == 0)
		r = find_way(probe, &way);
	if (r == 0)
		r = send_probe(l, probe, &way);
	/* most stamps are there by now, and need no wake-up of their own */
	if (icmp_port_is_awaited(l))
		icmp_lane_read_stamps(&l->in);
	if (l->in.n_parked > 0)
		icmp_port_watch(l);
	return r;
}

/* --- the end of a probe --- */

/* If the kernel had to drop packets since it was sent, the reply may have been
 * among them. */
static enum ep_reason icmp_overdue(struct ep_probe *probe)
{
	struct probe *p = ep_probe_state(probe);

	if (p->slot == NULL)
		return EP_REASON_TIMEOUT;
	p->slot->state = INFLIGHT_LOST;
	return icmp_lane_dropped(&p->lane->in, p->slot->sent.before_ns,
				 ep_clock_mono_ns())
		       ? EP_REASON_UNMEASURED
		       : EP_REASON_TIMEOUT;
}

static void icmp_close(struct ep_probe *probe)
{
	struct probe *p = ep_probe_state(probe);

	if (p->lane != NULL)
		icmp_fresh_end(p->lane, p->slot != NULL && p->slot->state ==
								   INFLIGHT_LOST
						? inflight_until_ns(p->slot)
						: 1);
	if (p->slot == NULL)
		return;
	p->slot->owner = NULL;
	if (p->slot->state == INFLIGHT_WAITING)
		p->slot->state = INFLIGHT_ABANDONED;
}

/* --- the engine's part --- */

/* What is put into `fresh` meanwhile is at its end; nothing is taken out. */
static void icmp_drain(struct ep_engine *engine, void *shared)
{
	struct icmp_shared *s = shared;
	struct list *at, *after;

	(void)engine;
	for (unsigned i = 0; i < 2; i++)
		if (s->lane[i].in.socket.fd >= 0)
			icmp_port_read(&s->lane[i], EPOLLIN | EPOLLERR,
				       ICMP_ROUNDS_LAST);
	list_for_each (at, after, &s->fresh)
		icmp_port_read(container_of(at, struct icmp_port, link),
			       EPOLLIN | EPOLLERR, ICMP_ROUNDS_LAST);
}

static void icmp_pace(struct ep_engine *engine, void *shared, bool dense)
{
	struct icmp_shared *s = shared;

	(void)engine;
	(void)dense;
	for (unsigned i = 0; i < 2; i++)
		if (s->lane[i].in.socket.fd >= 0)
			icmp_port_watch(&s->lane[i]);
}

static int icmp_open(struct ep_engine *engine, void *shared)
{
	struct icmp_shared *s = shared;

	if (getrandom(&s->magic, sizeof(s->magic), 0) < 0)
		return -errno;
	s->engine = engine;
	s->table = inflight_create(INFLIGHT_SLOTS_MAX);
	s->buffers = icmp_buffers_create();
	if (s->table == NULL || s->buffers == NULL) {
		inflight_destroy(s->table);
		icmp_buffers_destroy(s->buffers);
		return -ENOMEM;
	}
	list_init(&s->fresh);
	for (unsigned i = 0; i < 2; i++) {
		icmp_lines_init(&s->lines[i]);
		icmp_port_init(s, &s->lane[i], i == 0 ? 4 : 6);
	}
	return 0;
}

static void icmp_shut(struct ep_engine *engine, void *shared)
{
	struct icmp_shared *s = shared;

	(void)engine;
	for (unsigned i = 0; i < 2; i++)
		icmp_port_close(&s->lane[i]);
	icmp_fresh_reap(s, UINT64_MAX); /* every probe has ended */
	icmp_buffers_destroy(s->buffers);
	inflight_destroy(s->table);
}

static uint64_t icmp_drops(const void *shared)
{
	const struct icmp_shared *s = shared;

	return (uint64_t)s->lane[0].in.drops + s->lane[1].in.drops;
}

static int icmp_ready(struct ep_engine *engine, void *shared, int family,
		      struct ep_err *err)
{
	struct icmp_port *l = lane_of(shared, family);
	bool raw = ep_engine_options(engine)->icmp_raw;

	if (l->in.socket.fd >= 0)
		return 0;
	return icmp_port_open(l, family,
			      raw ? ICMP_SOCKET_RAW : ICMP_SOCKET_ANY, err);
}

#define FIELD(name) offsetof(struct ep_target, name)

static const struct ep_opt opts[] = {
	{ "size", EP_OPT_UINT, FIELD(size), ICMP_WIRE_PAYLOAD_MIN,
	  ICMP_WIRE_PAYLOAD_MAX, "56", "bytes of payload in an echo request" },
	{ "dont_fragment", EP_OPT_BOOL, FIELD(dont_fragment), 0, 0, "false",
	  "no router may cut the packet" },
	{ "ttl", EP_OPT_UINT, FIELD(ttl), 1, 255, NULL,
	  "hops that a packet may take" },
	{ "dscp", EP_OPT_UINT, FIELD(dscp), 0, 63, "0",
	  "code point of the packet's class of service" },
};

const struct ep_kind ep_kind_icmp = {
	.name = "icmp",
	.phrase = "ICMP echo",
	.size = sizeof(struct probe),
	.shared_size = sizeof(struct icmp_shared),
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.open = icmp_open,
	.shut = icmp_shut,
	.ready = icmp_ready,
	.start = icmp_start,
	.drain = icmp_drain,
	.pace = icmp_pace,
	.drops = icmp_drops,
	.overdue = icmp_overdue,
	.close = icmp_close,
};
