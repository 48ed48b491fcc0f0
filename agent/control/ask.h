/* The other end of the control socket: ask a running agent, and wait. */
#ifndef CONTROL_ASK_H
#define CONTROL_ASK_H

#include "edgeprobe/error.h"
#include <stddef.h>
#include <stdint.h>

/* A line of the answer, without its newline; the last one, which says how it
 * went, is not among them. Return 0 to go on, anything else stops and is
 * returned. */
typedef int (*control_line_cb)(const char *line, size_t len, void *arg);

/* Send `request`, one line with its newline, to the agent at `path`. Each read
 * waits at most `patience_ns`. 0; -ECONNREFUSED: no agent runs there; -EACCES: not for us; what the agent said is wrong, with its errno;
 * -EPROTO: the answer has no end. */
int control_ask(const char *path, const char *request, uint64_t patience_ns,
		control_line_cb cb, void *arg, struct ep_err *err);

#endif
