/* libcurl's multi interface on a libuv loop.
 *
 * Happy path: start() adds the easy handle; libcurl asks for a timeout of 0,
 * which is the `soon` handle: one call in the next turn of the loop. In it
 * libcurl opens a socket and asks for a poll; the poll's events are handed to
 * libcurl (`act`); after each such call, outside libcurl, the transfers that
 * are done are taken out and told (`reap`). A timeout that is due is handed to
 * libcurl after the turn's events, because in it libcurl looks at its sockets
 * itself, and on_socket would come too late.
 *
 * What can fail: a poll reports an error (libuv stops the handle; libcurl is
 * told CURL_CSELECT_ERR and the poll is started again if libcurl still wants
 * it); a poll cannot be made (that transfer fails; libcurl is not told, because
 * it would give up all of them and leave its own tables wrong); libcurl closes
 * its kept connections while the multi is cleaned up and asks for polls then
 * (refused: closing). Nothing of libcurl is called from inside its own
 * callbacks, which only note, start and stop handles. */
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/scope.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

struct curl_loop {
	struct ep_scope scope;
	uv_loop_t *uv;
	CURLM *multi;
	uv_timer_t timer;      /* libcurl's timeout */
	uv_check_t soon;       /* a timeout is due: once, after the polls */
	uv_idle_t awake;       /* beside it: no waiting in the polls */
	struct list transfers; /* under way */
	struct list sockets;   /* watched */
	unsigned round;        /* of curl_loop_drain() */
	bool inside;           /* libcurl is on the stack */
	bool closing;
	void (*closed)(void *arg);
	void *arg;
};

/* A socket that libcurl wants watched. Freed when its handle has closed. */
struct watched {
	uv_poll_t poll; /* first: ep_scope_shut_free() */
	struct list link;
	struct curl_loop *owner;
	CURL *easy; /* whose it is; with the poll it goes */
	curl_socket_t fd;
	int events;     /* of libuv */
	unsigned round; /* the last in which it was drained */
};

static void on_poll(uv_poll_t *handle, int status, int events);

