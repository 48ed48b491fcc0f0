#include "core/stun_flow.h"
#include "core/ways.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/kind.h"
#include <errno.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* For the answers of a burst and their stamps, in a stall. */
#define BUFFER_BYTES (1 << 20)

#define SEND_TRIES  4
#define QUOTE_BYTES 64

/* Datagrams that are no answer, in a row: then others have their turn. */
#define JUNK_MAX 64

/* The driver's stamp, and the local queue's where that is all there is. */
#define STAMP_FLAGS                                                            \
	(SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |            \
	 SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED |            \
	 SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY |               \
	 SOF_TIMESTAMPING_OPT_CMSG)

/* --- opening --- */

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno
								      : 0;
}

/* Without them it measures less well, and each sample says so. */
static void set_stamps(int fd, uint8_t family)
{
	(void)set_int(fd, SOL_SOCKET, SO_TIMESTAMPING, STAMP_FLAGS);
	(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	if (family == 4)
		(void)set_int(fd, IPPROTO_IP, IP_RECVTTL, 1);
	else
		(void)set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

/* Ports that are taken, by us or by others: another of the flow's, then the
 * kernel's choice. */
static int bind_flow(int fd, const struct ep_target *t, uint8_t family,
		     uint16_t remote)
{
	int r = -EADDRINUSE;

	for (unsigned try = 0; r == -EADDRINUSE && try <= FLOW_TRIES; try++)
		r = flow_bind(fd, t, family, flow_port(t, try, remote), false);
	return r;
}

static int connect_to(int fd, const struct ep_address *to, uint16_t port)
{
	union ep_sockaddr name;
	socklen_t size = ep_address_to_sockaddr(to, port, &name);

	return connect(fd, &name.sa, size) < 0 ? -errno : 0;
}

static int open_socket(const struct ep_target *t, const struct ep_address *to,
		       uint16_t port, int *ret_fd)
{
	int fd = socket(to->family == 4 ? AF_INET : AF_INET6,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	int r;

	if (fd < 0)
		return -errno;
	r = flow_set_options(fd, t, to->family, t->flow != 0 && !t->fresh_flow);
	if (r == 0)
		r = bind_flow(fd, t, to->family, port);
	if (r == 0)
		r = connect_to(fd, to, port);
	if (r < 0) {
		close(fd);
		return r;
	}
	set_stamps(fd, to->family);
	*ret_fd = fd;
	return 0;
}

/* --- which flow --- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* Whatever makes its packets look other, but address and port. */
static uint64_t key_of(const struct ep_target *t, uint32_t interface)
{
	uint64_t hash = mix(t->flow, interface);

	if (t->flow == 0 || t->fresh_flow)
		return 0;
	hash = mix(mix(hash, t->ttl), t->dscp);
	for (const char *c = t->source; c != NULL && *c != '\0'; c++)
		hash = mix(hash, (unsigned char)*c);
	return hash | 1;
}

static uint32_t read_drops(const struct stun_flow *flow)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(flow->watch.fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0)
		return flow->drops;
	return info[SK_MEMINFO_DROPS];
}

static void close_flow(struct stun_flow *flow)
{
	struct stun_shared *s = flow->shared;

	s->drops += read_drops(flow);
	ep_engine_unwatch(s->engine, &flow->watch);
	close(flow->watch.fd);
	list_remove(&flow->link);
	s->n_flows--;
	free(flow);
}

void stun_flow_reap(struct stun_shared *s, uint64_t now_ns)
{
	struct list *at, *after;

	if (s->reading > 0 && now_ns != UINT64_MAX)
		return;
	list_for_each (at, after, &s->flows) {
		struct stun_flow *flow =
			container_of(at, struct stun_flow, link);
		uint64_t until_ns = flow->keep_ns;

		if (flow->key != 0 &&
		    flow->used_ns + STUN_FLOW_IDLE_NS > until_ns)
			until_ns = flow->used_ns + STUN_FLOW_IDLE_NS;
		if (now_ns == UINT64_MAX ||
		    (flow->in_flight == 0 && now_ns > until_ns))
			close_flow(flow);
	}
}

static struct stun_flow *find(struct stun_shared *s, uint64_t key,
			      const struct ep_address *to, uint16_t port)
{
	struct list *at, *after;

	list_for_each (at, after, &s->flows) {
		struct stun_flow *flow =
			container_of(at, struct stun_flow, link);

		if (flow->key == key && flow->port == port &&
		    ep_address_equal(&flow->to, to))
			return flow;
	}
	return NULL;
}

static int open_flow(struct stun_shared *s, const struct ep_target *t,
		     const struct ep_address *to, uint16_t port,
		     struct stun_flow **ret_flow)
{
	struct stun_flow *flow;
	int r;

	if (s->n_flows >= STUN_FLOWS_MAX)
		return -EMFILE;
	flow = calloc(1, sizeof(*flow));
	if (flow == NULL)
		return -ENOMEM;
	r = open_socket(t, to, port, &flow->watch.fd);
	if (r == 0) {
		flow->watch.on_ready = stun_flow_ready;
		r = ep_engine_watch(s->engine, &flow->watch, EPOLLIN);
		if (r < 0)
			close(flow->watch.fd);
	}
	if (r < 0) {
		free(flow);
		return r;
	}
	flow->shared = s;
	flow->to = *to;
	flow->port = port;
	list_add(&s->flows, &flow->link);
	s->n_flows++;
	*ret_flow = flow;
	return 0;
}

int stun_flow_take(struct stun_shared *s, const struct ep_probe *probe,
		   uint64_t now_ns, struct stun_flow **ret_flow)
{
	const struct ep_target *target = ep_probe_target(probe);
	const struct ep_address *to = ep_probe_address(probe);
	uint16_t port = ep_probe_port(probe);
	uint64_t key = key_of(target, probe_way(probe)->interface);
	struct stun_flow *flow = NULL;
	int r = 0;

	if (key != 0)
		flow = find(s, key, to, port);
	if (flow == NULL) {
		r = open_flow(s, target, to, port, &flow);
		if (r < 0)
			return r;
		flow->key = key;
		flow->empty_ns = now_ns;
	}
	flow->used_ns = now_ns;
	flow->in_flight++;
	*ret_flow = flow;
	return 0;
}

void stun_flow_drop(struct stun_flow *flow, uint64_t keep_ns)
{
	flow->in_flight--;
	if (keep_ns > flow->keep_ns)
		flow->keep_ns = keep_ns;
}

/* --- out --- */

/* The ICMP error that an earlier packet got is reported by the next send, once;
 * it is in the error queue, too. */
int stun_flow_send(struct stun_flow *flow, const struct inflight_slot *slot,
		   struct stamp_send *sent, uint32_t *ret_opt_id)
{
	uint8_t bytes[STUN_REQUEST_BYTES];
	ssize_t n = -1;

	stun_wire_request(slot->index, slot->nonce, bytes);
	for (int i = 0; i < SEND_TRIES && n < 0; i++) {
		sent->before_ns = ep_clock_mono_ns();
		n = send(flow->watch.fd, bytes, sizeof(bytes), 0);
		sent->after_ns = ep_clock_mono_ns();
		if (n < 0 && errno != ECONNREFUSED && errno != EHOSTUNREACH &&
		    errno != ENETUNREACH && errno != EPROTO &&
		    errno != EMSGSIZE)
			break;
	}
	if (n < 0)
		return -errno;
	*ret_opt_id = stamp_ring_put(&flow->ring, slot->index);
	return 0;
}

/* --- in --- */

union control {
	struct cmsghdr align;
	uint8_t room[512];
};

static int ttl_of(struct msghdr *m)
{
	int ttl = EP_ABSENT;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		     (c->cmsg_level == IPPROTO_IPV6 &&
		      c->cmsg_type == IPV6_HOPLIMIT)) &&
		    c->cmsg_len >= CMSG_LEN(sizeof(ttl)))
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	return ttl;
}

