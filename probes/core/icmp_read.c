#include "core/answers.h"
#include "core/icmp_shared.h"
#include "edgeprobe/clock.h"
#include <sys/epoll.h>

/* So many replies in a row without a receive stamp: reading late would be part
 * of the figure, so this socket is waited for, dense or not. */
#define BLIND_AFTER 16

/* --- answers --- */

/* Our own host's word is no word of the network. */
static enum ep_reason own_reason(enum ep_reason reason)
{
	if (reason == EP_REASON_ADMIN_PROHIBITED)
		return EP_REASON_PERMISSION;
	return reason == EP_REASON_PACKET_TOO_BIG ? reason : EP_REASON_NO_ROUTE;
}

static void take_error(struct icmp_shared *s, const struct icmp_seen *seen)
{
	struct inflight_slot *slot =
		inflight_find(s->table, seen, ep_clock_mono_ns());

	if (slot == NULL)
		return;
	if (icmp_seen_local(seen))
		answer_error(slot, EP_FAILED, own_reason(seen->reason));
	else
		answer_error(slot, EP_UNREACHABLE, seen->reason);
}

/* The callbacks inside may send, and so park more. */
static void take_parked(struct icmp_port *l)
{
	struct icmp_seen parked[ICMP_PARKED_MAX];
	unsigned n = icmp_lane_take_parked(&l->in, parked);

	for (unsigned i = 0; i < n; i++)
		take_error(l->shared, &parked[i]);
}

/* --- who waits for which socket --- */

/* While probes are dense nobody waits for a socket: icmp_drain() comes. */
bool icmp_port_is_awaited(const struct icmp_port *l)
{
	return !ep_engine_dense(l->shared->engine) ||
	       l->unstamped >= BLIND_AFTER || !list_empty(&l->link);
}

void icmp_port_watch(struct icmp_port *l)
{
	if (icmp_port_is_awaited(l))
		ep_engine_watch(l->shared->engine, &l->watch,
				l->in.n_parked > 0 ? EPOLLIN | EPOLLOUT
						   : EPOLLIN);
	else
		ep_engine_unwatch(l->shared->engine, &l->watch);
}

static void note_received(struct icmp_port *l, bool stamped)
{
	bool was = icmp_port_is_awaited(l);

	if (stamped)
		l->unstamped = 0;
	else if (l->unstamped < BLIND_AFTER)
		l->unstamped++;
	if (icmp_port_is_awaited(l) != was)
		icmp_port_watch(l);
}

/* --- receiving --- */

static void measure(struct icmp_port *l, struct inflight_slot *slot,
		    const struct icmp_received *r, struct stamp_seen *seen,
		    struct ep_sample *ret_sample)
{
	struct stamp_rtt rtt;

	/* it may have been queued after we looked, and before the reply.
	 * UNTESTED: loopback stamps inside the send */
	if (slot->sent.kernel_ns == 0 || slot->sent.queue)
		icmp_lane_read_stamps(&l->in);
	seen->kernel_ns = r->kernel_ns;
	stamp_rtt(&slot->sent, seen, &rtt);
	icmp_line_replied(&l->in.lines->line[slot->line],
			  slot->sent.kernel_ns != 0 && !slot->sent.queue,
			  r->kernel_ns != 0);
	note_received(l, r->kernel_ns != 0);
	ep_sample_init(ret_sample);
	if (rtt.queue)
		ret_sample->flags = EP_FLAG_TX_SCHED;
	ret_sample->rtt_ns = rtt.stepped ? EP_ABSENT : (int64_t)rtt.rtt_ns;
	ret_sample->uncertainty_ns = rtt.uncertainty_ns;
	ret_sample->stamp = (uint8_t)rtt.stamp;
	ret_sample->ttl = (int16_t)r->seen.ttl;
}

static void take_received(struct icmp_port *l, const struct icmp_received *r,
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
	answer_reply(l->shared->engine, slot, &measured);
}

static void receive(struct icmp_port *l, unsigned rounds)
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
void icmp_port_read(struct icmp_port *l, uint32_t events, unsigned rounds)
{
	l->shared->reading++;
	if (events & EPOLLERR)
		icmp_lane_read_stamps(&l->in);
	if (events & EPOLLIN)
		receive(l, rounds);
	take_parked(l);
	l->shared->reading--;
}
