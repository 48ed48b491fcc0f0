/* Happy path: the request's line is read, the answer written a page at a time:
 * the next page is made when the last one has been taken, so that a slow reader
 * costs a page of memory and no loop of ours ever waits. Then we hang up.
 *
 * What can fail: the other end (too long, too late, gone, not JSON); it is told
 * why, as far as it still listens, and hung up on. */
#include "control/peer.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/scope.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS (10 * EP_NS_PER_S)

/* Room for the last line of an answer behind the largest page. */
#define OUT_MAX (CONTROL_PAGE_BYTES + 1024)

/*
 *   READING --- a line, or what is wrong ---> WRITING ---> LEAVING
 *      |                                                     ^
 *      +------------ gone, or out of patience ---------------+
 */
enum peer_state { PEER_READING, PEER_WRITING, PEER_LEAVING };

struct peer {
	struct list link;
	struct ep_scope scope;
	uv_pipe_t pipe;
	uv_timer_t timer;
	enum peer_state state;
	struct peer_host host;
	uv_write_t write;
	struct control_request request;
	struct control_answer answer;
	struct buf out;
	bool last; /* what is being written is the end */
	size_t len;
	char line[CONTROL_LINE_MAX];
};

static void on_ended(struct ep_scope *scope)
{
	struct peer *p = container_of(scope, struct peer, scope);
	struct peer_host host = p->host;

	control_request_finish(&p->request);
	buf_finish(&p->out);
	free(p);
	host.left(host.arg);
}

static void leave(struct peer *p)
{
	if (p->state == PEER_LEAVING)
		return;
	p->state = PEER_LEAVING;
	list_remove(&p->link);
	ep_scope_shut(&p->scope, (uv_handle_t *)&p->timer);
	ep_scope_shut(&p->scope, (uv_handle_t *)&p->pipe);
	ep_scope_end(&p->scope, on_ended);
}

static void on_timer(uv_timer_t *timer)
{
	leave(container_of(timer, struct peer, timer));
}

static void be_patient(struct peer *p)
{
	uint64_t ns = p->host.options->patience_ns;

	if (ns == 0)
		ns = PATIENCE_NS;
	uv_update_time(p->timer.loop);
	uv_timer_start(&p->timer, on_timer, ns / EP_NS_PER_MS + 1, 0);
}

/* --- writing --- */

static void next_page(struct peer *p);

static void on_written(uv_write_t *write, int status)
{
	struct peer *p = container_of(write, struct peer, write);

	if (p->state == PEER_LEAVING)
		return;
	if (status < 0 || p->last)
		leave(p);
	else
		next_page(p);
}

static void put(struct peer *p)
{
	uv_buf_t bytes = uv_buf_init(p->out.data, (unsigned)p->out.len);

	be_patient(p);
	if (p->out.len == 0 || uv_write(&p->write, (uv_stream_t *)&p->pipe,
					&bytes, 1, on_written) < 0)
		leave(p);
}

/* The last line: how it went. */
static void put_error(struct peer *p, const struct ep_err *err)
{
	buf_clear(&p->out);
	buf_text(&p->out, "{\"error\":");
	buf_json_text(&p->out, err->text);
	buf_printf(&p->out, ",\"errno\":%d}\n", -err->code);
	p->last = true;
	put(p);
}

static void next_page(struct peer *p)
{
	struct ep_err err = { 0 };
	int r;

	buf_clear(&p->out);
	r = p->host.options->say(&p->answer, &err, p->host.options->arg);
	assert(p->out.len <= CONTROL_PAGE_BYTES);
	if (r >= 0 && p->out.error < 0)
		r = ep_err_set(&err, p->out.error, "the answer is too long");
	if (r < 0) {
		err.code = r;
		put_error(p, &err);
		return;
	}
	p->last = r == 0;
	if (p->last)
		buf_text(&p->out, "{\"end\":true}\n");
	put(p);
}

/* --- reading --- */

static void fail(struct peer *p, int code, const char *text)
{
	struct ep_err err = { 0 };

	ep_err_set(&err, code, "%s", text);
	p->state = PEER_WRITING;
	put_error(p, &err);
}

static void answer(struct peer *p, size_t len)
{
	const struct control_options *o = p->host.options;
	struct ep_err err = { 0 };
	int r = control_request_parse(p->line, len, o->words, o->n_words,
				      &p->request, &err);

	if (r < 0) {
		fail(p, r, err.text);
		return;
	}
	p->state = PEER_WRITING;
	p->answer = (struct control_answer){ .request = &p->request,
					     .out = &p->out };
	next_page(p);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct peer *p = container_of((uv_pipe_t *)handle, struct peer, pipe);

	(void)suggested;
	*ret = uv_buf_init(p->line + p->len,
			   (unsigned)(sizeof(p->line) - p->len));
}

/* What comes behind the request is not read; one a connection. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer *p = container_of((uv_pipe_t *)stream, struct peer, pipe);
	const char *end;

	(void)buf;
	if (n == 0)
		return;
	if (n < 0) {
		leave(p);
		return;
	}
	end = memchr(p->line + p->len, '\n', (size_t)n);
	p->len += (size_t)n;
	if (end == NULL && p->len < sizeof(p->line))
		return;
	uv_read_stop(stream);
	if (end != NULL)
		answer(p, (size_t)(end - p->line));
	else
		fail(p, -EMSGSIZE, "a request has at most 4096 bytes");
}

/* --- life --- */

static struct peer *make(uv_loop_t *loop, const struct peer_host *host)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->host = *host;
	list_init(&p->link);
	buf_init(&p->out, OUT_MAX);
	ep_scope_init(&p->scope);
	uv_pipe_init(loop, &p->pipe, 0);
	ep_scope_adopt(&p->scope, (uv_handle_t *)&p->pipe);
	uv_timer_init(loop, &p->timer);
	ep_scope_adopt(&p->scope, (uv_handle_t *)&p->timer);
	return p;
}

int peer_accept(uv_stream_t *listener, const struct peer_host *host,
		peer_judge judge, struct list *peers)
{
	struct peer *p = make(listener->loop, host);
	struct ep_err err = { 0 };
	uv_os_fd_t fd = -1;
	int r;

	if (p == NULL)
		return -ENOMEM;
	list_add(peers, &p->link);
	r = uv_accept(listener, (uv_stream_t *)&p->pipe);
	if (r == 0)
		r = uv_fileno((uv_handle_t *)&p->pipe, &fd);
	if (r < 0) {
		leave(p);
		return r;
	}
	if (judge(fd, &err, host->arg) < 0) {
		fail(p, err.code, err.text);
		return 0;
	}
	be_patient(p);
	if (uv_read_start((uv_stream_t *)&p->pipe, on_room, on_read) < 0)
		leave(p);
	return 0;
}

void peers_drop(struct list *peers)
{
	struct list *at, *after;

	list_for_each (at, after, peers)
		leave(container_of(at, struct peer, link));
}
