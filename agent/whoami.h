/* Which name server asks the world for each circuit: a name that answers each
 * with the address that the question came from (such services are called
 * whoami) is asked hourly of the circuit's name servers. Only where such a name
 * is configured; on the keeping thread. */
#ifndef AGENT_WHOAMI_H
#define AGENT_WHOAMI_H

#include "config/config.h"
#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include <uv.h>

struct whoami;

/* Circuit `i` of the configuration (n_circuits: the routing table's) is asked
 * for by this address. */
typedef void (*whoami_cb)(size_t i, const struct ep_address *address,
			  void *arg);

/* `config` is borrowed until the end. Where no name is configured, or none of
 * the servers can be asked, `*ret_whoami` is NULL. 0, or -ENOMEM with `err`. */
int whoami_open(uv_loop_t *loop, const struct config *config, whoami_cb cb,
		void *arg, struct whoami **ret_whoami, struct ep_err *err);

/* Its handles are closed by the loop. NULL is fine. */
void whoami_close(struct whoami *whoami);

#endif
