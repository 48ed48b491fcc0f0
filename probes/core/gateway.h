/* The router that the default route leads to, as the kernel says at this
 * moment. */
#ifndef PROBES_CORE_GATEWAY_H
#define PROBES_CORE_GATEWAY_H

#include "edgeprobe/address.h"

/* The next hop of the default route that a packet from `source` takes (an
 * interface's name or an address of this host; NULL or "": any), policy rules
 * respected. `family` 4 or 6; 0: 4, and 6 if there is none. Of several next hops
 * it is the first that is up; on a line from point to point that has none, the
 * address of the other end. An IPv4 route may have one of IPv6. A handful of
 * system calls; asks nobody else.
 *
 * 0, or negative errno: -ENETUNREACH: no default route, or one without a router;
 * -ENODEV, -EADDRNOTAVAIL: no such interface, no such address here, or one of
 * the other family; -EMFILE and the like. */
int gateway_find(const char *source, int family,
		 struct ep_address *ret_address);

#endif
