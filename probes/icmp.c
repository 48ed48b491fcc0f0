/* The ICMP echo kind.
 *
 * Happy path: icmp_start() takes a slot of the table, sends, and reads the
 * transmit stamp from the error queue at once; the reply makes the socket
 * readable, on_ready() finds its slot by index, nonce and address, and settles
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
#include "core/icmp_answers.h"
#include "core/icmp_lane.h"
#include "core/icmp_socket.h"
#include "core/icmp_wire.h"
#include "core/inflight.h"
#include "core/kinds.h"
#include "core/nonce.h"
#include "core/stamp.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/uio.h>

#define WAKE_ROUNDS 16   /* batches read in one wake-up; then others' turn */
#define LAST_ROUNDS 1024 /* at a deadline: whatever the buffer holds */

struct lane {
	struct icmp_lane in;
	struct ep_watch watch;
	struct shared *shared;
};

struct shared {
	struct ep_engine *engine;
	struct inflight *table;
	struct icmp_buffers *buffers;
	struct lane lane[2]; /* IPv4, IPv6 */
	uint32_t magic;
	struct nonces nonces;
};

struct probe {
	struct inflight_slot *slot; /* NULL: not sent */
};

static struct lane *lane_of(struct shared *s, int family)
{
	return &s->lane[family == 6];
}

/* --- answers --- */

static void take_error(struct shared *s, const struct icmp_seen *seen)
{
	struct inflight_slot *slot =
		inflight_find(s->table, seen, ep_clock_mono_ns());

	if (slot != NULL)
		icmp_take_error(slot, seen);
}

/* The callbacks inside may send, and so park more. */
static void take_parked(struct lane *l)
{
	struct icmp_seen parked[ICMP_PARKED_MAX];
	unsigned n = icmp_lane_take_parked(&l->in, parked);

	for (unsigned i = 0; i < n; i++)
		take_error(l->shared, &parked[i]);
}

/* --- receiving --- */

static void measure(struct lane *l, struct inflight_slot *slot,
		    const struct icmp_received *r, struct stamp_seen *seen,
		    struct ep_sample *ret_sample)
{
	struct stamp_rtt rtt;

	/* it may have been queued after we looked, and before the reply.
	 * UNTESTED: loopback stamps inside the send */
	if (slot->sent.kernel_ns == 0)
		icmp_lane_read_stamps(&l->in);
	seen->kernel_ns = r->kernel_ns;
	stamp_rtt(&slot->sent, seen, &rtt);
	ep_sample_init(ret_sample);
	ret_sample->rtt_ns = (int64_t)rtt.rtt_ns;
	ret_sample->uncertainty_ns = rtt.uncertainty_ns;
	ret_sample->stamp = (uint8_t)rtt.stamp;
	ret_sample->ttl = (int16_t)r->seen.ttl;
}

static void take_received(struct lane *l, const struct icmp_received *r,
			  struct stamp_seen *seen)
{
	struct inflight_slot *slot;
	struct ep_sample measured;

	if (r->seen.what == ICMP_ERROR)
		take_error(l->shared, &r->seen);
	if (r->seen.what != ICMP_REPLY || r->seen.magic != l->shared->magic)
		return;
	slot = inflight_find(l->shared->table, &r->seen, seen->read_ns);
	if (slot == NULL)
		return;
	measure(l, slot, r, seen, &measured);
	icmp_take_reply(l->shared->engine, slot, &measured);
}

static void receive(struct lane *l, unsigned rounds)
{
	struct icmp_received received[ICMP_SOCKET_BATCH];
	struct stamp_seen seen = { .empty_ns = l->in.empty_ns };
	uint64_t before_ns = ep_clock_mono_ns();
	unsigned n = ICMP_SOCKET_BATCH;

	seen.offset_ns = ep_clock_offset_ns();
	while (n == ICMP_SOCKET_BATCH && rounds-- > 0) {
		before_ns = ep_clock_mono_ns();
		n = icmp_socket_receive(&l->in.socket, l->shared->buffers,
					received);
		seen.read_ns = ep_clock_mono_ns();
		for (unsigned i = 0; i < n; i++)
			take_received(l, &received[i], &seen);
	}
	if (n < ICMP_SOCKET_BATCH)
		l->in.empty_ns = before_ns;
	icmp_lane_watch_drops(&l->in, before_ns);
}

/* Errors that are parked when this is done were found by a send inside. */
static void read_queues(struct lane *l, uint32_t events, unsigned rounds)
{
	if (events & EPOLLERR)
		icmp_lane_read_stamps(&l->in);
	if (events & EPOLLIN)
		receive(l, rounds);
	take_parked(l);
}

/* While probes are dense nobody waits for this socket: icmp_drain() comes. */
static void set_events(struct lane *l, uint32_t events)
{
	if (!ep_engine_dense(l->shared->engine))
		ep_engine_watch(l->shared->engine, &l->watch, events);
}

static void on_ready(struct ep_watch *watch, uint32_t events)
{
	struct lane *l = container_of(watch, struct lane, watch);

	if (events & EPOLLOUT)
		set_events(l, EPOLLIN);
	read_queues(l, events, WAKE_ROUNDS);
}

static void icmp_drain(struct ep_engine *engine, void *shared)
{
	struct shared *s = shared;

	(void)engine;
	for (unsigned i = 0; i < 2; i++)
		if (s->lane[i].in.socket.fd >= 0)
			read_queues(&s->lane[i], EPOLLIN | EPOLLERR,
				    LAST_ROUNDS);
}

