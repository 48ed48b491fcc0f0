/* Leave by a certain line: the circuit of a target. */
#ifndef PROBES_CORE_SOURCE_H
#define PROBES_CORE_SOURCE_H

#include "edgeprobe/address.h"
#include <stdbool.h>
#include <stdint.h>

/* Bind the unconnected TCP or UDP socket `fd` of `family` (4 or 6) to `source`,
 * an interface's name or a literal address of this host; NULL or "" binds to
 * none. To an address means to the interface that holds it, too, or the routing
 * table might choose another one. 0, or negative errno: -EADDRNOTAVAIL: no such
 * address here, one of the other family, or the interface has none of `family`;
 * -ENODEV: no such interface. Never falls back. */
int source_bind(int fd, uint8_t family, const char *source);

/* How something leaves. */
struct source_way {
	uint32_t interface;        /* index of the line; 0: none, any will do */
	struct ep_address address; /* to leave from; empty: the line's own */
};

/* Find the way from `source` (not NULL) to `to`. 0, or as above, or
 * -ENETUNREACH: no route leads there by it. For every kind, before it sends. */
int source_find(const char *source, const struct ep_address *to,
		struct source_way *ret_way);

/* The part of it that binds to the interface of `address`. */
int source_bind_holder(int fd, const struct ep_address *address);

/* True if `fd`, which source_bind() has bound, would be bound otherwise now, or
 * not at all: the interface or the address is no more, an interface that came in
 * its place by the same name is another, the address is on another one. */
bool source_is_gone(int fd, uint8_t family, const char *source);

/* True if `fd` is bound to the interface of `way`, where that has one, and to
 * none where it has none. */
bool source_is_bound(int fd, const struct source_way *way);

#endif
