/* What makes one flow of a target's packets on the path, for kinds with ports:
 * how its socket is bound and set, and what ICMP says of it. */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include "edgeprobe/address.h"
#include "edgeprobe/outcome.h"
#include <linux/errqueue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct ep_target;

/* Tries with a port of the flow; after them the kernel chooses. */
#define FLOW_TRIES 4

/* The source port of a target's flow; `try` counts from 0, for one that turns out
 * to be taken. 0: the kernel shall choose. */
uint16_t flow_port(const struct ep_target *t, unsigned try, uint16_t remote);

/* Bind to the target's source, and to `port` unless it is 0. `share`: others may
 * have that port, too. 0; -EADDRINUSE; others as source_bind(). */
int flow_bind(int fd, const struct ep_target *target, uint8_t family,
	      uint16_t port, bool share);

/* ICMP errors are queued; TTL and DSCP as the target wants them; `fixed`: the
 * flow label is constant, too. 0 or negative errno. */
int flow_set_options(int fd, const struct ep_target *t, uint8_t family,
		     bool fixed);

struct ep_address flow_own_address(int fd, uint16_t *ret_port);

/* What an entry of the error queue means. */
struct flow_error {
	enum ep_reason reason; /* EP_REASON_NONE: there is none */
	bool local;            /* our own host said it, not the network */
};

/* The error of a message of that queue; NULL: none. */
const struct sock_extended_err *flow_find_error(struct msghdr *m);

/* Of a socket that sends to `address`. */
struct flow_error flow_judge(int fd, const struct ep_address *address,
			     const struct sock_extended_err *e);

#endif
