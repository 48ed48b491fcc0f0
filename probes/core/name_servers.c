/* c-ares on the engine's epoll instance.
 *
 * Happy path: name_servers_ask() makes c-ares send; its socket becomes ours to
 * watch (on_socket_state); the answer makes it ready (on_ready); c-ares calls
 * on_addresses(); the resolver's callback takes the answer, and on_progress
 * lets it go on.
 *
 * What can fail: silence (name_servers_tick(): c-ares asks again, then gives
 * up); a send (c-ares calls back at once); resolv.conf changes (the channels
 * are made anew); resolv.conf is absent (c-ares then asks 127.0.0.1).
 *
 * c-ares 1.18 rereads the hosts file for every look-up, and starts at the first
 * server each time, however dead. Hence the channel of its own for hosts, and
 * one for each server. */
#include "core/name_servers.h"
#include "core/file_version.h"
#include "core/name_server_list.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/private/list.h"
#include <ares.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define RESOLV_CONF  "/etc/resolv.conf"
#define HOSTS        "/etc/hosts"
#define CHECK_GAP_NS EP_NS_PER_S

/* A server is asked three times; c-ares doubles its patience each time. */
#define TRIES        3
#define TRIES_WEIGHT (1 + 2 + 4)

struct channel {
	struct name_servers *servers;
	ares_channel ares;
	struct list sockets;
};

struct name_servers {
	struct ep_engine *engine;
	struct name_server fixed[NAME_SERVERS_MAX];
	unsigned n_fixed; /* 0: resolv.conf decides */
	struct channel channels[NAME_SERVERS_MAX];
	unsigned n;
	struct channel hosts; /* knows the hosts file only */
	int try_ms;
	uint64_t due_ns, checked_ns;
	unsigned hosts_version;
	struct file_version resolv_conf_seen, hosts_seen;
	name_progress_cb on_progress;
	void *arg;
};

/* A socket of c-ares. */
struct socket {
	struct list link;
	struct ep_watch watch;
	struct channel *channel;
};

struct question {
	name_answer_cb cb;
	void *arg;
};

/* --- sockets --- */

static void on_ready(struct ep_watch *watch, uint32_t events)
{
	struct socket *s = container_of(watch, struct socket, watch);
	struct channel *channel = s->channel;
	struct name_servers *servers = channel->servers;
	uint32_t bad = events & (EPOLLERR | EPOLLHUP);
	bool in = (events & EPOLLIN) != 0 || bad != 0;
	bool out = (events & EPOLLOUT) != 0 || bad != 0;

	ares_process_fd(channel->ares, in ? watch->fd : ARES_SOCKET_BAD,
			out ? watch->fd : ARES_SOCKET_BAD);
	/* s may be gone */
	servers->on_progress(servers->arg);
}

static struct socket *find_socket(struct channel *channel, int fd)
{
	struct list *at, *after;

	list_for_each (at, after, &channel->sockets) {
		struct socket *s = container_of(at, struct socket, link);

		if (s->watch.fd == fd)
			return s;
	}
	return NULL;
}

static struct socket *add_socket(struct channel *channel, int fd)
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
	struct channel *channel = data;
	struct ep_engine *engine = channel->servers->engine;
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

/* --- channels --- */

static int errno_of(int status)
{
	return status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

/* Names are absolute where they have a dot (see ask_name()). Bad answers are
 * wanted, because which one it was is the sample's reason, and HOSTALIASES is
 * not, because it would be read from disk at every look-up. */
static int open_channel(struct name_servers *servers, struct channel *channel,
			const char *lookups)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOALIASES,
		.timeout = servers->try_ms,
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = channel,
		/* copied by c-ares */
		.lookups = (char *)(uintptr_t)lookups,
	};
	int status;

	channel->servers = servers;
	list_init(&channel->sockets);
	status = ares_init_options(&channel->ares, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
					   ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
					   ARES_OPT_SOCK_STATE_CB);
	if (status == ARES_SUCCESS)
		return 0;
	channel->ares = NULL;
	return errno_of(status);
}

static void close_channel(struct channel *channel)
{
	if (channel->ares == NULL)
		return;
	ares_destroy(channel->ares);
	channel->ares = NULL;
}

