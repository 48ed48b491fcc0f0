/* Asks the Microsoft 365 endpoints web service whether there is a newer list,
 * keeps it beside the store, and tells what changes by it. */
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
	/* After such a row: by the list that is kept now other hosts are to be
	 * measured. The watch is not to be closed before this returns to the
	 * loop. */
	void (*moved)(void *arg);
	void *arg;
};

/* Begins within a minute, or an interval after the list was written that is
 * kept, if that is later; where no target has the service as its source,
 * `*ret_watch` is NULL. 0, or a negative errno with `err`. */
int endpoints_watch_open(uv_loop_t *loop,
			 const struct endpoints_watch_options *options,
			 struct endpoints_watch **ret_watch,
			 struct ep_err *err);

/* Its handles are closed by the loop. NULL is fine. */
void endpoints_watch_close(struct endpoints_watch *watch);

#endif
