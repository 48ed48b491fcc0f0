/* Whose network the public address of each circuit is in, to be put beside the
 * provider that is registered: a service that knows is asked over the circuit's
 * name servers, once a day for an address. Only where such a service is
 * configured; on the keeping thread. */
#ifndef AGENT_PROVIDER_H
#define AGENT_PROVIDER_H

#include "config/config.h"
#include "edge/asn.h"
#include "edgeprobe/error.h"
#include <uv.h>

struct provider;

/* `config` is borrowed until the end. Where no service is configured,
 * `*ret_provider` is NULL. 0, or -ENOMEM with `err`. */
int provider_open(uv_loop_t *loop, const struct config *config,
		  struct provider **ret_provider, struct ep_err *err);

/* Circuit `i` of the configuration (n_circuits: none) has this address at
 * `now_ns`, monotonic: asks for it when a day is over since that was done. What
 * is known of it, until the next call or the loop; NULL: nothing yet. */
const struct edge_asn *provider_of(struct provider *provider, size_t i,
				   const struct ep_address *address,
				   uint64_t now_ns);

/* Its handles are closed by the loop. NULL is fine. */
void provider_close(struct provider *provider);

#endif
