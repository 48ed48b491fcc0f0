/* The composition root: who exists, in which order they start and stop. */
#ifndef AGENT_APP_H
#define AGENT_APP_H

#include "config/config.h"
#include "edgeprobe/error.h"
#include <stdint.h>

/* Run the agent until SIGTERM or SIGINT, or for `duration_ns` (0: no end); in
 * the latter case the destinations get a few seconds to send the rest. A
 * second signal ends the process at once. 0; APP_AGAIN: it has ended because
 * other hosts of a source are to be measured, and is to be run again with what
 * the configuration comes to now; or a negative errno with `err` (-EINVAL: the
 * configuration). */
#define APP_AGAIN 1
int app_run(const struct config *config, uint64_t duration_ns,
	    struct ep_err *err);

#endif
