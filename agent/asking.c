/* Happy path: asking_ask() opens a channel of c-ares for the question; sockets
 * of c-ares are watched (on_socket_state) until on_address() or on_text() keeps
 * the answer; the tick after that tells it and closes the channel, which cannot
 * be done from within c-ares.
 *
 * What can fail: the circuit is not there, or its servers are silent: c-ares
 * gives up, and the answer is why. */

/* The oldest c-ares that we build with knows no other ways than those that
 * newer ones advise against. */
#define CARES_NO_DEPRECATED
#include "asking.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include "edgeprobe/private/source.h"
#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TICK_MS 500 /* while something is asked */
#define TRIES   2

struct question {
	struct asking *asking;
	const char *servers; /* NULL: those of resolv.conf */
	const char *source;  /* NULL: by the routing table */
	asking_cb cb;
	void *arg;
	ares_channel ares;
	bool answered;
	int status; /* of c-ares */
	struct ep_address address;
	char text[ASKING_TEXT_MAX];
	struct list link;
};

/* A socket of c-ares; frees itself. */
struct watched {
	uv_poll_t poll; /* first: ep_scope_shut_free() */
	struct question *question;
	ares_socket_t fd;
	struct list link;
};

struct asking {
	struct ep_scope scope;
	uv_loop_t *loop;
	uv_timer_t timer;
	const struct config *config;
	struct list sockets, questions;
};

/* --- sockets --- */

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watched *s = container_of(poll, struct watched, poll);
	bool in = status < 0 || (events & UV_READABLE) != 0;
	bool out = status < 0 || (events & UV_WRITABLE) != 0;

	ares_process_fd(s->question->ares, in ? s->fd : ARES_SOCKET_BAD,
			out ? s->fd : ARES_SOCKET_BAD);
	/* s may be gone */
}

static struct watched *find(struct asking *a, ares_socket_t fd)
{
	struct list *at, *after;

	list_for_each (at, after, &a->sockets) {
		struct watched *s = container_of(at, struct watched, link);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static struct watched *add(struct question *q, ares_socket_t fd)
{
	struct asking *a = q->asking;
	struct watched *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if (uv_poll_init(a->loop, &s->poll, fd) < 0) {
		free(s);
		return NULL;
	}
	ep_scope_adopt(&a->scope, (uv_handle_t *)&s->poll);
	s->question = q;
	s->fd = fd;
	list_add(&a->sockets, &s->link);
	return s;
}

/* One that cannot be watched stays silent until its time is over. c-ares calls
 * this before it closes a socket. */
static void on_socket_state(void *data, ares_socket_t fd, int in, int out)
{
	struct question *q = data;
	struct watched *s = find(q->asking, fd);
	int events = (in ? UV_READABLE : 0) | (out ? UV_WRITABLE : 0);

	if (s == NULL && events != 0)
		s = add(q, fd);
	if (s == NULL)
		return;
	if (events != 0) {
		uv_poll_start(&s->poll, events, on_ready);
		return;
	}
	uv_poll_stop(&s->poll);
	list_remove(&s->link);
	ep_scope_shut_free(&q->asking->scope, (uv_handle_t *)&s->poll);
}

/* Before it is connected. */
static int on_socket(ares_socket_t fd, int type, void *data)
{
	const struct question *q = data;
	int domain = AF_INET;
	socklen_t size = sizeof(domain);

	(void)type;
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	return ep_source_bind(fd, domain == AF_INET ? 4 : 6, q->source) < 0 ? -1
									    : 0;
}

/* --- answers --- */

static void on_tick(uv_timer_t *timer);

static void settle(struct question *q, int status)
{
	q->answered = true;
	q->status = status;
	if (!uv_is_closing((uv_handle_t *)&q->asking->timer))
		uv_timer_start(&q->asking->timer, on_tick, 0, 0);
}

static void on_address(void *arg, int status, int timeouts,
		       struct ares_addrinfo *info)
{
	struct question *q = arg;

	(void)timeouts;
	if (status == ARES_SUCCESS && info->nodes != NULL)
		q->address = ep_address_from_sockaddr(info->nodes->ai_addr);
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (status == ARES_SUCCESS && q->address.family == 0)
		status = ARES_ENODATA;
	settle(q, status);
}

static void put_texts(struct question *q, const struct ares_txt_ext *texts)
{
	size_t n = 0;

	for (const struct ares_txt_ext *t = texts; t != NULL; t = t->next) {
		if (t->record_start && t != texts && n + 1 < sizeof(q->text))
			q->text[n++] = '\n';
		for (size_t i = 0; i < t->length && n + 1 < sizeof(q->text);
		     i++)
			q->text[n++] = t->txt[i] ? (char)t->txt[i] : ' ';
	}
	q->text[n] = '\0';
}

static void on_text(void *arg, int status, int timeouts, unsigned char *bytes,
		    int size)
{
	struct question *q = arg;
	struct ares_txt_ext *texts = NULL;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_txt_reply_ext(bytes, size, &texts);
	if (status == ARES_SUCCESS)
		put_texts(q, texts);
	if (status == ARES_SUCCESS && q->text[0] == '\0')
		status = ARES_ENODATA;
	if (texts != NULL)
		ares_free_data(texts);
	settle(q, status);
}

/* --- questions --- */

static int open_channel(struct question *q)
{
	const struct config *c = q->asking->config;
	static char dns_only[] = "b";
	struct ares_options options = {
		.flags = ARES_FLAG_NOALIASES,
		.timeout = (int)(c->dns_timeout_ns / EP_NS_PER_MS),
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = q,
		.lookups = dns_only,
	};
	int status = ares_init_options(
		&q->ares, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS)
		return -ENOMEM;
	if (q->servers != NULL)
		status = ares_set_servers_ports_csv(q->ares, q->servers);
	if (q->source != NULL)
		ares_set_socket_configure_callback(q->ares, on_socket, q);
	if (status == ARES_SUCCESS)
		return 0;
	ares_destroy(q->ares);
	return -EINVAL;
}

static void send_it(struct question *q, enum asking_type type, const char *name)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };

