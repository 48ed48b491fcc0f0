/* Happy path: name_channel_ask() makes c-ares send; its socket becomes ours to
 * watch (on_socket_state); the answer makes it ready (on_ready); c-ares calls
 * on_addresses(); the resolver's callback takes the answer, and on_progress
 * lets it go on.
 *
 * What can fail: silence (name_channel_tick(): c-ares asks again, then gives
 * up); a send, or a circuit that is not there (c-ares calls back at once). */
#include "core/name_channel.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include <ares.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* A socket of c-ares. */
struct socket {
	struct list link;
	struct ep_watch watch;
	struct name_channel *channel;
};

struct question {
	name_answer_cb cb;
	void *arg;
	const struct name_channel *channel;
};

/* --- sockets --- */

static void on_ready(struct ep_watch *watch, uint32_t events)
{
	struct socket *s = container_of(watch, struct socket, watch);
	struct name_channels *all = s->channel->all;
	uint32_t bad = events & (EPOLLERR | EPOLLHUP);
	bool in = (events & EPOLLIN) != 0 || bad != 0;
	bool out = (events & EPOLLOUT) != 0 || bad != 0;

	ares_process_fd(s->channel->ares, in ? watch->fd : ARES_SOCKET_BAD,
			out ? watch->fd : ARES_SOCKET_BAD);
	/* s may be gone */
	all->on_progress(all->arg);
}

static struct socket *find_socket(struct name_channel *channel, int fd)
{
	struct list *at, *after;

	list_for_each (at, after, &channel->sockets) {
		struct socket *s = container_of(at, struct socket, link);

		if (s->watch.fd == fd)
			return s;
	}
	return NULL;
}

static struct socket *add_socket(struct name_channel *channel, int fd)
{
	struct socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->channel = channel;
	s->watch.fd = fd;
	s->watch.on_ready = on_ready;
	list_add(&channel->sockets, &s->link);
	return s;
}

/* A socket that cannot be watched stays silent, and c-ares' own timeout ends
 * what was asked on it. c-ares calls this before it closes a socket. */
static void on_socket_state(void *data, ares_socket_t fd, int in, int out)
{
	struct name_channel *channel = data;
	struct ep_engine *engine = channel->all->engine;
	struct socket *s = find_socket(channel, fd);
	uint32_t events =
		(in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0);

	if (s == NULL && events != 0)
		s = add_socket(channel, fd);
	if (s == NULL)
		return;
	if (events != 0) {
		ep_engine_watch(engine, &s->watch, events);
		return;
	}
	ep_engine_unwatch(engine, &s->watch);
	list_remove(&s->link);
	free(s);
}

bool name_channel_is_stale(struct name_channel *channel)
{
	struct list *at, *after;

	if (channel->ares == NULL)
		return false;
	list_for_each (at, after, &channel->sockets) {
		struct socket *s = container_of(at, struct socket, link);

		if (name_socket_is_stale(s->watch.fd, &channel->all->line,
					 &channel->server))
			return true;
	}
	return false;
}

/* --- life --- */

static int errno_of(int status)
{
	if (status == ARES_SUCCESS)
		return 0;
	return status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

/* Names are absolute where they have a dot (see name_channel_ask()). Bad
 * answers are wanted, because which one it was is the sample's reason, and
 * HOSTALIASES is not, because it would be read from disk at every look-up. */
static int open_channel(struct name_channel *channel, struct name_channels *all,
			const char *lookups)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOALIASES,
		.timeout = all->try_ms,
		.tries = NAME_TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = channel,
		/* copied by c-ares */
		.lookups = (char *)(uintptr_t)lookups,
	};
	int status;

	channel->all = all;
	list_init(&channel->sockets);
	status = ares_init_options(&channel->ares, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
					   ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
					   ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS)
		channel->ares = NULL;
	else if (all->line.source != NULL)
		ares_set_socket_functions(channel->ares, &name_socket_functions,
					  &all->line);
	return errno_of(status);
}

void name_channel_close(struct name_channel *channel)
{
	if (channel->ares == NULL)
		return;
	ares_destroy(channel->ares);
	channel->ares = NULL;
}

int name_channel_open(struct name_channel *channel, struct name_channels *all,
		      const struct name_server *server)
{
	struct ares_addr_port_node node = {
		.family = server->address.family == 4 ? AF_INET : AF_INET6,
		.udp_port = server->port,
		.tcp_port = server->port,
	};
	int r = open_channel(channel, all, "b");

	if (r < 0)
		return r;
	channel->server = *server;
	memcpy(&node.addr, server->address.bytes,
	       server->address.family == 4 ? sizeof(node.addr.addr4)
					   : sizeof(node.addr.addr6));
	r = errno_of(ares_set_servers_ports(channel->ares, &node));
	if (r < 0)
		name_channel_close(channel);
	return r;
}

int name_channel_open_hosts(struct name_channel *channel,
			    struct name_channels *all)
{
	return open_channel(channel, all, "f");
}

