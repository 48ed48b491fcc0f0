/* Leave by a certain line: the circuit of a target. */
#ifndef PROBES_CORE_SOURCE_H
#define PROBES_CORE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

/* Bind the unconnected TCP or UDP socket `fd` of `family` (4 or 6) to `source`,
 * an interface's name or a literal address of this host; NULL or "" binds to
 * none. 0, or negative errno: -EADDRNOTAVAIL: no such address here, or one of
 * the other family; -ENODEV: no such interface. Never falls back. */
int source_bind(int fd, uint8_t family, const char *source);

/* True if the interface that `fd` was bound to is no more (one that came in its
 * place by the same name is another), or if the address is not here. */
bool source_is_gone(int fd, const char *source);

#endif
