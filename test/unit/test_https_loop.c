/* The https kind against a real TLS server on loopback. */
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/private/list.h"
#include "lib/https_world.h"
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void replies(struct https_world *w, const char *address)
{
	struct web_server *s = https_serve(w, address, NAMES);
	struct ep_target t = https_target(address, web_server_port(s), NULL);
	const struct ep_sample *got = https_measure(w, &t);
	char request[512];

	expect_outcome(got, EP_REPLIED, EP_REASON_NONE);
	expect_whole(got);
	assert_int_equal(got->port, web_server_port(s));
	assert_int_equal(got->https.http_status, 200);
	assert_string_equal(got->https.http_version, "1.1");
	assert_string_equal(got->https.pop, "AMS");
	assert_string_equal(got->https.pop_source, "X-MSEdge-Ref");
	assert_string_equal(got->https.tls_issuer, AUTHORITY);
	assert_in_range(got->https.tls_days_left, 8, 9);
	web_server_last(s, request, sizeof(request));
	assert_non_null(strstr(request, "GET / HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "\r\nUser-Agent: probe-test/1\r\n"));
	assert_non_null(strstr(request, "\r\nAccept: */*\r\n"));
	assert_null(strstr(request, "Cookie"));
	web_server_stop(s);
}

static void replies_over_ipv4(void **state)
{
	replies(*state, "127.0.0.1");
}

static void replies_over_ipv6(void **state)
{
	replies(*state, "::1");
}

static void each_connection_is_fresh(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	for (int i = 0; i < 5; i++)
		expect_outcome(https_measure(w, &t), EP_REPLIED,
			       EP_REASON_NONE);
	for (int i = 0; i < 20; i++)
		https_start(w, &t);
	https_wait(w, 25);
	assert_int_equal(web_server_connections(s), 25);
	expect_whole(&w->got);
	web_server_stop(s);
}

static void name_is_looked_up_and_sent(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("localhost", web_server_port(s), "/a?b");
	char request[512], host[64];

	t.family = 4;
	expect_outcome(https_measure(w, &t), EP_REPLIED, EP_REASON_NONE);
	web_server_last(s, request, sizeof(request));
	snprintf(host, sizeof(host), "\r\nHost: localhost:%u\r\n",
		 web_server_port(s));
	assert_non_null(strstr(request, host));
	assert_non_null(strstr(request, "GET /a?b HTTP/1.1\r\n"));
	web_server_stop(s);
}

/* Trust another authority than the server's, of that name. */
static void ask_trusting(struct https_world *w, const char *name)
{
	char path[64];

	https_make_path(path, sizeof(path));
	web_ca_destroy(web_ca_create(name, path));
	https_close(w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	w->closed = 0;
	https_open(w, path);
	https_ask(w, "/");
	unlink(path);
}

static void authority_unknown(void **state)
{
	struct https_world *w = *state;

	ask_trusting(w, "Somebody Else");
	expect_outcome(&w->got, EP_FAILED, EP_REASON_TLS_UNTRUSTED);
	expect_handshake(&w->got);
	/* Whom to ask about it. */
	assert_string_equal(w->got.https.tls_issuer, AUTHORITY);
	assert_in_range(w->got.https.tls_days_left, 8, 9);
	assert_int_equal(w->got.https.tls_ns, EP_ABSENT);
	assert_int_equal(w->got.https.http_status, 0);
}

/* OpenSSL's finding is of the signature then, and libcurl does not tell it. */
static void authority_forged(void **state)
{
	struct https_world *w = *state;

	ask_trusting(w, AUTHORITY);
	expect_outcome(&w->got, EP_FAILED, EP_REASON_TLS_FAILED);
	expect_handshake(&w->got);
	assert_int_equal(w->got.https.http_status, 0);
}

static void certificate_of_another_name(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, "DNS:elsewhere.test");
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	expect_outcome(https_measure(w, &t), EP_FAILED,
		       EP_REASON_TLS_NAME_MISMATCH);
	expect_handshake(&w->got);
	assert_int_equal(web_server_requests(s), 0);
	web_server_stop(s);
}

static void certificate_with_dates(struct https_world *w, int from_days,
				   int to_days)
{
	struct web_server *s = web_server_start(&(struct web_server_options){
		.ca = w->ca,
		.names = NAMES,
		.from_days = from_days,
		.to_days = to_days,
	});
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	expect_outcome(https_measure(w, &t), EP_FAILED, EP_REASON_TLS_EXPIRED);
	expect_handshake(&w->got);
	web_server_stop(s);
}

static void certificate_expired(void **state)
{
	certificate_with_dates(*state, -9, -2);
}

static void certificate_not_yet_valid(void **state)
{
	certificate_with_dates(*state, 2, 9);
}

/* A socket on a free port; it listens if `backlog` is not 0, and never
 * accepts. */
static int hold_port(int backlog, uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
	if (backlog > 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void refused(void **state)
{
	struct https_world *w = *state;
	uint16_t port;
	int fd = hold_port(0, &port);
	struct ep_target t = https_target("127.0.0.1", port, "/");

	expect_outcome(https_measure(w, &t), EP_REFUSED, EP_REASON_TCP_RESET);
	assert_true(w->got.rtt_ns > 0);
	assert_int_equal(w->got.stamp, EP_STAMP_USER);
	assert_true(w->got.uncertainty_ns > 0);
	assert_int_equal(w->got.https.connect_ns, EP_ABSENT);
	close(fd);
}

static void silent_server(void **state)
{
	struct https_world *w = *state;
	uint16_t port;
	int fd = hold_port(8, &port);
	struct ep_target t = https_target("127.0.0.1", port, "/");

	t.timeout_ns = 200 * EP_NS_PER_MS;
	expect_outcome(https_measure(w, &t), EP_LOST, EP_REASON_TLS_TIMEOUT);
	expect_handshake(&w->got);
	assert_int_equal(w->got.https.tls_ns, EP_ABSENT);
	close(fd);
}

static void source_is_kept_to(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	t.dscp = 46;
	t.source = "127.0.0.9";
	expect_outcome(https_measure(w, &t), EP_REPLIED, EP_REASON_NONE);
	t.source = "lo";
	expect_outcome(https_measure(w, &t), EP_REPLIED, EP_REASON_NONE);
	t.source = "nosuch0";
	expect_outcome(https_measure(w, &t), EP_FAILED, EP_REASON_NO_SOURCE);
	t.source = "192.0.2.1";
	expect_outcome(https_measure(w, &t), EP_FAILED, EP_REASON_NO_SOURCE);
	t.source = "::1";
	expect_outcome(https_measure(w, &t), EP_FAILED, EP_REASON_NO_SOURCE);
	assert_int_equal(w->got.rtt_ns, EP_ABSENT);
	assert_int_equal(web_server_connections(s), 2);
	web_server_stop(s);
}

static uint16_t port_used(struct https_world *w, struct web_server *s,
			  const struct ep_target *t)
{
	expect_outcome(https_measure(w, t), EP_REPLIED, EP_REASON_NONE);
	expect_whole(&w->got);
	web_server_await_idle(s);
	return web_server_peer_port(s);
}

static void a_flow_keeps_its_port(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");
	uint16_t port;

	t.flow = 1;
	port = port_used(w, s, &t);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(port_used(w, s, &t), port);
		assert_int_equal(w->got.flags, 0);
	}
	t.flow = 2;
	assert_int_not_equal(port_used(w, s, &t), port);
	t.flow = 1;
	t.fresh_flow = true;
	assert_int_not_equal(port_used(w, s, &t), port);
	assert_int_equal(w->got.flags, EP_FLAG_FRESH_FLOW);
	t.fresh_flow = false;
	assert_int_equal(port_used(w, s, &t), port);
	web_server_stop(s);
}

/* Of a flow several may be under way. */
static void a_port_that_is_taken(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	t.flow = 1;
	for (int i = 0; i < 12; i++)
		https_start(w, &t);
	for (unsigned n = 1; n <= 12; n++) {
		https_wait(w, n);
		expect_outcome(&w->got, EP_REPLIED, EP_REASON_NONE);
	}
	assert_int_equal(web_server_connections(s), 12);
	web_server_stop(s);
}

static void packets_are_counted(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");
	uint16_t port;
	int fd = hold_port(0, &port);

	/* A handshake with one short certificate, a request, an answer. */
	assert_in_range(https_measure(w, &t)->bytes, 1500, 5000);
	web_server_stop(s);
	t.port = port;
	expect_outcome(https_measure(w, &t), EP_REFUSED, EP_REASON_TCP_RESET);
	assert_in_range(w->got.bytes, 40, 200); /* SYN and RST */
	close(fd);
}

/* Where a stamp cannot be trusted (we were held up while we read a clock) it is
 * not known, which is for once only. */
static void first_byte_of_tls(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");
	const struct ep_https *h = &w->got.https;

	do {
		https_measure(w, &t);
		expect_outcome(&w->got, EP_REPLIED, EP_REASON_NONE);
	} while (h->tls_first_byte_ns == EP_ABSENT && w->n < 1000);
	assert_true(h->tls_first_byte_ns > 0);
	assert_true(h->tls_first_byte_ns <= h->tls_ns);
	web_server_stop(s);
}

/* The loop stands still while the answer arrives: not the network's time. */
static void measure_blocked(struct https_world *w, uint64_t blocked_ns)
{
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	/* The kernel begins to stamp with the first that asks for it. */
	https_measure(w, &t);
	https_start(w, &t);
	while (w->n < 2) {
		uint64_t until_ns = ep_clock_mono_ns() + blocked_ns;

		uv_run(&w->loop, UV_RUN_NOWAIT);
		while (w->n < 2 && ep_clock_mono_ns() < until_ns)
			continue;
	}
	web_server_stop(s);
}

static void blocked_loop_does_not_count(void **state)
{
	struct https_world *w = *state;
	const int64_t blocked_ns = INT64_C(100000000);

	measure_blocked(w, (uint64_t)blocked_ns);
	expect_outcome(&w->got, EP_REPLIED, EP_REASON_NONE);
	expect_whole(&w->got);
	assert_true(w->got.rtt_ns < blocked_ns);
	assert_true(w->got.https.tls_ns < blocked_ns);
	assert_true(w->got.https.first_byte_ns < blocked_ns);
}

/* Longer than libcurl's own timer for trying another address, so that it is due
 * together with the socket's event: the request was made and answered. But for
 * so long that we are in the time that it took to connect. */
static void blocked_beyond_libcurls_timers(void **state)
{
	struct https_world *w = *state;

	measure_blocked(w, 250 * EP_NS_PER_MS);
	assert_int_equal(w->got.https.http_status, 200);
	expect_outcome(&w->got, EP_FAILED, EP_REASON_UNMEASURED);
	assert_int_equal(w->got.flags, EP_FLAG_STALLED);
	assert_true(w->got.https.connect_ns == EP_ABSENT);
}

static void cancel_at_once(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");
	struct ep_probe *probe;

	assert_int_equal(
		ep_probe_start(w->engine, &t, 0, https_on_sample, w, &probe),
		0);
	ep_probe_cancel(probe);
	ep_probe_cancel(probe);
	https_wait(w, 1);
	assert_int_equal(w->got.outcome, EP_CANCELLED);
	web_server_stop(s);
}

static void cancel_in_the_middle(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), "/half");
	struct ep_probe *probe;

	assert_int_equal(
		ep_probe_start(w->engine, &t, 0, https_on_sample, w, &probe),
		0);
	while (web_server_requests(s) == 0)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	ep_probe_cancel(probe);
	https_wait(w, 1);
	assert_int_equal(w->got.outcome, EP_CANCELLED);
	web_server_stop(s);
}

static void close_in_the_middle(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), "/hang");

	for (int i = 0; i < 8; i++)
		https_start(w, &t);
	while (web_server_requests(s) < 4)
		uv_run(&w->loop, UV_RUN_NOWAIT);
	https_close(w);
	https_wait(w, 8);
	assert_int_equal(w->got.outcome, EP_CANCELLED);
	web_server_stop(s);
}

