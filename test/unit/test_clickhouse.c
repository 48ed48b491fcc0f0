/* ClickHouse asked by libcurl: a server that answers every request with the same
 * bytes, whatever they are. */
#include "report/clickhouse/http.h"
#include "report/model/source.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUEST_MAX 20000

struct server {
	int listener;
	pthread_t thread;
	const char *answer;
	unsigned port;
	char url[64];
	char request[REQUEST_MAX]; /* the last one */
};

/* The header and as much as it announces. */
static void read_request(int fd, char request[REQUEST_MAX])
{
	size_t n = 0;

	for (;;) {
		const char *end, *length;
		ssize_t got = read(fd, request + n, REQUEST_MAX - 1 - n);

		if (got <= 0)
			return;
		n += (size_t)got;
		request[n] = '\0';
		end = strstr(request, "\r\n\r\n");
		length = strstr(request, "Content-Length: ");
		if (end != NULL && length != NULL &&
		    strlen(end + 4) >= strtoul(length + 16, NULL, 10))
			return;
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		read_request(fd, s->request);
		assert_true(write(fd, s->answer, strlen(s->answer)) >= 0);
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s, const char *answer)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len),
			 0);
	s->port = ntohs(at.sin_port);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", s->port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

struct seen {
	char text[256];
	unsigned lines;
	int answer;
};

static int on_line(char *line, void *arg, struct ep_err *err)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);

	seen->lines++;
	snprintf(seen->text + n, sizeof(seen->text) - n, "%.20s;", line);
	return seen->answer < 0 ? ep_err_set(err, seen->answer, "no more") : 0;
}

/* What comes of asking a server that answers so. */
static int ask(const char *answer, struct seen *seen, struct ep_err *err)
{
	struct clickhouse_options o = { 0 };
	struct clickhouse *c;
	struct server s;
	int r;

	server_start(&s, answer);
	o.url = s.url;
	assert_int_equal(clickhouse_open(&o, &c, err), 0);
	assert_string_equal(clickhouse_label(c), s.url + strlen("http://"));
	r = clickhouse_ask(c, "SELECT 1", on_line, seen, err);
	clickhouse_close(c);
	server_stop(&s);
	assert_non_null(strstr(s.request, "SELECT 1"));
	return r;
}

#define OK      "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static void lines_of_an_answer(void **state)
{
	struct seen seen = { 0 };
	struct ep_err err = { 0 };

	(void)state;
	assert_int_equal(ask(OK CHUNKED "3\r\na\tb\r\n5\r\nc\nd\ne\r\n2\r\nf\n"
					"\r\n0\r\n\r\n",
			     &seen, &err),
			 0);
	assert_string_equal(seen.text, "a\tbc;d;ef;");
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(ask(OK "Content-Length: 0\r\n\r\n", &seen, &err), 0);
	assert_int_equal(seen.lines, 0);
}

