/* A name that has other addresses than before, as a row. */
#ifndef AGENT_NAME_EVENT_H
#define AGENT_NAME_EVENT_H

#include "base/buf.h"
#include "config/config.h"
#include "edgeprobe/engine.h"

/* The body of an event row, as in struct record. `circuit` is whose name servers
 * have said it; NULL: those that all others ask. At most NOTICE_BODY_MAX. */
void name_event_write(struct buf *out, const struct ep_names_change *change,
		      const struct config_circuit *circuit);

#endif
