/* Happy path: on_tick() opens a channel of c-ares for each circuit that has name
 * servers of its own, and one for all others, and asks; sockets of c-ares are
 * watched (on_socket_state) until on_answer(); the next tick closes what has
 * ended, and the one after an hour asks again.
 *
 * What can fail: the circuit is not there, or its servers are silent: c-ares
 * gives up, and what was known stays. */
#include "whoami.h"
#include "base/log.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "edgeprobe/private/source.h"
#include <ares.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#define EVERY_MS UINT64_C(3600000)
#define TICK_MS  500 /* while something is asked */
#define TRIES    2

enum way_state { IDLE, ASKED, ANSWERED };

/* The servers of one circuit, or all others'. */
struct way {
	struct whoami *whoami;
	size_t circuit;      /* config.n_circuits: those without their own */
	const char *servers; /* NULL: those of resolv.conf */
	const char *source;  /* NULL: by the routing table */
	ares_channel ares;   /* unless IDLE */
	enum way_state state;
};

/* A socket of c-ares; frees itself. */
struct watched {
	uv_poll_t poll; /* first: ep_scope_shut_free() */
	struct way *way;
	ares_socket_t fd;
	struct list link;
};

struct whoami {
	struct ep_scope scope;
	uv_loop_t *loop;
	uv_timer_t timer;
	const struct config *config;
	whoami_cb cb;
	void *arg;
	struct list sockets;
	bool closing;
	size_t n;
	struct way ways[];
};

/* --- sockets --- */

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watched *s = container_of(poll, struct watched, poll);
	bool in = status < 0 || (events & UV_READABLE) != 0;
	bool out = status < 0 || (events & UV_WRITABLE) != 0;

	ares_process_fd(s->way->ares, in ? s->fd : ARES_SOCKET_BAD,
			out ? s->fd : ARES_SOCKET_BAD);
	/* s may be gone */
}

static struct watched *find(struct whoami *w, ares_socket_t fd)
{
	struct list *at, *after;

	list_for_each (at, after, &w->sockets) {
		struct watched *s = container_of(at, struct watched, link);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static struct watched *add(struct way *way, ares_socket_t fd)
{
	struct whoami *w = way->whoami;
	struct watched *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if (uv_poll_init(w->loop, &s->poll, fd) < 0) {
		free(s);
		return NULL;
	}
	ep_scope_adopt(&w->scope, (uv_handle_t *)&s->poll);
	s->way = way;
	s->fd = fd;
	list_add(&w->sockets, &s->link);
	return s;
}

/* One that cannot be watched stays silent until its time is over. c-ares calls
 * this before it closes a socket. */
static void on_socket_state(void *data, ares_socket_t fd, int in, int out)
{
	struct way *way = data;
	struct watched *s = find(way->whoami, fd);
	int events = (in ? UV_READABLE : 0) | (out ? UV_WRITABLE : 0);

	if (s == NULL && events != 0)
		s = add(way, fd);
	if (s == NULL)
		return;
	if (events != 0) {
		uv_poll_start(&s->poll, events, on_ready);
		return;
	}
	uv_poll_stop(&s->poll);
	list_remove(&s->link);
	ep_scope_shut_free(&way->whoami->scope, (uv_handle_t *)&s->poll);
}

/* Before it is connected. */
static int on_socket(ares_socket_t fd, int type, void *data)
{
	const struct way *way = data;
	int domain = AF_INET;
	socklen_t size = sizeof(domain);

	(void)type;
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	return ep_source_bind(fd, domain == AF_INET ? 4 : 6, way->source) < 0
		       ? -1
		       : 0;
}

/* --- a question --- */

/* Circuits without servers of their own have the others'. */
static void tell(const struct way *way, const struct ep_address *address)
{
	const struct whoami *w = way->whoami;
	const struct config *c = w->config;

	if (way->circuit < c->n_circuits || c->n_circuits == 0) {
		w->cb(way->circuit, address, w->arg);
		return;
	}
	for (size_t i = 0; i < c->n_circuits; i++)
		if (c->circuits[i].dns == NULL)
			w->cb(i, address, w->arg);
}

static void on_answer(void *arg, int status, int timeouts,
		      struct ares_addrinfo *info)
{
	struct way *way = arg;
	struct ep_address address = { 0 };

	(void)timeouts;
	way->state = ANSWERED;
	if (status == ARES_SUCCESS && info->nodes != NULL)
		address = ep_address_from_sockaddr(info->nodes->ai_addr);
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (way->whoami->closing)
		return;
	if (address.family != 0)
		tell(way, &address);
	else
		log_info("whoami", "answer=none name=%s reason=\"%s\"",
			 way->whoami->config->dns_whoami,
			 ares_strerror(status));
}

static int open_channel(struct way *way)
{
	const struct config *c = way->whoami->config;
	static char dns_only[] = "b";
	struct ares_options options = {
		.flags = ARES_FLAG_NOALIASES,
		.timeout = (int)(c->dns_timeout_ns / EP_NS_PER_MS),
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = way,
		.lookups = dns_only,
	};
	int status = ares_init_options(
		&way->ares, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS)
		return -ENOMEM;
	if (way->servers != NULL)
		status = ares_set_servers_ports_csv(way->ares, way->servers);
	if (way->source != NULL)
		ares_set_socket_configure_callback(way->ares, on_socket, way);
	if (status == ARES_SUCCESS)
		return 0;
	ares_destroy(way->ares);
	return -EINVAL;
}

static void ask(struct way *way)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };

	if (open_channel(way) < 0)
		return;
	way->state = ASKED;
	ares_getaddrinfo(way->ares, way->whoami->config->dns_whoami, NULL,
			 &hints, on_answer, way);
}

/* --- time --- */

static void on_tick(uv_timer_t *timer);

static void arm(struct whoami *w, uint64_t ms)
{
	uv_timer_start(&w->timer, on_tick, ms, 0);
}

static void close_way(struct way *way)
{
	if (way->state == IDLE)
		return;
	ares_destroy(way->ares);
	way->state = IDLE;
}

static void on_due(uv_timer_t *timer)
{
	struct whoami *w = container_of(timer, struct whoami, timer);

	for (size_t i = 0; i < w->n; i++)
		ask(&w->ways[i]);
	arm(w, TICK_MS);
}

static void on_tick(uv_timer_t *timer)
{
	struct whoami *w = container_of(timer, struct whoami, timer);
	bool any = false;

	for (size_t i = 0; i < w->n; i++) {
		struct way *way = &w->ways[i];

		if (way->state == ASKED)
			ares_process_fd(way->ares, ARES_SOCKET_BAD,
					ARES_SOCKET_BAD);
		if (way->state == ANSWERED)
			close_way(way);
		any = any || way->state == ASKED;
	}
	if (any)
		arm(w, TICK_MS);
	else
		uv_timer_start(&w->timer, on_due, EVERY_MS, 0);
}

/* --- life --- */

static void add_way(struct whoami *w, size_t circuit, const char *servers,
		    const char *source)
{
	w->ways[w->n++] = (struct way){ .whoami = w,
					.circuit = circuit,
					.servers = servers,
					.source = source };
}

static void add_ways(struct whoami *w)
{
	const struct config *c = w->config;
	bool others = c->n_circuits == 0;

	for (size_t i = 0; i < c->n_circuits; i++) {
		if (c->circuits[i].dns != NULL)
			add_way(w, i, c->circuits[i].dns,
				c->circuits[i].source);
		else
			others = true;
	}
	if (others)
		add_way(w, c->n_circuits, c->dns_servers, NULL);
}

int whoami_open(uv_loop_t *loop, const struct config *config, whoami_cb cb,
		void *arg, struct whoami **ret_whoami, struct ep_err *err)
{
	struct whoami *w;

	*ret_whoami = NULL;
	if (config->dns_whoami == NULL)
		return 0;
	w = calloc(1,
		   sizeof(*w) + (config->n_circuits + 1) * sizeof(w->ways[0]));
	if (w == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	w->loop = loop;
	w->config = config;
	w->cb = cb;
	w->arg = arg;
	list_init(&w->sockets);
	add_ways(w);
	ep_scope_init(&w->scope);
	uv_timer_init(loop, &w->timer);
	ep_scope_adopt(&w->scope, (uv_handle_t *)&w->timer);
	uv_timer_start(&w->timer, on_due, 0, 0);
	*ret_whoami = w;
	return 0;
}

static void free_whoami(struct ep_scope *scope)
{
	free(container_of(scope, struct whoami, scope));
}

void whoami_close(struct whoami *whoami)
{
	if (whoami == NULL)
		return;
	whoami->closing = true;
	for (size_t i = 0; i < whoami->n; i++)
		close_way(&whoami->ways[i]);
	ep_scope_shut(&whoami->scope, (uv_handle_t *)&whoami->timer);
	ep_scope_end(&whoami->scope, free_whoami);
}