static void close_once(struct https_world *w)
{
	if (w->engine != NULL)
		https_close(w);
}

static void close_from_a_callback(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	w->then = close_once;
	for (int i = 0; i < 8; i++)
		https_start(w, &t);
	https_wait(w, 8);
	web_server_stop(s);
}

static void ready_says_what_is_wrong(void **state)
{
	struct https_world *w = *state;
	struct ep_err err = { 0 };

	assert_int_equal(
		ep_engine_ready(w->engine, ep_kind_find("https"), 4, &err), 0);
	unlink(w->ca_path);
	https_close(w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(ep_engine_open(&w->loop,
					&(struct ep_engine_options){
						.ca_file = w->ca_path },
					&w->engine, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, w->ca_path));
	w->engine = NULL;
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, https_set_up, https_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(replies_over_ipv4),
		TEST(replies_over_ipv6),
		TEST(each_connection_is_fresh),
		TEST(name_is_looked_up_and_sent),
		TEST(authority_unknown),
		TEST(authority_forged),
		TEST(certificate_of_another_name),
		TEST(certificate_expired),
		TEST(certificate_not_yet_valid),
		TEST(refused),
		TEST(silent_server),
		TEST(source_is_kept_to),
		TEST(a_flow_keeps_its_port),
		TEST(a_port_that_is_taken),
		TEST(packets_are_counted),
		TEST(first_byte_of_tls),
		TEST(blocked_loop_does_not_count),
		TEST(blocked_beyond_libcurls_timers),
		TEST(cancel_at_once),
		TEST(cancel_in_the_middle),
		TEST(close_in_the_middle),
		TEST(close_from_a_callback),
		TEST(ready_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
