/* How the agent is, as lines: what `edgeprobe status` shows. */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "circuit/circuit.h"
#include "config/config.h"
#include "control/control.h"
#include "keeping.h"

/* Whom it tells of; borrowed. */
struct status_of {
	const struct config *config;
	const struct keeping *keeping;
	const struct circuits *circuits;
	uint64_t started_ns; /* monotonic */
};

/* A control_say of everything; the parts are listed in control/README.md. */
int status_say(const struct status_of *of, struct control_answer *answer,
	       struct ep_err *err);

/* What the agent knows of a destination beside the store: a backlog_more; `arg`
 * is a struct status_of. */
void status_destination(const char *name, uint64_t rows, struct buf *line,
			void *arg);

#endif
