/* Which names' addresses have changed, and when that may be told: a name is
 * told of at once, and then not again for EP_NAMES_GAP_NS. Pure but for the
 * callback; it is told the time. */
#ifndef PROBES_CORE_NAME_TELL_H
#define PROBES_CORE_NAME_TELL_H

#include "core/name_cache.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include <stdint.h>

struct name_tell {
	ep_names_cb cb; /* NULL: nobody wants to know */
	void *arg;
	struct list now;   /* names to be told of */
	struct list quiet; /* names told of lately, longest ago first */
};

void name_tell_init(struct name_tell *tell);

/* `cb` NULL: nobody wants to know any more, from now on. */
void name_tell_listen(struct name_tell *tell, ep_names_cb cb, void *arg);

/* `name` has taken an answer: notice if it is another one. Calls nobody. */
void name_tell_note(struct name_tell *tell, struct name *name, uint64_t now_ns);

/* When name_tell_run() is due; UINT64_MAX: not at all. */
uint64_t name_tell_due(const struct name_tell *tell);

/* Call back for what is due. The callback may do as with probes. */
void name_tell_run(struct name_tell *tell, uint64_t now_ns);

#endif
