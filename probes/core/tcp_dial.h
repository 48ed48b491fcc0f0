/* A socket that is about to connect, and the ICMP error that it got instead. */
#ifndef PROBES_CORE_TCP_DIAL_H
#define PROBES_CORE_TCP_DIAL_H

#include "core/flow.h"
#include "edgeprobe/address.h"
#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stdint.h>

struct ep_target;

/* Tries to find a source port; the last ones leave the choice to the kernel. */
#define TCP_DIAL_TRIES 8

/* A nonblocking socket, bound as `target` wants it: to its source, and to the
 * port of its flow. `try` counts from 0, for a port that turns out to be taken.
 * `*ret_fixed`: the port is chosen already. 0, or negative errno: -EADDRINUSE:
 * try again with the next number; others as source_bind(). */
int tcp_dial_open(const struct ep_target *target,
		  const struct ep_address *address, uint16_t port, unsigned try,
		  int *ret_fd, bool *ret_fixed);

/* What tells apart the sockets that tcp_dial_open() makes: two of the same number
 * (never 0) have the same port and the same options. 0: each one is another. */
uint64_t tcp_dial_key(const struct ep_target *target,
		      const struct ep_address *address, uint16_t port,
		      unsigned try);

/* True if a connected socket has found itself: TCP's simultaneous open lets a
 * dial to a port of our own host meet its own SYN. */
bool tcp_dial_met_itself(int fd, const struct ep_address *address,
			 uint16_t port);

/* What SO_ERROR has pending; it is forgotten there. 0: nothing. */
int tcp_dial_take_error(int fd);

/* Bytes that a dial with this outcome takes in IP packets, about: the kernel
 * tells no number before bytes are sent. */
uint32_t tcp_dial_bytes(uint8_t family, enum ep_outcome outcome);

/* Read the queue of a dial to `address` until it is empty; the first ICMP error
 * counts. */
struct flow_error tcp_dial_read_error(int fd, const struct ep_address *address);

#endif
