/* Happy path: listen, and give each connection to a peer of its own (peer.c).
 *
 * What can fail: the path (claim.c); a connection that cannot be accepted or is
 * one too many (it is told, or dropped; the next one is served). */
#include "control/control.h"
#include "base/log.h"
#include "control/claim.h"
#include "control/peer.h"
#include "edgeprobe/private/scope.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 16

struct control {
	struct ep_scope scope; /* the listener, and a hold for each peer */
	uv_pipe_t listener;
	struct control_options options;
	struct claim claim;
	struct list peers;
	unsigned n_peers;
};

static void on_ended(struct ep_scope *scope)
{
	free(container_of(scope, struct control, scope));
}

static void on_left(void *arg)
{
	struct control *c = arg;

	c->n_peers--;
	ep_scope_drop(&c->scope);
}

static int judge(int fd, struct ep_err *err, void *arg)
{
	const struct control *c = arg;

	if (c->n_peers > CONTROL_PEERS_MAX)
		return ep_err_set(err, -EBUSY,
				  "too many ask at once: try again later");
	if (!claim_allows(&c->claim, fd))
		return ep_err_set(err, -EACCES,
				  "only root, the agent's own user and the "
				  "group that the configuration names may ask");
	return 0;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *c =
		container_of((uv_pipe_t *)listener, struct control, listener);
	struct peer_host host = { &c->options, on_left, c };
	int r = status;

	if (r == 0) {
		c->n_peers++;
		ep_scope_take(&c->scope);
		r = peer_accept(listener, &host, judge, &c->peers);
		if (r == -ENOMEM)
			on_left(c);
	}
	if (r < 0)
		log_warn("control", "accept=failed reason=\"%s\"",
			 uv_strerror(r));
}

static int listen_on(struct control *c, struct ep_err *err)
{
	int fd = -1, r = claim_take(&c->claim, &fd, err);

	if (r < 0)
		return r;
	r = uv_pipe_open(&c->listener, fd);
	if (r < 0)
		close(fd);
	else
		r = uv_listen((uv_stream_t *)&c->listener, BACKLOG,
			      on_connection);
	if (r < 0)
		return ep_err_set(err, r, "%s: %s", c->options.path,
				  uv_strerror(r));
	return 0;
}

int control_open(uv_loop_t *loop, const struct control_options *options,
		 struct control **ret_control, struct ep_err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	c->options = *options;
	list_init(&c->peers);
	r = claim_init(&c->claim, options->path, options->group, err);
	if (r < 0) {
		free(c);
		return r;
	}
	ep_scope_init(&c->scope);
	uv_pipe_init(loop, &c->listener, 0);
	ep_scope_adopt(&c->scope, (uv_handle_t *)&c->listener);
	r = listen_on(c, err);
	if (r < 0) {
		control_close(c);
		return r;
	}
	*ret_control = c;
	return 0;
}

void control_close(struct control *c)
{
	if (c == NULL)
		return;
	claim_drop(&c->claim);
	peers_drop(&c->peers);
	ep_scope_shut(&c->scope, (uv_handle_t *)&c->listener);
	ep_scope_end(&c->scope, on_ended);
}
