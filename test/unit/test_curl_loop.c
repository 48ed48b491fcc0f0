#include "edgeprobe/private/curl_loop.h"
#include "lib/web_server.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 60

struct one {
	struct curl_transfer transfer;
	struct world *world;
	unsigned done, events;
	CURLcode result;
	size_t bytes;
	int fd;
};

struct world {
	uv_loop_t loop;
	struct curl_loop *curl;
	struct web_server *server;
	unsigned done, closed;
	bool starting;
	void (*then)(struct one *one); /* when one is done */
	struct one one[MANY];
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	((struct one *)arg)->bytes += size * n;
	return size * n;
}

static void on_done(struct curl_transfer *t, CURLcode result)
{
	struct one *one = container_of(t, struct one, transfer);

	assert_false(one->world->starting);
	assert_null(t->loop);
	one->done++;
	one->world->done++;
	one->result = result;
	if (one->world->then != NULL)
		one->world->then(one);
}

static void on_event(struct curl_transfer *t, curl_socket_t fd, int events)
{
	struct one *one = container_of(t, struct one, transfer);

	assert_true(events != 0);
	one->events++;
	one->fd = fd;
}

static void make(struct world *w, unsigned i, uint16_t port, const char *path)
{
	struct one *one = &w->one[i];
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
	one->world = w;
	one->transfer.easy = curl_easy_init();
	one->transfer.done = on_done;
	one->transfer.on_socket = on_event;
	curl_easy_setopt(one->transfer.easy, CURLOPT_URL, url);
	curl_easy_setopt(one->transfer.easy, CURLOPT_PROXY, "");
	curl_easy_setopt(one->transfer.easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(one->transfer.easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(one->transfer.easy, CURLOPT_WRITEDATA, one);
}

static void start(struct world *w, unsigned i, const char *path)
{
	make(w, i, web_server_port(w->server), path);
	w->starting = true;
	assert_int_equal(curl_transfer_start(w->curl, &w->one[i].transfer), 0);
	w->starting = false;
}

static void on_closed(void *arg)
{
	((struct world *)arg)->closed++;
}

static void close_curl(struct world *w)
{
	struct curl_loop *curl = w->curl;

	w->curl = NULL;
	curl_loop_close(curl, on_closed, w);
	assert_int_equal(w->closed, 0);
}

static int set_up(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(curl_loop_open(&w->loop, &w->curl), 0);
	w->server = web_server_start(&(struct web_server_options){ 0 });
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	if (w->curl != NULL)
		close_curl(w);
	assert_int_equal(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(w->closed, 1);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	for (unsigned i = 0; i < MANY; i++)
		curl_easy_cleanup(w->one[i].transfer.easy);
	web_server_stop(w->server);
	test_free(w);
	return 0;
}

static void run(struct world *w)
{
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

static void many_at_once(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < MANY; i++)
		start(w, i, i % 2 ? "/" : "/big");
	assert_int_equal(w->done, 0);
	run(w);
	assert_int_equal(w->done, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(w->one[i].done, 1);
		assert_int_equal(w->one[i].result, CURLE_OK);
		assert_int_equal(w->one[i].bytes, i % 2 ? 6 : 262144);
	}
}

static void next(struct one *one)
{
	unsigned i = (unsigned)(one - one->world->one) + 1;

	if (i < MANY)
		start(one->world, i, "/");
}

static void one_after_the_other_keeps_the_connection(void **state)
{
	struct world *w = *state;

	w->then = next;
	start(w, 0, "/");
	run(w);
	assert_int_equal(w->done, MANY);
	assert_int_equal(web_server_connections(w->server), 1);
}

static void cancel_others(struct one *one)
{
	for (unsigned i = 0; i < MANY; i++)
		curl_transfer_cancel(&one->world->one[i].transfer);
}

static void cancel_the_others_when_one_is_done(void **state)
{
	struct world *w = *state;

	w->then = cancel_others;
	for (unsigned i = 1; i < MANY; i++)
		start(w, i, "/hang");
	start(w, 0, "/");
	run(w);
	assert_int_equal(w->done, 1);
	assert_int_equal(w->one[0].result, CURLE_OK);
}

static void on_event_cancel(struct curl_transfer *t, curl_socket_t fd,
			    int events)
{
	struct one *one = container_of(t, struct one, transfer);

	(void)fd;
	(void)events;
	one->events++;
	curl_transfer_cancel(t);
	curl_transfer_cancel(t);
}

static void cancel_before_libcurl_is_told(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < MANY; i++) {
		start(w, i, "/");
		w->one[i].transfer.on_socket = on_event_cancel;
	}
	run(w);
	assert_int_equal(w->done, 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(w->one[i].events, 1);
}

static void close_in_the_middle(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 10; i++)
		start(w, i, "/half");
	while (web_server_requests(w->server) < 10)
		uv_run(&w->loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < 10; i++)
		curl_transfer_cancel(&w->one[i].transfer);
	close_curl(w);
	run(w);
	assert_int_equal(w->done, 0);
	assert_int_equal(w->closed, 1);
}

static void close_all(struct one *one)
{
	cancel_others(one);
	close_curl(one->world);
}

static void close_when_one_is_done(void **state)
{
	struct world *w = *state;

	w->then = close_all;
	for (unsigned i = 0; i < MANY; i++)
		start(w, i, "/");
	run(w);
	assert_int_equal(w->done, 1);
	assert_int_equal(w->closed, 1);
}

static void close_with_nothing_started(void **state)
{
	struct world *w = *state;

	close_curl(w);
	run(w);
	assert_int_equal(w->closed, 1);
}

static void cancel_before_the_first_turn(void **state)
{
	struct world *w = *state;

	start(w, 0, "/");
	curl_transfer_cancel(&w->one[0].transfer);
	run(w);
	assert_int_equal(w->done, 0);
	assert_int_equal(web_server_connections(w->server), 0);
}

/* A port that nobody listens on, held so that nobody else gets it. */
static int hold_port(uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void refused(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = hold_port(&port);

	make(w, 0, port, "/");
	assert_int_equal(curl_transfer_start(w->curl, &w->one[0].transfer), 0);
	run(w);
	close(fd);
	assert_int_equal(w->one[0].result, CURLE_COULDNT_CONNECT);
	assert_int_equal(curl_loop_errno(w->one[0].result), -ECONNREFUSED);
}

/* Two addresses of one name; the server listens on the second. */
static void first_address_refused(void **state)
{
	struct world *w = *state;
	CURL *easy;
	uint16_t port = web_server_port(w->server);
	struct curl_slist *addresses;
	char text[128];

	snprintf(text, sizeof(text), "two.test:%u:127.0.0.2,127.0.0.1", port);
	addresses = curl_slist_append(NULL, text);
	make(w, 0, port, "/");
	easy = w->one[0].transfer.easy;
	snprintf(text, sizeof(text), "http://two.test:%u/", port);
	curl_easy_setopt(easy, CURLOPT_URL, text);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, addresses);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
	assert_int_equal(curl_transfer_start(w->curl, &w->one[0].transfer), 0);
	run(w);
	curl_slist_free_all(addresses);
	assert_int_equal(w->one[0].result, CURLE_OK);
}

static void broken_answers(void **state)
{
	struct world *w = *state;

	start(w, 0, "/reset");
	start(w, 1, "/cut");
	start(w, 2, "/close");
	start(w, 3, "/");
	run(w);
	assert_int_equal(w->done, 4);
	assert_int_equal(w->one[0].result, CURLE_RECV_ERROR);
	assert_int_equal(w->one[1].result, CURLE_PARTIAL_FILE);
	assert_int_equal(w->one[2].result, CURLE_GOT_NOTHING);
	assert_int_equal(w->one[3].result, CURLE_OK);
}

/* The loop does not turn: only what the kernel already holds is read. */
static void drain_reads_what_is_there(void **state)
{
	struct world *w = *state;
	struct pollfd p = { .events = POLLIN };

	start(w, 0, "/");
	while (w->done == 0 &&
	       (w->one[0].events == 0 || web_server_requests(w->server) == 0))
		uv_run(&w->loop, UV_RUN_NOWAIT);
	if (w->done == 0) {
		p.fd = w->one[0].fd;
		assert_int_equal(poll(&p, 1, 10000), 1);
		curl_loop_drain(w->curl, UINT64_MAX);
	}
	assert_int_equal(w->one[0].result, CURLE_OK);
	assert_int_equal(w->one[0].done, 1);
	curl_loop_drain(w->curl, UINT64_MAX);
}

static void drain_survives_what_callbacks_do(void **state)
{
	struct world *w = *state;

	w->then = close_all;
	for (unsigned i = 0; i < MANY; i++)
		start(w, i, "/");
	while (web_server_requests(w->server) < 1 && w->done == 0)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	while (w->done == 0)
		curl_loop_drain(w->curl, UINT64_MAX);
	run(w);
	assert_int_equal(w->done, 1);
}

/* Both were asked for, and their answers lie unread; false: one was read. */
static bool leave_unread(struct world *w, unsigned first)
{
	unsigned asked = web_server_requests(w->server);

	assert_true(first + 1 < MANY);
	for (unsigned i = first; i < first + 2; i++)
		start(w, i, "/late");
	while (web_server_requests(w->server) < asked + 2)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	for (unsigned i = first; i < first + 2; i++) {
		struct pollfd p = { .fd = w->one[i].fd, .events = POLLIN };

		if (w->one[i].done > 0 || w->one[i].events == 0)
			return false;
		assert_int_equal(poll(&p, 1, 10000), 1);
	}
	return true;
}

/* What is not due stays unread, however much there is. */
static void drain_looks_only_at_what_is_due(void **state)
{
	struct world *w = *state;
	unsigned i = 0;

	for (; !leave_unread(w, i); i += 2)
		run(w);
	w->one[i].transfer.due_ns = 1000;
	w->one[i + 1].transfer.due_ns = 2000;
	for (unsigned n = 0; n <= 2; n++) {
		curl_loop_drain(w->curl, 1000 * n);
		assert_int_equal(w->done, i + n);
	}
}

/* The server has its own threads. */
static _Thread_local bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

/* Each hears of it, and the next is not the worse for it. */
static void no_memory_for_a_poll(void **state)
{
	struct world *w = *state;
	struct curl_loop *none;

	no_memory = true;
	assert_int_equal(curl_loop_open(&w->loop, &none), -ENOMEM);
	no_memory = false;
	for (unsigned i = 0; i < 10; i++)
		start(w, i, "/");
	no_memory = true;
	while (w->done < 10)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	no_memory = false;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(w->one[i].result, CURLE_OUT_OF_MEMORY);
	start(w, 10, "/");
	run(w);
	assert_int_equal(w->one[10].result, CURLE_OK);
}

/* libcurl has to be told of a transfer that waits for nothing but time. */
static void timeout_without_an_event(void **state)
{
	struct world *w = *state;

	start(w, 0, "/hang");
	curl_easy_setopt(w->one[0].transfer.easy, CURLOPT_TIMEOUT_MS, 50L);
	curl_transfer_cancel(&w->one[0].transfer);
	assert_int_equal(curl_transfer_start(w->curl, &w->one[0].transfer), 0);
	run(w);
	assert_int_equal(w->one[0].result, CURLE_OPERATION_TIMEDOUT);
}

static void *run_many(void *arg)
{
	many_at_once(arg);
	return NULL;
}

static void two_loops_on_two_threads(void **state)
{
	void *other = NULL;
	pthread_t thread;

	set_up(&other);
	assert_int_equal(pthread_create(&thread, NULL, run_many, &other), 0);
	many_at_once(state);
	pthread_join(thread, NULL);
	tear_down(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(many_at_once),
		TEST(one_after_the_other_keeps_the_connection),
		TEST(cancel_the_others_when_one_is_done),
		TEST(cancel_before_libcurl_is_told),
		TEST(close_in_the_middle),
		TEST(close_when_one_is_done),
		TEST(close_with_nothing_started),
		TEST(cancel_before_the_first_turn),
		TEST(refused),
		TEST(first_address_refused),
		TEST(broken_answers),
		TEST(drain_reads_what_is_there),
		TEST(drain_looks_only_at_what_is_due),
		TEST(drain_survives_what_callbacks_do),
		TEST(no_memory_for_a_poll),
		TEST(timeout_without_an_event),
		TEST(two_loops_on_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
