/* Where addresses of the enterprise's own are: of the egresses and name servers
 * at its hubs. There is no table of the world here; the enterprise knows its
 * hubs, and says so. Pure. */
#ifndef EDGE_PLACE_H
#define EDGE_PLACE_H

#include "edgeprobe/address.h"
#include <stddef.h>

struct edge_hub {
	char *name;
	char *prefixes; /* CIDR, comma-separated */
	double latitude, longitude;
};

/* The hub with the longest prefix that `address` is in; of equal ones the
 * first. NULL: in none. */
const struct edge_hub *edge_hub_find(const struct edge_hub *hubs, size_t n,
				     const struct ep_address *address);

#endif