static void close_channels(struct name_servers *servers)
{
	for (unsigned i = 0; i < NAME_SERVERS_MAX; i++)
		close_channel(&servers->channels[i]);
	close_channel(&servers->hosts);
	servers->n = 0;
}

static int point_channel(struct channel *channel, const struct name_server *at)
{
	struct ares_addr_port_node node = {
		.family = at->address.family == 4 ? AF_INET : AF_INET6,
		.udp_port = at->port,
		.tcp_port = at->port,
	};
	int status;

	memcpy(&node.addr, at->address.bytes,
	       at->address.family == 4 ? sizeof(node.addr.addr4)
				       : sizeof(node.addr.addr6));
	status = ares_set_servers_ports(channel->ares, &node);
	return status == ARES_SUCCESS ? 0 : errno_of(status);
}

/* Those that resolv.conf names, as c-ares read it for the hosts channel. */
static unsigned list_configured(struct name_servers *servers,
				struct name_server found[NAME_SERVERS_MAX])
{
	struct ares_addr_port_node *first = NULL, *at;
	unsigned n = 0;

	if (ares_get_servers_ports(servers->hosts.ares, &first) != ARES_SUCCESS)
		return 0;
	for (at = first; at != NULL && n < NAME_SERVERS_MAX; at = at->next) {
		struct ep_address a = { .family =
						at->family == AF_INET ? 4 : 6 };

		memcpy(a.bytes, &at->addr, a.family == 4 ? 4 : 16);
		found[n].address = a;
		found[n++].port = at->udp_port ? (uint16_t)at->udp_port : 53;
	}
	ares_free_data(first);
	return n;
}

static int open_channels(struct name_servers *servers)
{
	struct name_server found[NAME_SERVERS_MAX];
	const struct name_server *list = servers->fixed;
	unsigned n = servers->n_fixed;
	int r = open_channel(servers, &servers->hosts, "f");

	if (r < 0)
		return r;
	if (n == 0) {
		n = list_configured(servers, found);
		list = found;
	}
	for (unsigned i = 0; i < n && r == 0; i++) {
		r = open_channel(servers, &servers->channels[i], "b");
		if (r == 0)
			r = point_channel(&servers->channels[i], &list[i]);
	}
	if (r < 0) {
		close_channels(servers);
		return r;
	}
	servers->n = n;
	return 0;
}

/* --- files --- */

/* A reload that fails leaves no server, and is tried again at the next look. */
bool name_servers_refresh(struct name_servers *servers, uint64_t now_ns)
{
	bool reload;

	if (servers->checked_ns != 0 &&
	    now_ns - servers->checked_ns < CHECK_GAP_NS)
		return false;
	servers->checked_ns = now_ns;
	if (file_version_changed(HOSTS, &servers->hosts_seen) &&
	    ++servers->hosts_version == 0)
		servers->hosts_version = 1;
	reload = file_version_changed(RESOLV_CONF, &servers->resolv_conf_seen);
	if (!reload && servers->hosts.ares != NULL)
		return false;
	close_channels(servers);
	(void)open_channels(servers);
	return true;
}

/* --- questions --- */

static enum ep_reason reason_of(int status)
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
		return EP_REASON_DNS_UNAVAILABLE;
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

	answer->address = ep_address_from_sockaddr(node->ai_addr);
	for (; node != NULL; node = node->ai_next)
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
	for (; alias != NULL; alias = alias->next)
		ttl = alias->ttl < ttl ? alias->ttl : ttl;
	answer->ttl_s = ttl > 0 ? (uint64_t)ttl : 0;
}

static void on_addresses(void *arg, int status, int timeouts,
			 struct ares_addrinfo *info)
{
	struct question *question = arg;
	struct question copy = *question;
	struct name_answer answer = { .reason = reason_of(status) };

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

static void ask(struct channel *channel, const char *host, int family,
		struct question question)
{
	struct ares_addrinfo_hints hints = { 0 };
	struct question *kept = malloc(sizeof(*kept));

