/* Asks the Microsoft 365 endpoints web service whether there is a newer list,
 * keeps it beside the store, and tells what changes by it. What is measured is
 * what the agent started with: a newer list holds from the next start. */
#ifndef AGENT_ENDPOINTS_WATCH_H
#define AGENT_ENDPOINTS_WATCH_H

#include "config/config.h"
#include "edgeprobe/error.h"
#include <uv.h>

struct endpoints_watch;

struct endpoints_watch_options {
	const struct config *config; /* borrowed until the end */
	/* Members of a row of type event. */
	void (*row)(const char *body, void *arg);
	void *arg;
};

/* Begins within a minute; where no target has the service as its source,
 * `*ret_watch` is NULL. 0, or a negative errno with `err`. */
int endpoints_watch_open(uv_loop_t *loop,
			 const struct endpoints_watch_options *options,
			 struct endpoints_watch **ret_watch,
			 struct ep_err *err);

/* Its handles are closed by the loop. NULL is fine. */
void endpoints_watch_close(struct endpoints_watch *watch);

#endif