static void answers_that_are_none(void **state)
{
	static const struct {
		const char *answer;
		int code;
		const char *says;
	} cases[] = {
		{ "", -ECONNRESET, "" },
		{ "SSH-2.0-x\r\n", -EPROTO, "" },
		{ OK CHUNKED "4\r\na\nb\n\r\n", -ECONNRESET, "" },
		{ OK CHUNKED "zzz\r\n", -ECONNRESET, "" },
		{ OK "Content-Length: 9\r\n\r\na\nb\n", -ECONNRESET, "" },
		{ OK "\r\na\nb\n", -EPROTO, "cut off" },
		{ OK "Content-Length: 3\r\n\r\na\nb", -EPROTO, "cut off" },
		{ OK CHUNKED "3\r\na\nb\r\n0\r\n\r\n", -EPROTO, "cut off" },
		{ OK "Content-Length: 43\r\n\r\na\nCode: 241. "
		     "DB::Exception: Memory is short\n\n",
		  -EREMOTEIO, "Memory is short" },
		{ "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", -EACCES,
		  "password" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 52\r\n\r\nCode: 60. "
		  "DB::Exception: edgeprobe.hours is not there",
		  -ENOENT, "schema.sql" },
		{ "HTTP/1.1 301 x\r\nLocation: /\r\nContent-Length: "
		  "0\r\n\r\n",
		  -EREMOTEIO, "301" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = { 0 };
		struct ep_err err = { 0 };
		int r = ask(cases[i].answer, &seen, &err);

		if (r >= 0 || (*cases[i].says != '\0' && r != cases[i].code) ||
		    strstr(err.text, cases[i].says) == NULL ||
		    strncmp(err.text, "ClickHouse at 127.0.0.1:", 24) != 0)
			fail_msg("case %zu: %d %s", i, r, err.text);
	}
}

static void an_end_before_the_answers(void **state)
{
	struct seen seen = { .answer = -E2BIG };
	struct ep_err err = { 0 };

	(void)state;
	assert_int_equal(ask(OK "Content-Length: 4\r\n\r\na\nb\n", &seen, &err),
			 -E2BIG);
	assert_int_equal(seen.lines, 1);
	assert_non_null(strstr(err.text, "no more"));
}

static void nobody_is_there(void **state)
{
	struct clickhouse_options o = { 0 };
	struct clickhouse *c;
	struct ep_err err = { 0 };
	struct seen seen = { 0 };
	struct server s;

	(void)state;
	server_start(&s, "");
	server_stop(&s);
	o.url = s.url;
	assert_int_equal(clickhouse_open(&o, &c, &err), 0);
	assert_int_equal(clickhouse_ask(c, "SELECT 1", on_line, &seen, &err),
			 -ECONNREFUSED);
	clickhouse_close(c);
}

/* Whether a request of `user` (NULL: the URL's) carries that. */
static bool asks_as(const char *user, const char *path, const char *header)
{
	struct clickhouse_options o = { .user = user, .password_file = path };
	struct clickhouse *c;
	struct ep_err err = { 0 };
	struct seen seen = { 0 };
	struct server s;
	char url[64];

	server_start(&s, OK "Content-Length: 0\r\n\r\n");
	snprintf(url, sizeof(url), "http://ann@127.0.0.1:%u/", s.port);
	o.url = url;
	assert_int_equal(clickhouse_open(&o, &c, &err), 0);
	assert_int_equal(clickhouse_ask(c, "SELECT 1", on_line, &seen, &err),
			 0);
	clickhouse_close(c);
	server_stop(&s);
	return strstr(s.request, header) != NULL;
}

static void who_asks(void **state)
{
	char path[] = "/tmp/edgeprobe-test-XXXXXX";
	struct clickhouse_options o = { .url = "http://a",
					.password_file = path };
	struct clickhouse *c;
	struct ep_err err = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "s3cret\nmore\n", 12), 12);
	close(fd);
	/* ann:s3cret, bob:s3cret */
	assert_true(asks_as(NULL, path, "Basic YW5uOnMzY3JldA=="));
	assert_true(asks_as("bob", path, "Basic Ym9iOnMzY3JldA=="));
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(clickhouse_open(&o, &c, &err), -EINVAL);
	unlink(path);
	assert_int_equal(clickhouse_open(&o, &c, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
}

static void urls_that_are_none(void **state)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1:8123",
		"ftp://a",
		"http://",
		"http://a/db",
		"http://a?query=x",
		"http://a:b@c",
		"file:///etc/passwd",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct clickhouse_options o = { .url = bad[i] };
		struct clickhouse *c;
		struct ep_err err = { 0 };

		assert_int_equal(clickhouse_open(&o, &c, &err), -EINVAL);
		assert_non_null(strstr(err.text, "the URL of ClickHouse"));
	}
}

/* A source is not fooled by lines that are not what was asked for. */
static void answers_to_another_question(void **state)
{
	static const char *const bodies[] = { "x\n",
					      "1\t2\t3\n",
					      "\n",
					      "1\t2\t3\t4\t5\n",
					      "-1\t2\t3\t4\n",
					      "1\t99999999999\t3\t4\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct clickhouse_options c = { 0 };
		struct report_options o = { .clickhouse = &c,
					    .since_ns = 1,
					    .until_ns = 2000000000 };
		struct source *source;
		struct ep_err err = { 0 };
		struct server s;
		char answer[128];

		snprintf(answer, sizeof(answer),
			 OK "Content-Length: %zu\r\n\r\n%s", strlen(bodies[i]),
			 bodies[i]);
		server_start(&s, answer);
		c.url = s.url;
		assert_int_equal(source_open_clickhouse(&o, &source, &err),
				 -EPROTO);
		server_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_an_answer),
		cmocka_unit_test(answers_that_are_none),
		cmocka_unit_test(an_end_before_the_answers),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(who_asks),
		cmocka_unit_test(urls_that_are_none),
		cmocka_unit_test(answers_to_another_question),
	};

	unsetenv("http_proxy");
	unsetenv("CLICKHOUSE_PASSWORD");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