	if (kept == NULL) {
		struct name_answer none = { .reason = EP_REASON_NO_RESOURCES };

		question.cb(&none, question.arg);
		return;
	}
	*kept = question;
	hints.ai_family = family == 4 ? AF_INET : AF_UNSPEC;
	if (family == 6)
		hints.ai_family = AF_INET6;
	ares_getaddrinfo(channel->ares, host, NULL, &hints, on_addresses, kept);
}

/* With a dot in it a name is absolute, and the final dot keeps c-ares from the
 * search list (ares_getaddrinfo() does not heed ARES_FLAG_NOSEARCH). A single
 * label goes through the search list of resolv.conf. */
void name_servers_ask(struct name_servers *servers, unsigned at,
		      const char *host, int family, name_answer_cb cb,
		      void *arg)
{
	char name[EP_HOST_MAX + 2];
	uint64_t due_ns =
		ep_clock_mono_ns() + (uint64_t)servers->try_ms * EP_NS_PER_MS;

	snprintf(name, sizeof(name), "%s%s", host,
		 strchr(host, '.') != NULL ? "." : "");
	if (due_ns < servers->due_ns)
		servers->due_ns = due_ns;
	ask(&servers->channels[at], name, family,
	    (struct question){ .cb = cb, .arg = arg });
}

struct found {
	struct ep_address address;
	int found;
};

static void on_hosts(const struct name_answer *answer, void *arg)
{
	struct found *found = arg;

	found->found = answer->reason == EP_REASON_NONE;
	found->address = answer->address;
}

/* With no other source than the file c-ares answers inside the call. */
int name_servers_search_hosts(struct name_servers *servers, const char *host,
			      int family, struct ep_address *ret_address)
{
	struct found found = { .found = 0 };

	if (servers->hosts.ares == NULL)
		return 0;
	ask(&servers->hosts, host, family,
	    (struct question){ .cb = on_hosts, .arg = &found });
	if (found.found)
		*ret_address = found.address;
	return found.found;
}

/* --- time --- */

static void look_ahead(struct name_servers *servers, uint64_t now_ns)
{
	servers->due_ns = UINT64_MAX;
	for (unsigned i = 0; i < servers->n; i++) {
		struct timeval room, *next;
		uint64_t due_ns;

		next = ares_timeout(servers->channels[i].ares, NULL, &room);
		if (next == NULL)
			continue;
		/* c-ares rounds down: a millisecond more, or we spin */
		due_ns = now_ns + EP_NS_PER_MS +
			 (uint64_t)next->tv_sec * EP_NS_PER_S +
			 (uint64_t)next->tv_usec * EP_NS_PER_US;
		if (due_ns < servers->due_ns)
			servers->due_ns = due_ns;
	}
}

uint64_t name_servers_due(const struct name_servers *servers)
{
	return servers->due_ns;
}

void name_servers_tick(struct name_servers *servers, uint64_t now_ns)
{
	if (now_ns < servers->due_ns)
		return;
	for (unsigned i = 0; i < servers->n; i++)
		ares_process_fd(servers->channels[i].ares, ARES_SOCKET_BAD,
				ARES_SOCKET_BAD);
	look_ahead(servers, now_ns);
}

/* --- life --- */

static void init_library(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

unsigned name_servers_count(const struct name_servers *servers)
{
	return servers->n;
}

unsigned name_servers_hosts_version(const struct name_servers *servers)
{
	return servers->hosts_version;
}

int name_servers_open(struct ep_engine *engine, const char *list,
		      uint64_t silence_ns, struct name_servers **ret_servers,
		      struct ep_err *err)
{
	static uv_once_t once = UV_ONCE_INIT;
	uint64_t try_ms = silence_ns / TRIES_WEIGHT / EP_NS_PER_MS;
	struct name_servers *servers = calloc(1, sizeof(*servers));
	int r = 0;

	if (servers == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	uv_once(&once, init_library);
	servers->engine = engine;
	servers->try_ms = try_ms > 0 && try_ms < INT_MAX ? (int)try_ms : 1;
	servers->due_ns = UINT64_MAX;
	if (list != NULL)
		r = name_server_list_parse(list, servers->fixed,
					   &servers->n_fixed, err);
	if (r < 0) {
		free(servers);
		return r;
	}
	*ret_servers = servers;
	return 0;
}

void name_servers_on_progress(struct name_servers *servers, name_progress_cb cb,
			      void *arg)
{
	servers->on_progress = cb;
	servers->arg = arg;
}

void name_servers_close(struct name_servers *servers)
{
	if (servers == NULL)
		return;
	close_channels(servers);
	free(servers);
}
