/* What is kept of Microsoft 365's endpoints beside the store: the lists, and the
 * id that the service wants from each machine; and what changes by a list. */
#ifndef AGENT_ENDPOINTS_KEEP_H
#define AGENT_ENDPOINTS_KEEP_H

#include "base/buf.h"
#include "config/sources.h"

/* A random UUID as text. */
#define ENDPOINTS_ID 37

/* The id of this machine: made and kept, mode 0600, when there is none. 0 or a
 * negative errno with `err`. */
int endpoints_id(const char *store_path, char ret_id[ENDPOINTS_ID],
		 struct ep_err *err);

/* Replace the list of `instance` by an answer of the service, all or nothing, on
 * disk when it returns. 0 or a negative errno with `err`. */
int endpoints_keep(const char *store_path, const char *instance,
		   const char *version, const struct buf *answer,
		   struct ep_err *err);

/* Append the members of a row of type event if other hosts are chosen of `now`
 * than of `before` by the config's sources of this instance. 0 or -ENOMEM. */
int endpoints_changes(const struct config *config, const char *instance,
		      const struct edge_endpoints *before,
		      const struct edge_endpoints *now, const char *version,
		      struct buf *out);

#endif