static int errno_of_multi(CURLMcode code)
{
	if (code == CURLM_OK)
		return 0;
	return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

/* --- what libcurl asks for; called from inside it --- */

static void unwatch(struct watched *w)
{
	list_remove(&w->link);
	/* Before libcurl closes the descriptor: libuv must not hold a poll on
	 * a number that the next socket gets. */
	ep_scope_shut_free(&w->owner->scope, (uv_handle_t *)&w->poll);
}

static struct watched *watch(struct curl_loop *c, curl_socket_t fd)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	if (uv_poll_init_socket(c->uv, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	ep_scope_adopt(&c->scope, (uv_handle_t *)&w->poll);
	w->owner = c;
	w->fd = fd;
	w->round = c->round;
	list_add(&c->sockets, &w->link);
	return w;
}

static int uv_events(int what)
{
	int events = 0;

	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return events;
}

/* To be told when libcurl is done with us. */
static void starve(struct curl_loop *c, const CURL *easy)
{
	struct list *at, *after;

	list_for_each (at, after, &c->transfers) {
		struct curl_transfer *t =
			container_of(at, struct curl_transfer, link);

		if (easy == NULL || t->easy == easy)
			t->starved = true;
	}
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
		     void *socket_arg)
{
	struct curl_loop *c = arg;
	struct watched *w = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			unwatch(w);
		return 0;
	}
	if (c->closing)
		return 0;
	if (w == NULL)
		w = watch(c, fd);
	if (w == NULL) {
		starve(c, easy);
		return 0;
	}
	curl_multi_assign(c->multi, fd, w);
	w->easy = easy;
	w->events = uv_events(what);
	if (uv_poll_start(&w->poll, w->events, on_poll) < 0)
		starve(c, easy);
	return 0;
}

static void act(struct curl_loop *c, curl_socket_t fd, int bits);

static void on_awake(uv_idle_t *awake)
{
	(void)awake;
}

static void stop_soon(struct curl_loop *c)
{
	uv_check_stop(&c->soon);
	uv_idle_stop(&c->awake);
}

static void on_soon(uv_check_t *soon)
{
	struct curl_loop *c = container_of(soon, struct curl_loop, soon);

	stop_soon(c);
	act(c, CURL_SOCKET_TIMEOUT, 0);
}

static void start_soon(struct curl_loop *c)
{
	uv_check_start(&c->soon, on_soon);
	uv_idle_start(&c->awake, on_awake);
}

static void on_timer(uv_timer_t *timer)
{
	start_soon(container_of(timer, struct curl_loop, timer));
}

static int on_timeout(CURLM *multi, long ms, void *arg)
{
	struct curl_loop *c = arg;

	(void)multi;
	uv_timer_stop(&c->timer);
	stop_soon(c);
	if (c->closing || ms < 0)
		return 0;
	if (ms == 0)
		start_soon(c);
	else
		uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

/* --- what the loop tells us --- */

static struct watched *watched_for(struct curl_loop *c, const CURL *easy)
{
	struct list *at, *after;

	list_for_each (at, after, &c->sockets) {
		struct watched *w = container_of(at, struct watched, link);

		if (w->easy == easy)
			return w;
	}
	return NULL;
}

/* Out of the multi. libcurl (7.88) says only after closing a socket that was
 * not connected yet that it needs no poll, so the polls go first. */
static void release(struct curl_transfer *t)
{
	struct curl_loop *c = t->loop;
	struct watched *w;

	assert(!c->inside);
	while ((w = watched_for(c, t->easy)) != NULL) {
		curl_multi_assign(c->multi, w->fd, NULL);
		unwatch(w);
	}
	c->inside = true;
	curl_multi_remove_handle(c->multi, t->easy);
	c->inside = false;
	list_remove(&t->link);
	t->loop = NULL;
}

static void finish(struct curl_transfer *t, CURLcode result)
{
	release(t);
	t->done(t, result);
	/* t may be gone */
}

static struct curl_transfer *transfer_of(CURL *easy)
{
	char *private = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	return (struct curl_transfer *)(void *)private;
}

static void reap(struct curl_loop *c)
{
	CURLMsg *message;
	int left;

	while (!c->closing &&
	       (message = curl_multi_info_read(c->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			finish(transfer_of(message->easy_handle),
			       message->data.result);
}

static struct curl_transfer *starving(struct curl_loop *c)
{
	struct list *at, *after;

	list_for_each (at, after, &c->transfers) {
		struct curl_transfer *t =
			container_of(at, struct curl_transfer, link);

		if (t->starved)
			return t;
	}
	return NULL;
}

static void act(struct curl_loop *c, curl_socket_t fd, int bits)
{
	struct curl_transfer *t;
	CURLMcode code;
	int running;

	assert(!c->inside);
	c->inside = true;
	code = curl_multi_socket_action(c->multi, fd, bits, &running);
	c->inside = false;
	if (code != CURLM_OK)
		starve(c, NULL); /* UNTESTED: libcurl without memory */
	reap(c);
	while ((t = starving(c)) != NULL)
		finish(t, CURLE_OUT_OF_MEMORY);
}

/* libuv stops a poll that reports an error. One that libcurl did not close in
 * spite of being told still has to report what follows. */
static void poll_again(struct watched *w)
{
	uv_handle_t *handle = (uv_handle_t *)&w->poll;

	if (!uv_is_closing(handle) && !uv_is_active(handle))
		uv_poll_start(&w->poll, w->events, on_poll);
}

static int curl_bits(int events)
{
	int bits = 0;

	if (events & UV_READABLE)
		bits |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		bits |= CURL_CSELECT_OUT;
	return bits;
}

/* The handle's memory lasts until its close callback, so `w` may be asked
 * whether it is closing whatever the callbacks did. */
static void tell(struct watched *w, int bits)
{
	struct curl_transfer *t = transfer_of(w->easy);

	if (t != NULL && t->on_socket != NULL)
		t->on_socket(t, w->fd, bits);
	if (uv_is_closing((uv_handle_t *)&w->poll))
		return;
	act(w->owner, w->fd, bits);
	poll_again(w);
}

/* With an error libuv does not say what else there is. libcurl is told both,
 * or it would not read what came before a reset. */
static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct watched *w = container_of(handle, struct watched, poll);

	if (status < 0)
		tell(w, CURL_CSELECT_ERR | curl_bits(w->events));
	else
		tell(w, curl_bits(events));
}

static int bits_now(const struct watched *w)
{
	struct pollfd p = { .fd = w->fd };
	int bits = 0;

	if (w->events & UV_READABLE)
		p.events |= POLLIN;
	if (w->events & UV_WRITABLE)
		p.events |= POLLOUT;
	if (poll(&p, 1, 0) <= 0)
		return 0;
	if (p.revents & (POLLIN | POLLHUP))
		bits |= CURL_CSELECT_IN;
	if (p.revents & POLLOUT)
		bits |= CURL_CSELECT_OUT;
	if (p.revents & POLLERR)
		bits |= CURL_CSELECT_ERR;
	return bits;
}

static bool is_due(const struct watched *w, uint64_t until_ns)
{
	const struct curl_transfer *t = transfer_of(w->easy);

	return t == NULL || t->due_ns <= until_ns;
}

/* The first that is due, was not looked at in this round, and has something. */
static struct watched *ready_one(struct curl_loop *c, uint64_t until_ns,
				 int *ret_bits)
{
	struct list *at, *after;

	list_for_each (at, after, &c->sockets) {
		struct watched *w = container_of(at, struct watched, link);

		if (w->round == c->round || !is_due(w, until_ns))
			continue;
		w->round = c->round;
		*ret_bits = bits_now(w);
		if (*ret_bits != 0)
			return w;
	}
	return NULL;
}

/* Callbacks may watch and unwatch any socket, so the search begins anew after
 * each. */
void curl_loop_drain(struct curl_loop *c, uint64_t until_ns)
{
	struct watched *w;
	int bits;

	if (uv_is_active((uv_handle_t *)&c->soon))
		on_soon(&c->soon);
	c->round++;
	while ((w = ready_one(c, until_ns, &bits)) != NULL)
		tell(w, bits);
}

/* --- the door --- */

static int set_up(struct curl_loop *c)
{
	CURLM *m = c->multi;

	if (curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) ||
	    curl_multi_setopt(m, CURLMOPT_SOCKETDATA, c) ||
	    curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timeout) ||
	    curl_multi_setopt(m, CURLMOPT_TIMERDATA, c) ||
	    /* A socket is one transfer's at a time. */
	    curl_multi_setopt(m, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING))
		return -EINVAL;
	return 0;
}

int curl_loop_open(uv_loop_t *loop, struct curl_loop **ret_curl_loop)
{
	struct curl_loop *c;
	int r = curl_loop_global();

	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->multi = curl_multi_init();
	if (c->multi == NULL) {
		r = -ENOMEM;
		goto err_free;
	}
	r = set_up(c);
	if (r < 0)
		goto err_multi;
	c->uv = loop;
	list_init(&c->transfers);
	list_init(&c->sockets);
	ep_scope_init(&c->scope);
	uv_timer_init(loop, &c->timer);
	ep_scope_adopt(&c->scope, (uv_handle_t *)&c->timer);
	uv_check_init(loop, &c->soon);
	ep_scope_adopt(&c->scope, (uv_handle_t *)&c->soon);
	uv_idle_init(loop, &c->awake);
	ep_scope_adopt(&c->scope, (uv_handle_t *)&c->awake);
	*ret_curl_loop = c;
	return 0;

err_multi:
	curl_multi_cleanup(c->multi);
err_free:
	free(c);
	return r;
}

static void on_ended(struct ep_scope *scope)
{
	struct curl_loop *c = container_of(scope, struct curl_loop, scope);
	void (*closed)(void *arg) = c->closed;
	void *arg = c->arg;

	free(c);
	if (closed != NULL)
		closed(arg);
}

void curl_loop_close(struct curl_loop *c, void (*closed)(void *arg), void *arg)
{
	assert(!c->inside && !c->closing && list_empty(&c->transfers));
	c->closing = true;
	c->closed = closed;
	c->arg = arg;
	/* Polls before the descriptors that cleaning up closes. */
	while (!list_empty(&c->sockets))
		unwatch(container_of(c->sockets.next, struct watched, link));
	curl_multi_cleanup(c->multi);
	ep_scope_shut(&c->scope, (uv_handle_t *)&c->timer);
	ep_scope_shut(&c->scope, (uv_handle_t *)&c->soon);
	ep_scope_shut(&c->scope, (uv_handle_t *)&c->awake);
	ep_scope_end(&c->scope, on_ended);
}

void curl_loop_keep(struct curl_loop *c, unsigned n)
{
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)n);
}

int curl_transfer_start(struct curl_loop *c, struct curl_transfer *transfer)
{
	CURLMcode code;

	if (c->closing)
		return -ECANCELED;
	assert(!c->inside && transfer->loop == NULL);
	curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
	c->inside = true;
	code = curl_multi_add_handle(c->multi, transfer->easy);
	c->inside = false;
	if (code != CURLM_OK)
		return errno_of_multi(code);
	transfer->loop = c;
	transfer->starved = false;
	list_add(&c->transfers, &transfer->link);
	return 0;
}

void curl_transfer_cancel(struct curl_transfer *transfer)
{
	if (transfer->loop != NULL)
		release(transfer);
}
