/* Which edge location answered, read from the response headers. Pure.
 *
 * In order of preference, because several may come:
 *
 *   X-MSEdge-Ref, X-FD-Ref  the Front Door node that took the request (Ref B)
 *   X-Azure-Ref             the same for customers' Front Doors: the node in
 *                           the oldest form, a code in the newest, none in the
 *                           one between
 *   X-FirstHopCafeEFZ       Exchange's front door in use
 *   X-FEEFZInfo             Exchange's front door, perhaps the second hop
 *   Report-To               Exchange's, where it names a DestinationEndpoint
 *
 * Not read: the names of Exchange's servers (X-FEServer, X-FEProxyInfo,
 * X-CalculatedFETarget), which begin with a data centre's letters, come twice in
 * either order, and have been seen to name one across the continent from the
 * front door in use.
 *
 * A header with a code goes before one without; of equals the first stays. */
#ifndef PROBES_CORE_POP_H
#define PROBES_CORE_POP_H

#include "edgeprobe/sample.h"
#include <stddef.h>

/* Note one header line, "Name: value", with or without its line end. Of one
 * that tells the location, `pop_source` gets the name, `pop_ref` the value as
 * it came (cut, bytes that are no printable ASCII as '?'), `pop` the code: two
 * to four of [A-Z0-9], or "" where the value is not understood. Of the first
 * X-Cache, which says whether the edge answered alone, `edge_cache` gets the
 * first word (cut; [A-Za-z0-9_]). Any other line changes nothing. The fields must
 * start as "". */
void pop_note(struct ep_https *https, const char *line, size_t length);

/* Begin again: another answer follows (after an interim one). */
void pop_forget(struct ep_https *https);

#endif
