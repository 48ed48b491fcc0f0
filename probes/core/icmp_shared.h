/* Of the ICMP kind alone: the sockets that an engine has, and what they share.
 * icmp.c sends; here is who waits for which socket and reads it, and how one for
 * a fresh flow comes and goes. */
#ifndef CORE_ICMP_SHARED_H
#define CORE_ICMP_SHARED_H

#include "core/icmp_lane.h"
#include "core/inflight.h"
#include "core/nonce.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"

/* A socket and who is told of it. */
struct icmp_port {
	struct icmp_lane in;
	struct ep_watch watch;
	struct icmp_shared *shared;
	unsigned unstamped; /* replies in a row without a receive stamp */
	struct list link;   /* in `fresh`: it serves one probe */
	uint64_t over_ns;   /* when it may go; 0: its probe is under way */
};

struct icmp_shared {
	struct ep_engine *engine;
	struct inflight *table;
	struct icmp_buffers *buffers;
	struct icmp_port lane[2]; /* IPv4, IPv6 */
	struct icmp_lines lines[2];
	struct list fresh;
	unsigned n_fresh;
	unsigned reading; /* calls of read_queues() on the stack */
	uint32_t magic;
	struct nonces nonces;
};

/* As closed. */
void icmp_port_init(struct icmp_shared *s, struct icmp_port *p, int family);

/* As icmp_socket_open(). */
int icmp_port_open(struct icmp_port *p, int family, enum icmp_socket_want want,
		   struct ep_err *err);
void icmp_port_close(struct icmp_port *p);

/* Have this socket waited for as it needs now: not while probes are dense and
 * receive stamps come. */
void icmp_port_watch(struct icmp_port *p);
bool icmp_port_is_awaited(const struct icmp_port *p);

/* Take what has come, at most so many batches. Callbacks run inside. */
void icmp_port_read(struct icmp_port *p, uint32_t events, unsigned rounds);
#define ICMP_ROUNDS_WAKE 16   /* in one wake-up; then others' turn */
#define ICMP_ROUNDS_LAST 1024 /* at a deadline: whatever the buffer holds */

/* A socket with an id of its own, for one probe: a ping socket has one id, so
 * that a new flow takes a new socket. 0; -EMFILE: too many at a time. */
int icmp_fresh_open(struct icmp_shared *s, int family,
		    struct icmp_port **ret_port);

/* Its probe is settled; late replies are taken until `until_ns`. */
void icmp_fresh_end(struct icmp_port *p, uint64_t until_ns);

/* Close those that are over at `now_ns`; UINT64_MAX: all whose probe ended. */
void icmp_fresh_reap(struct icmp_shared *s, uint64_t now_ns);

#endif
