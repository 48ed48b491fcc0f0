/* Who answered with a RST the last time. Pure.
 *
 * A refusal is timed by our own clock, so that it must be seen at once; what is
 * refused once is mostly refused again. */
#ifndef PROBES_CORE_TCP_REFUSERS_H
#define PROBES_CORE_TCP_REFUSERS_H

#include "edgeprobe/address.h"
#include <stdbool.h>
#include <stdint.h>

#define TCP_REFUSERS 4096

/* Zero-initialise. Two that clash forget each other: the price is one figure
 * that is less sure. */
struct tcp_refusers {
	uint32_t hashes[TCP_REFUSERS]; /* 0: nobody */
};

/* `port` of `address` has refused, or done anything else. */
void tcp_refusers_note(struct tcp_refusers *refusers,
		       const struct ep_address *address, uint16_t port,
		       bool refused);

bool tcp_refusers_has(const struct tcp_refusers *refusers,
		      const struct ep_address *address, uint16_t port);

#endif
