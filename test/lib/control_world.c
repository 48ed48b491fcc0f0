#include "lib/control_world.h"
#include "control/address.h"
#include "control/ask.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LONG_NS (60 * EP_NS_PER_S)

static const struct control_word words[] = {
	{ "small", 0 },   { "pages", 0 },
	{ "endless", 0 }, { "fail", 0 },
	{ "late", 0 },    { "ids", CONTROL_DESTINATION | CONTROL_IDS },
};

/* --- the agent's end --- */

static int say_page(struct control_answer *answer)
{
	char text[WORLD_LINE_BYTES];

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < WORLD_PAGE_LINES; i++)
		buf_printf(answer->out, "{\"n\":%llu,\"text\":\"%.*s\"}\n",
			   (unsigned long long)answer->at++, (int)sizeof(text),
			   text);
	return answer->at < (uint64_t)WORLD_PAGES * WORLD_PAGE_LINES ||
	       strcmp(answer->request->word->ask, "pages") != 0;
}

static int say(struct control_answer *answer, struct ep_err *err, void *arg)
{
	const struct control_request *q = answer->request;
	struct world *w = arg;

	w->said++;
	if (w->stop_when_said)
		uv_stop(&w->loop);
	if (strcmp(q->word->ask, "fail") == 0)
		return ep_err_set(err, -ENOSPC, "no room for \"it\"");
	if (strcmp(q->word->ask, "late") == 0 && answer->step++ == 1)
		return ep_err_set(err, -EIO, "gone in the middle");
	if (strcmp(q->word->ask, "pages") == 0 ||
	    strcmp(q->word->ask, "endless") == 0)
		return say_page(answer);
	buf_printf(answer->out, "{\"ask\":\"%s\",\"ids\":%zu,\"all\":%d}\n",
		   q->word->ask, q->n_ids, q->all);
	return strcmp(q->word->ask, "late") == 0;
}

static void on_ended(struct ep_scope *scope)
{
	(void)scope;
}

static void on_done(uv_async_t *done)
{
	uv_stop(done->loop);
}

int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	signal(SIGPIPE, SIG_IGN); /* as the agent does */
	snprintf(w->dir, sizeof(w->dir), "/tmp/edgeprobe-control-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	snprintf(w->path, sizeof(w->path), "%s/socket", w->dir);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	ep_scope_init(&w->scope);
	uv_async_init(&w->loop, &w->done, on_done);
	ep_scope_adopt(&w->scope, (uv_handle_t *)&w->done);
	w->options = (struct control_options){
		.path = w->path,
		.words = words,
		.n_words = COUNT(words),
		.say = say,
		.arg = w,
		.patience_ns = LONG_NS,
	};
	*state = w;
	return 0;
}

/* Nothing is left: no handle, no file. */
int world_tear_down(void **state)
{
	struct world *w = *state;

	control_close(w->control);
	ep_scope_shut(&w->scope, (uv_handle_t *)&w->done);
	ep_scope_end(&w->scope, on_ended);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

void world_open(struct world *w)
{
	struct ep_err err = { 0 };

	if (control_open(&w->loop, &w->options, &w->control, &err) < 0)
		fail_msg("%s", err.text);
}

void *world_other_end(void *arg)
{
	struct world *w = arg;

	w->act(w);
	uv_async_send(&w->done);
	return NULL;
}

/* The loop runs until the other end has had enough. */
void world_meet(struct world *w, void (*act)(struct world *w))
{
	pthread_t thread;

	w->act = act;
	w->lines = 0;
	w->bytes = 0;
	memset(&w->err, 0, sizeof(w->err));
	assert_int_equal(pthread_create(&thread, NULL, world_other_end, w), 0);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
}

/* --- the other end --- */

static int on_line(const char *line, size_t len, void *arg)
{
	struct world *w = arg;

	w->lines++;
	w->bytes += len + 1;
	snprintf(w->text, sizeof(w->text), "%.*s", (int)len, line);
	return 0;
}

void world_ask(struct world *w, const char *request)
{
	w->result = control_ask(w->path, request, LONG_NS, on_line, w, &w->err);
}

/* On a thread that is not the test's. */
void world_must(bool truth)
{
	if (!truth)
		abort();
}

int world_dial(const struct world *w)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	world_must(control_address(w->path, &address) == 0);
	world_must(connect(fd, (struct sockaddr *)&address, sizeof(address)) ==
		   0);
	return fd;
}

/* All that comes until the other side hangs up. */
void world_read(struct world *w, int fd)
{
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(w->text) - 1 &&
	       (r = recv(fd, w->text + n, sizeof(w->text) - 1 - n, 0)) > 0)
		n += (size_t)r;
	w->text[n] = '\0';
	close(fd);
}

void world_ask_small(struct world *w)
{
	world_ask(w, "{\"ask\":\"small\"}\n");
}