/* Bytes, or -1: nothing more. A pending error is told first, once. */
static ssize_t receive(int fd, struct msghdr *m, int flags)
{
	ssize_t n = recvmsg(fd, m, flags | MSG_DONTWAIT);

	for (int i = 1; i < SEND_TRIES && n < 0 && errno != EAGAIN; i++)
		n = recvmsg(fd, m, flags | MSG_DONTWAIT);
	return n;
}

int stun_flow_receive(const struct stun_flow *flow,
		      struct stun_received *ret_received)
{
	uint8_t bytes[STUN_ANSWER_MAX + 1];
	union control control;
	struct iovec part = { bytes, sizeof(bytes) };

	for (int i = 0; i < JUNK_MAX; i++) {
		struct msghdr m = { .msg_iov = &part,
				    .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = receive(flow->watch.fd, &m, 0);

		if (n < 0)
			return 0;
		stun_wire_parse(bytes, (size_t)n, &ret_received->seen);
		if (ret_received->seen.what == STUN_OTHER)
			continue;
		ret_received->kernel_ns = stamp_of_message(&m);
		ret_received->ttl = ttl_of(&m);
		return 1;
	}
	return 0;
}

static bool read_queued(const struct stun_flow *flow, struct msghdr *m,
			const uint8_t *quote, size_t n, struct stun_queued *q)
{
	const struct sock_extended_err *e = flow_find_error(m);

	if (e == NULL)
		return false;
	*q = (struct stun_queued){ .error.reason = EP_REASON_NONE };
	if (e->ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
		q->stamp = true;
		q->queue = e->ee_info == SCM_TSTAMP_SCHED;
		q->opt_id = e->ee_data;
		q->kernel_ns = stamp_of_message(m);
		return q->kernel_ns != 0 &&
		       (q->queue || e->ee_info == SCM_TSTAMP_SND);
	}
	q->error = flow_judge(flow->watch.fd, &flow->to, e);
	q->quoted = stun_wire_quoted(quote, n, &q->slot, &q->nonce) == 1;
	return q->error.reason != EP_REASON_NONE;
}

int stun_flow_take_queued(const struct stun_flow *flow,
			  struct stun_queued *ret_queued)
{
	uint8_t quote[QUOTE_BYTES];
	union control control;
	struct iovec part = { quote, sizeof(quote) };

	for (int i = 0; i < JUNK_MAX; i++) {
		struct msghdr m = { .msg_iov = &part,
				    .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = receive(flow->watch.fd, &m, MSG_ERRQUEUE);

		if (n < 0)
			return 0;
		if (read_queued(flow, &m, quote, (size_t)n, ret_queued))
			return 1;
	}
	return 0;
}

bool stun_flow_dropped(struct stun_flow *flow, uint64_t since_ns,
		       uint64_t now_ns)
{
	uint32_t drops = read_drops(flow);

	if (drops != flow->drops)
		flow->drops_grew_ns = now_ns;
	flow->drops = drops;
	return flow->drops_grew_ns > since_ns;
}