unsigned name_channel_servers(struct name_channel *hosts,
			      struct name_server ret[NAME_SERVERS_MAX])
{
	struct ares_addr_port_node *first = NULL, *at;
	unsigned n = 0;

	if (ares_get_servers_ports(hosts->ares, &first) != ARES_SUCCESS)
		return 0;
	for (at = first; at != NULL && n < NAME_SERVERS_MAX; at = at->next) {
		struct ep_address a = { .family =
						at->family == AF_INET ? 4 : 6 };

		memcpy(a.bytes, &at->addr, a.family == 4 ? 4 : 16);
		ret[n].address = a;
		ret[n++].port = at->udp_port ? (uint16_t)at->udp_port : 53;
	}
	ares_free_data(first);
	return n;
}

/* --- questions --- */

/* No server could be asked, and our own line is why. */
static bool is_line_gone(const struct name_channel *channel)
{
	return channel->all->line.gone[channel->server.address.family == 6];
}

static enum ep_reason reason_of(int status, const struct name_channel *channel)
{
	switch (status) {
	case ARES_SUCCESS:
		return EP_REASON_NONE;
	case ARES_ENODATA:
		return EP_REASON_DNS_NODATA;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME: /* no such name can exist */
		return EP_REASON_DNS_NXDOMAIN;
	case ARES_ESERVFAIL:
		return EP_REASON_DNS_SERVFAIL;
	case ARES_EREFUSED:
	case ARES_ENOTIMP:
		return EP_REASON_DNS_REFUSED;
	case ARES_EFORMERR:
	case ARES_EBADRESP:
		return EP_REASON_DNS_MALFORMED;
	case ARES_ETIMEOUT:
		return EP_REASON_DNS_TIMEOUT;
	case ARES_ENOMEM:
		return EP_REASON_NO_RESOURCES;
	default: /* refused connections, no network, our own closing */
		return is_line_gone(channel) ? EP_REASON_NO_SOURCE
					     : EP_REASON_DNS_UNAVAILABLE;
	}
}

/* c-ares has sorted the addresses as RFC 6724 says; an alias on the way to
 * them may have the shortest life. */
static void take_addresses(const struct ares_addrinfo *info,
			   struct name_answer *answer)
{
	const struct ares_addrinfo_node *node = info->nodes;
	const struct ares_addrinfo_cname *alias = info->cnames;
	int ttl = INT_MAX;

	for (; node != NULL; node = node->ai_next) {
		struct ep_address a = ep_address_from_sockaddr(node->ai_addr);

		name_answer_add(answer, &a);
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
	}
	for (; alias != NULL; alias = alias->next)
		ttl = alias->ttl < ttl ? alias->ttl : ttl;
	answer->ttl_s = ttl > 0 ? (uint64_t)ttl : 0;
}

static void on_addresses(void *arg, int status, int timeouts,
			 struct ares_addrinfo *info)
{
	struct question *question = arg;
	struct question copy = *question;
	struct name_answer answer = { .reason =
					      reason_of(status, copy.channel) };

	(void)timeouts;
	if (answer.reason == EP_REASON_NONE && info->nodes != NULL)
		take_addresses(info, &answer);
	else if (answer.reason == EP_REASON_NONE)
		answer.reason = EP_REASON_DNS_NODATA;
	if (info != NULL)
		ares_freeaddrinfo(info);
	free(question);
	copy.cb(&answer, copy.arg);
}

/* With a dot in it a name is absolute, and the final dot keeps c-ares from the
 * search list (ares_getaddrinfo() does not heed ARES_FLAG_NOSEARCH). A single
 * label goes through the search list of resolv.conf. The hosts file has names
 * without such a dot. */
static const char *ending(const struct name_channel *channel, const char *host)
{
	bool is_file = channel->server.address.family == 0;

	return !is_file && strchr(host, '.') != NULL ? "." : "";
}

void name_channel_ask(struct name_channel *channel, const char *host,
		      int family, name_answer_cb cb, void *arg)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	struct question *question = malloc(sizeof(*question));
	char name[EP_HOST_MAX + 2];

	if (question == NULL) {
		struct name_answer none = { .reason = EP_REASON_NO_RESOURCES };

		cb(&none, arg);
		return;
	}
	question->cb = cb;
	question->arg = arg;
	question->channel = channel;
	snprintf(name, sizeof(name), "%s%s", host, ending(channel, host));
	if (family != 0)
		hints.ai_family = family == 4 ? AF_INET : AF_INET6;
	ares_getaddrinfo(channel->ares, name, NULL, &hints, on_addresses,
			 question);
}

/* --- time --- */

uint64_t name_channel_due(struct name_channel *channel, uint64_t now_ns)
{
	struct timeval room;
	const struct timeval *next = ares_timeout(channel->ares, NULL, &room);

	if (next == NULL)
		return UINT64_MAX;
	/* c-ares rounds down: a millisecond more, or we spin */
	return now_ns + EP_NS_PER_MS + (uint64_t)next->tv_sec * EP_NS_PER_S +
	       (uint64_t)next->tv_usec * EP_NS_PER_US;
}

void name_channel_tick(struct name_channel *channel)
{
	ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
