/* One connection to the control socket: a request, an answer, the end. */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include "control/control.h"
#include "edgeprobe/private/list.h"

/* Borrowed until the peer has left. */
struct peer_host {
	const struct control_options *options;
	void (*left)(void *arg); /* its last: the peer is gone */
	void *arg;
};

/* May whoever is at the other end of `fd` ask? 0, or a negative errno and in
 * `err` what it is told instead. */
typedef int (*peer_judge)(int fd, struct ep_err *err, void *arg);

/* Accept the connection that waits on `listener` and put it into `peers`. It
 * answers by itself, and leaves. `judge` is called with the host's `arg`. 0;
 * on a negative errno it has left, or will. */
int peer_accept(uv_stream_t *listener, const struct peer_host *host,
		peer_judge judge, struct list *peers);

/* Drop all of `peers` at once. */
void peers_drop(struct list *peers);

#endif
