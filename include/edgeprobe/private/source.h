/* Leave by a certain line, for what is no probe. */
#ifndef EDGEPROBE_PRIVATE_SOURCE_H
#define EDGEPROBE_PRIVATE_SOURCE_H

#include <stdint.h>

/* Bind the unconnected TCP or UDP socket `fd` of `family` (4 or 6) to `source`,
 * an interface's name or a literal address of this host, as a probe of that
 * circuit is; NULL binds to none. 0, or negative errno: -EADDRNOTAVAIL: no such
 * address here, one of the other family, or the interface has none of `family`;
 * -ENODEV: no such interface. Never falls back. */
int ep_source_bind(int fd, uint8_t family, const char *source);

#endif
