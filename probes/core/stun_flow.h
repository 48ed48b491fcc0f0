/* Of the STUN kind alone: a connected UDP socket for each flow, kept as long as
 * it is used, so that a NAT and a load balancer see the same one every time. */
#ifndef CORE_STUN_FLOW_H
#define CORE_STUN_FLOW_H

#include "core/flow.h"
#include "core/inflight.h"
#include "core/nonce.h"
#include "core/stamp.h"
#include "core/stun_wire.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/target.h"
#include "edgeprobe/watch.h"

#define STUN_FLOWS_MAX 256

/* A socket that nobody used for so long is closed: longer than NATs remember a
 * UDP mapping, so that nothing is lost by it. */
#define STUN_FLOW_IDLE_NS (300 * UINT64_C(1000000000))

struct stun_shared;

struct stun_flow {
	struct list link;
	struct ep_watch watch;
	struct stun_shared *shared;
	struct ep_address to;
	uint16_t port;
	uint64_t key; /* 0: of one probe only */
	unsigned in_flight;
	uint64_t used_ns;  /* last, monotonic */
	uint64_t keep_ns;  /* a late reply may come until then */
	uint64_t empty_ns; /* nothing was there to be read then */
	uint32_t drops;
	uint64_t drops_grew_ns;
	struct stamp_ring ring;
};

/* The flow of a probe's target to its address; opened if there is none. On 0 it
 * counts one more in flight. -EMFILE: too many at a time; others as
 * flow_bind(). */
int stun_flow_take(struct stun_shared *s, const struct ep_probe *probe,
		   uint64_t now_ns, struct stun_flow **ret_flow);

/* One less in flight; what still comes until `keep_ns` is wanted. */
void stun_flow_drop(struct stun_flow *flow, uint64_t keep_ns);

/* Send; readings of the clock go to `sent`, the packet's number to
 * `*ret_opt_id`. 0 or negative errno. */
int stun_flow_send(struct stun_flow *flow, const struct inflight_slot *slot,
		   struct stamp_send *sent, uint32_t *ret_opt_id);

/* An answer, and what came with it. */
struct stun_received {
	struct stun_seen seen;
	uint64_t kernel_ns; /* receive stamp, wall; 0: none */
	int ttl;
};

/* 1: `*ret_received` is one; 0: all has been read. Whatever is no answer is
 * passed over. */
int stun_flow_receive(const struct stun_flow *flow,
		      struct stun_received *ret_received);

/* Out of the error queue. */
struct stun_queued {
	bool stamp;         /* a transmit stamp, else an error */
	bool queue;         /* the stamp is of the local queue */
	uint32_t opt_id;    /* whose stamp it is */
	uint64_t kernel_ns; /* the stamp, wall */
	bool quoted;        /* the error says whose it is: */
	uint32_t slot;
	uint64_t nonce;
	struct flow_error error;
};
/* 1 or 0, as above. */
int stun_flow_take_queued(const struct stun_flow *flow,
			  struct stun_queued *ret_queued);

/* True if the kernel had no room for what came since `since_ns`. */
bool stun_flow_dropped(struct stun_flow *flow, uint64_t since_ns,
		       uint64_t now_ns);

/* Close those that are idle, unless they are being read: what a callback starts
 * must not close what is read next. UINT64_MAX: all. */
void stun_flow_reap(struct stun_shared *s, uint64_t now_ns);

/* What an engine has of this kind. */
struct stun_shared {
	struct ep_engine *engine;
	struct inflight *table;
	struct list flows;
	unsigned n_flows;
	unsigned reading; /* calls on the stack that go through the flows */
	struct nonces nonces;
	uint64_t drops; /* of flows that are closed */
};

/* The kind's: called when a flow's socket is ready. */
void stun_flow_ready(struct ep_watch *watch, uint32_t events);

#endif
