/* Happy path: one echo after the other, to the line's gateway; what the kernel
 * gave with them is in the line's record, which probes on their way keep too.
 *
 * What can fail: there is no gateway, or it is silent (then the host that the
 * caller named); nobody answers (transmit stamps are known all the same); the
 * engine closes (what is known then is told). */
#include "core/icmp_shared.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/line.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ECHOES 5

struct self_test {
	struct ep_engine *engine;
	struct icmp_shared *shared;
	struct ep_target target;
	char source[ICMP_LINE_TEXT];
	char host[EP_HOST_MAX + 1];
	bool named; /* the gateway did not answer */
	struct ep_line line;
	ep_line_cb cb;
	void *arg;
};

static void look_up(const struct self_test *t, struct ep_line *ret_line)
{
	bool six = ret_line->family == 6;
	struct icmp_lines *lines = &t->shared->lines[six];
	const struct icmp_line *line =
		&lines->line[icmp_lines_find(lines, t->target.source)];

	ret_line->tx_driver = line->driver > 0;
	ret_line->tx_queue = line->queue > 0;
	ret_line->rx = line->received > 0;
	ret_line->buffer_bytes =
		icmp_socket_buffer(&t->shared->lane[six].in.socket);
}

static void finish(struct self_test *t)
{
	if (t->line.family != 0)
		look_up(t, &t->line);
	t->line.source = t->target.source;
	t->cb(&t->line, t->arg);
	free(t);
}

static void on_echo(const struct ep_target *target,
		    const struct ep_sample *sample, void *arg);

static int send_echo(struct self_test *t)
{
	struct ep_probe *probe;
	int r = ep_probe_start(t->engine, &t->target, 0, on_echo, t, &probe);

	if (r == 0)
		t->shared = ep_probe_shared(probe);
	return r;
}

static void on_echo(const struct ep_target *target,
		    const struct ep_sample *sample, void *arg)
{
	struct self_test *t = arg;
	bool replied = sample->outcome == EP_REPLIED;

	(void)target;
	if (sample->address.family != 0)
		t->line.family = sample->address.family;
	t->line.echoes++;
	t->line.replies += replied;
	if (!replied && !t->named) {
		t->named = true;
		t->target.host = t->host;
		t->line.echoes = t->line.replies = 0;
	}
	if (sample->outcome == EP_CANCELLED || t->line.echoes >= ECHOES ||
	    send_echo(t) < 0)
		finish(t);
}

static int copy_names(struct self_test *t, const char *source, const char *host)
{
	if (strlen(host) >= sizeof(t->host))
		return -EINVAL;
	memcpy(t->host, host, strlen(host) + 1);
	if (source == NULL)
		return 0;
	if (strlen(source) >= sizeof(t->source))
		return -EINVAL;
	memcpy(t->source, source, strlen(source) + 1);
	t->target.source = t->source;
	return 0;
}

int ep_engine_self_test(struct ep_engine *engine, const char *source,
			const char *host, ep_line_cb cb, void *arg)
{
	struct self_test *t = calloc(1, sizeof(*t));
	int r;

	if (t == NULL)
		return -ENOMEM;
	t->engine = engine;
	t->cb = cb;
	t->arg = arg;
	t->target.kind = ep_kind_find("icmp");
	t->target.host = EP_HOST_GATEWAY;
	t->target.timeout_ns = EP_NS_PER_S;
	r = copy_names(t, source, host);
	if (r == 0)
		r = send_echo(t);
	if (r < 0)
		free(t);
	return r;
}