	if (type == ASKING_TEXT)
		ares_query(q->ares, name, ns_c_in, ns_t_txt, on_text, q);
	else
		ares_getaddrinfo(q->ares, name, NULL, &hints, on_address, q);
}

int asking_ask(struct asking *asking, size_t i, enum asking_type type,
	       const char *name, asking_cb cb, void *arg)
{
	const struct config *c = asking->config;
	struct question *q = calloc(1, sizeof(*q));
	int r;

	if (q == NULL)
		return -ENOMEM;
	q->asking = asking;
	q->servers = c->dns_servers;
	if (i < c->n_circuits && c->circuits[i].dns != NULL) {
		q->servers = c->circuits[i].dns;
		q->source = c->circuits[i].source;
	}
	q->cb = cb;
	q->arg = arg;
	r = open_channel(q);
	if (r < 0) {
		free(q);
		return r;
	}
	list_add(&asking->questions, &q->link);
	if (!uv_is_active((uv_handle_t *)&asking->timer))
		uv_timer_start(&asking->timer, on_tick, TICK_MS, 0);
	send_it(q, type, name);
	return 0;
}

/* May ask again, or close. */
static void tell(struct question *q)
{
	struct asking_answer answer = { .address = q->address,
					.text = q->text };

	if (q->status != ARES_SUCCESS)
		answer.reason = ares_strerror(q->status);
	list_remove(&q->link);
	ares_destroy(q->ares);
	q->cb(&answer, q->arg);
	free(q);
}

/* --- time --- */

static void on_tick(uv_timer_t *timer)
{
	struct asking *a = container_of(timer, struct asking, timer);
	struct list *at, *after;
	struct question *answered = NULL;

	list_for_each (at, after, &a->questions) {
		struct question *q = container_of(at, struct question, link);

		if (!q->answered)
			ares_process_fd(q->ares, ARES_SOCKET_BAD,
					ARES_SOCKET_BAD);
		if (q->answered && answered == NULL)
			answered = q;
	}
	if (answered != NULL) /* one a tick: it may end all others */
		uv_timer_start(&a->timer, on_tick, 0, 0);
	else if (!list_empty(&a->questions))
		uv_timer_start(&a->timer, on_tick, TICK_MS, 0);
	if (answered != NULL)
		tell(answered);
}

/* --- life --- */

int asking_open(uv_loop_t *loop, const struct config *config,
		struct asking **ret_asking, struct ep_err *err)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	a->loop = loop;
	a->config = config;
	list_init(&a->sockets);
	list_init(&a->questions);
	ep_scope_init(&a->scope);
	uv_timer_init(loop, &a->timer);
	ep_scope_adopt(&a->scope, (uv_handle_t *)&a->timer);
	*ret_asking = a;
	return 0;
}

static void free_asking(struct ep_scope *scope)
{
	free(container_of(scope, struct asking, scope));
}

static void drop(struct question *q)
{
	list_remove(&q->link);
	ares_destroy(q->ares); /* calls on_address() or on_text() */
	free(q);
}

void asking_close(struct asking *asking)
{
	struct list *at, *after;

	if (asking == NULL)
		return;
	ep_scope_shut(&asking->scope, (uv_handle_t *)&asking->timer);
	list_for_each (at, after, &asking->questions)
		drop(container_of(at, struct question, link));
	ep_scope_end(&asking->scope, free_asking);
}
