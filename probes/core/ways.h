/* The ways out of an engine's targets, remembered as long as the kernel says
 * that nothing has changed: to ask for one costs several probes' time. */
#ifndef PROBES_CORE_WAYS_H
#define PROBES_CORE_WAYS_H

#include "core/source.h"
#include "edgeprobe/address.h"

struct ways;
struct ep_probe;

/* NULL: out of memory, or the kernel does not tell of changes; then
 * source_find() has to be asked each time. */
struct ways *ways_create(void);
void ways_destroy(struct ways *ways);

/* As source_find(), of this moment or of one since which no interface, address,
 * route or rule has changed, and that is no older than a second. */
int ways_find(struct ways *ways, const char *source,
	      const struct ep_address *to, struct source_way *ret_way);

/* The way that was found for a probe before its kind was told to start. */
const struct source_way *probe_way(const struct ep_probe *probe);

/* Ask again: EP_REASON_NONE if what the probe has sent would still leave by the
 * interface that was found, else why not. */
enum ep_reason probe_way_lost(struct ep_probe *probe);

#endif