static void icmp_pace(struct ep_engine *engine, void *shared, bool dense)
{
	struct shared *s = shared;

	for (unsigned i = 0; i < 2; i++) {
		struct lane *l = &s->lane[i];

		if (l->in.socket.fd < 0)
			continue;
		if (dense)
			ep_engine_unwatch(engine, &l->watch);
		else
			set_events(l, l->in.n_parked > 0 ? EPOLLIN | EPOLLOUT
							 : EPOLLIN);
	}
}

/* --- sending --- */

static int find_way(const struct lane *l, const struct ep_target *t,
		    struct icmp_way *way)
{
	way->ttl = (uint8_t)t->ttl;
	way->dscp = (uint8_t)t->dscp;
	if (t->ttl > 255 || t->dscp > 63)
		return -EINVAL;
	return t->source == NULL
		       ? 0
		       : icmp_socket_way(&l->in.socket, t->source, way);
}

static int send_packet(struct lane *l, struct ep_probe *probe,
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

static int send_slot(struct lane *l, struct ep_probe *probe,
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
	int r = nonce_next(&l->shared->nonces, &request.nonce);

	if (r < 0)
		return r;
	icmp_lane_set_flow(&l->in, t->flow, &request);
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
static void keep(struct lane *l, struct ep_probe *probe,
		 struct inflight_slot *slot)
{
	struct ep_sample *sample = ep_probe_sample(probe);

	slot->owner = probe;
	slot->id = sample->id;
	slot->wall_ns = sample->sent_ns;
	slot->slip_ns = sample->slip_ns;
	sample->bytes = request_bytes(probe);
	icmp_lane_sent(&l->in, slot);
	inflight_sent(l->shared->table, slot, slot->sent.before_ns,
		      ep_probe_timeout_ns(probe));
}

static int icmp_start(struct ep_probe *probe)
{
	struct shared *s = ep_probe_shared(probe);
	struct probe *p = ep_probe_state(probe);
	struct lane *l = lane_of(s, ep_probe_address(probe)->family);
	struct icmp_way way = { 0 };
	struct inflight_slot *slot;
	uint64_t now_ns = ep_clock_mono_ns();
	int r = find_way(l, ep_probe_target(probe), &way);

	if (r < 0)
		return r;
	icmp_lane_watch_drops(&l->in, now_ns);
	r = inflight_take(s->table, now_ns, &slot);
	if (r < 0)
		return r;
	slot->sent.offset_ns = icmp_lane_offset_ns(&l->in, now_ns);
	r = send_slot(l, probe, slot, &way);
	if (r < 0) {
		inflight_give_back(s->table, slot);
	} else {
		keep(l, probe, slot);
		p->slot = slot;
	}
	/* most stamps are there by now, and need no wake-up of their own */
	if (!ep_engine_dense(s->engine))
		icmp_lane_read_stamps(&l->in);
	if (l->in.n_parked > 0)
		set_events(l, EPOLLIN | EPOLLOUT);
	return r;
}

/* --- the end of a probe --- */

/* If the kernel had to drop packets since it was sent, the reply may have been
 * among them. */
static enum ep_reason icmp_overdue(struct ep_probe *probe)
{
	struct shared *s = ep_probe_shared(probe);
	struct probe *p = ep_probe_state(probe);
	struct lane *l = lane_of(s, ep_probe_address(probe)->family);

	if (p->slot == NULL)
		return EP_REASON_TIMEOUT;
	p->slot->state = INFLIGHT_LOST;
	return icmp_lane_dropped(&l->in, p->slot->sent.before_ns,
				 ep_clock_mono_ns())
		       ? EP_REASON_UNMEASURED
		       : EP_REASON_TIMEOUT;
}

static void icmp_close(struct ep_probe *probe)
{
	struct probe *p = ep_probe_state(probe);

	if (p->slot == NULL)
		return;
	p->slot->owner = NULL;
	if (p->slot->state == INFLIGHT_WAITING)
		p->slot->state = INFLIGHT_ABANDONED;
}

/* --- the engine's part --- */

static int icmp_open(struct ep_engine *engine, void *shared)
{
	struct shared *s = shared;

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
	for (unsigned i = 0; i < 2; i++) {
		icmp_lane_init(&s->lane[i].in, s->table, s->buffers);
		s->lane[i].shared = s;
		s->lane[i].watch.fd = -1;
		s->lane[i].watch.on_ready = on_ready;
	}
	return 0;
}

static void icmp_shut(struct ep_engine *engine, void *shared)
{
	struct shared *s = shared;

	for (unsigned i = 0; i < 2; i++) {
		ep_engine_unwatch(engine, &s->lane[i].watch);
		icmp_socket_close(&s->lane[i].in.socket);
	}
	icmp_buffers_destroy(s->buffers);
	inflight_destroy(s->table);
}

static uint64_t icmp_drops(const void *shared)
{
	const struct shared *s = shared;

	return (uint64_t)s->lane[0].in.drops + s->lane[1].in.drops;
}

static int icmp_ready(struct ep_engine *engine, void *shared, int family,
		      struct ep_err *err)
{
	struct shared *s = shared;
	struct lane *l = lane_of(s, family);
	int r;

	if (l->in.socket.fd >= 0)
		return 0;
	r = icmp_lane_open(&l->in, family, ep_engine_options(engine)->icmp_raw,
			   s->magic, err);
	if (r < 0)
		return r;
	l->watch.fd = l->in.socket.fd;
	r = ep_engine_dense(engine)
		    ? 0
		    : ep_engine_watch(engine, &l->watch, EPOLLIN);
	if (r == 0)
		return 0;
	l->watch.fd = -1;
	icmp_socket_close(&l->in.socket);
	return ep_err_set(err, r, "the ICMP socket cannot be watched: %s",
			  strerror(-r));
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
	.shared_size = sizeof(struct shared),
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
