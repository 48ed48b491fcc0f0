/* Addresses of this host and the interfaces that hold them, as the kernel says
 * at this moment. */
#ifndef PROBES_CORE_HOLDER_H
#define PROBES_CORE_HOLDER_H

#include "edgeprobe/address.h"
#include <stdbool.h>
#include <stdint.h>

/* Index of the interface that holds `address`; 0: it is loopback, which is no
 * line. 0, or negative errno; -EADDRNOTAVAIL: no address of this host. */
int holder_of(const struct ep_address *address, uint32_t *ret_interface);

/* True if the interface of this index has an IPv6 address to leave from, one
 * beyond the link. Without one the kernel would borrow that of another
 * interface, and the answer come by that. Of IPv4 SIOCGIFADDR tells. */
bool holder_has_ipv6(uint32_t interface);

/* True if a route leads to `to` by the interface, from `source` where it is not
 * empty. Without one IPv4 would look for `to` on the link itself; and IPv6, to
 * which an interface that is named for one packet only is a mere wish, would go
 * by another. */
bool holder_leads(const struct ep_address *to, const struct ep_address *source,
		  uint32_t interface);

#endif
