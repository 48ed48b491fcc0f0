/* Leave by a certain line: the circuit of a target. */
#ifndef PROBES_CORE_SOURCE_H
#define PROBES_CORE_SOURCE_H

#include <stdint.h>

/* Bind the unconnected TCP or UDP socket `fd` of `family` (4 or 6) to `source`,
 * an interface's name or a literal address of this host; NULL or "" binds to
 * none. 0, or negative errno: -EADDRNOTAVAIL: no such address here, or one of
 * the other family; -ENODEV: no such interface. Never falls back. */
int source_bind(int fd, uint8_t family, const char *source);

#endif
