/* The resolver on a real loop, against real name servers on loopback that
 * answer well or badly (see dns_server.h). */
#include "../lib/dns_server.h"
#include "../lib/resolve_world.h"
#include "core/engine_i.h"
#include "core/resolve.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

/* --- answers --- */

static void each_family_has_its_address(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	answer = resolve_world_ask(&w, "ok.test", 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	assert_true(answer.took_ns > 0);
	answer = resolve_world_ask(&w, "ok.test", 6);
	resolve_world_expect_address(&answer, "::1");
	answer = resolve_world_ask(&w, "v4.test", 0);
	resolve_world_expect_address(&answer, "127.0.0.1");
	answer = resolve_world_ask(&w, "alias.test", 6);
	resolve_world_expect_address(&answer, "::1");
	answer = resolve_world_ask(&w, "ok.test", 0);
	assert_int_equal(answer.reason, EP_REASON_NONE);
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void second_question_is_answered_from_the_cache(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask a = { .order = NULL };
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	resolve_world_ask(&w, "ok.test", 4);
	resolve_world_start(&w, &a, "OK.Test.", 4);
	assert_int_equal(a.started, 1);
	resolve_world_expect_address(&a.query.answer, "127.0.0.1");
	assert_int_equal(a.query.answer.took_ns, EP_ABSENT);
	assert_int_equal(dns_server_questions(server), 1);
	resolve_flush(w.engine->resolve);
	resolve_world_start(&w, &a, "ok.test", 4);
	assert_int_equal(a.started, 0);
	resolve_world_await(&w, &a);
	assert_int_equal(dns_server_questions(server), 2);
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void ttl_of_zero_is_not_kept(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	for (unsigned i = 1; i <= 3; i++) {
		struct resolve_answer answer =
			resolve_world_ask(&w, "brief.test", 4);

		resolve_world_expect_address(&answer, "127.0.0.1");
		assert_int_equal(dns_server_questions(server), i);
	}
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void each_failure_has_its_reason(void **state)
{
	static const struct {
		const char *host, *reason;
	} rows[] = {
		{ "nx.test", "dns_nxdomain" },
		{ "nodata.test", "dns_nodata" },
		{ "servfail.test", "dns_servfail" },
		{ "refused.test", "dns_refused" },
		{ "cut.test", "dns_malformed" },
		{ "silent.test", "dns_timeout" },
		{ "wrongid.test", "dns_timeout" },
		{ "wrongname.test", "dns_timeout" },
		{ "garbage.test", "dns_timeout" },
	};
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 300 * MS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before_ns = ep_clock_mono_ns();
		struct resolve_answer answer =
			resolve_world_ask(&w, rows[i].host, 4);

		resolve_world_expect_reason(&answer, rows[i].reason);
		/* the bound, and what a busy machine adds */
		assert_true(ep_clock_mono_ns() - before_ns < 5000 * MS);
	}
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void failure_is_not_asked_for_again_at_once(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask a = { .order = NULL };
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	resolve_world_ask(&w, "nx.test", 4);
	resolve_world_start(&w, &a, "nx.test", 4);
	if (a.started == 1) { /* unless this machine slept for a second */
		resolve_world_expect_reason(&a.query.answer, "dns_nxdomain");
		assert_int_equal(dns_server_questions(server), 1);
	}
	resolve_world_await(&w, &a);
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void long_answer_comes_by_tcp(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 500 * MS);
	answer = resolve_world_ask(&w, "long.test", 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	assert_int_equal(dns_server_tcp_questions(server), 1);
	answer = resolve_world_ask(&w, "longtrash.test", 4);
	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	answer = resolve_world_ask(&w, "longhung.test", 4);
	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	answer = resolve_world_ask(&w, "ok.test", 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void name_with_one_silent_family_has_the_other(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 500 * MS);
	answer = resolve_world_ask(&w, "v4silent.test", 0);
	resolve_world_expect_address(&answer, "127.0.0.1");
	resolve_world_close(&w);
	dns_server_stop(server);
}

/* --- many at once --- */

static void many_wait_for_one_look_up(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask asks[100] = { { .order = NULL } };
	unsigned order = 0;
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	for (unsigned i = 0; i < 100; i++) {
		asks[i].order = &order;
		resolve_world_start(&w, &asks[i], "held.test", 4);
		assert_int_equal(asks[i].started, 0);
	}
	resolve_cancel(&asks[50].query);
	resolve_cancel(&asks[50].query);
	dns_server_release(server);
	while (order < 99)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(asks[50].at, 0);
	assert_int_equal(dns_server_questions(server), 1);
	for (unsigned i = 1; i < 100; i++) {
		if (i == 50)
			continue;
		resolve_world_expect_address(&asks[i].query.answer,
					     "127.0.0.1");
		assert_true(asks[i].query.answer.took_ns > 0);
		assert_true(asks[i].query.answer.took_ns <=
			    asks[0].query.answer.took_ns);
	}
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void silent_names_delay_no_other(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask silent[200] = { { .order = NULL } };
	struct resolve_answer answer;
	struct resolve_world w;
	char host[32];

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 3600 * EP_NS_PER_S);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(host, sizeof(host), "silent.n%u.test", i);
		resolve_world_start(&w, &silent[i], host, 4);
	}
	answer = resolve_world_ask(&w, "ok.test", 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(silent[i].at, 0);
		resolve_cancel(&silent[i].query);
	}
	resolve_world_close(&w);
	dns_server_stop(server);
}

/* More look-ups than c-ares is given at once: the rest wait in line. */
static void a_line_of_names_is_served(void **state)
{
	enum { N = 1500 };
	static struct ask asks[N];
	struct dns_server *server = dns_server_start(NULL);
	unsigned order = 0, good = 0;
	struct resolve_world w;
	char host[32];

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(host, sizeof(host), "ok.n%u.test", i);
		asks[i].order = &order;
		resolve_world_start(&w, &asks[i], host, 4);
		assert_int_equal(asks[i].started, 0);
	}
	while (order < N)
		uv_run(&w.loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < N; i++)
		good += asks[i].query.answer.reason == EP_REASON_NONE;
	assert_int_equal(good, N);
	resolve_world_close(&w);
	dns_server_stop(server);
}

/* --- names --- */

static void names_at_the_bounds(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct ask a = { .order = NULL };
	struct resolve_world w;
	char host[260];

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 500 * MS);
	memset(host, 'a', sizeof(host));
	for (unsigned i = 2; i < sizeof(host); i += 49)
		host[i] = '.';
	memcpy(host, "ok", 2);
	host[253] = '\0';
	answer = resolve_world_ask(&w, host, 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	host[253] = '.';
	host[254] = '\0';
	answer = resolve_world_ask(&w, host,
				   4); /* the dot at the end does not count */
	resolve_world_expect_address(&answer, "127.0.0.1");
	host[253] = 'a';
	resolve_world_start(&w, &a, host, 4);
	assert_int_equal(a.started, -EINVAL);
	resolve_world_start(&w, &a, "", 4);
	assert_int_equal(a.started, -EINVAL);
	resolve_world_start(&w, &a, ".", 4);
	assert_int_equal(a.started, -EINVAL);
	answer = resolve_world_ask(&w, "ok..test", 4);
	resolve_world_expect_reason(&answer, "dns_nxdomain");
	memset(host, 'b', 64);
	host[64] = '\0';
	answer = resolve_world_ask(&w, host, 4);
	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	resolve_world_close(&w);
	dns_server_stop(server);
}

static void literals_and_localhost_ask_nobody(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask a = { .order = NULL };
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	resolve_world_start(&w, &a, "192.0.2.7", 0);
	assert_int_equal(a.started, 1);
	resolve_world_expect_address(&a.query.answer, "192.0.2.7");
	resolve_world_start(&w, &a, "2001:db8::7", 6);
	resolve_world_expect_address(&a.query.answer, "2001:db8::7");
	resolve_world_start(&w, &a, "2001:db8::7", 4);
	resolve_world_expect_reason(&a.query.answer, "dns_nodata");
	resolve_world_start(&w, &a, "localhost", 4);
	assert_int_equal(a.started, 1);
	resolve_world_expect_address(&a.query.answer, "127.0.0.1");
	resolve_world_start(&w, &a, "localhost", 6);
	resolve_world_expect_address(&a.query.answer, "::1");
	assert_int_equal(dns_server_questions(server), 0);
	resolve_world_close(&w);
	dns_server_stop(server);
}

/* --- the end --- */

static void engine_closes_during_look_ups(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask asks[3] = { { .order = NULL } };
	struct resolve_world w;

	(void)state;
	resolve_world_open(&w, dns_server_name(server), 0);
	resolve_world_start(&w, &asks[0], "silent.test", 0);
	resolve_world_start(&w, &asks[1], "longhung.test", 4);
	resolve_world_start(&w, &asks[2], "silent.test", 0);
	while (dns_server_tcp_questions(server) == 0)
		uv_run(&w.loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < 3; i++)
		resolve_cancel(&asks[i].query);
	resolve_world_close(&w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(asks[i].at, 0);
	dns_server_stop(server);
}

static void cancelled_before_anything(void **state)
{
	struct resolve_query zero = { .cb = NULL };

	(void)state;
	resolve_cancel(&zero);
	resolve_close(NULL);
}

static void bad_servers_are_an_error(void **state)
{
	struct ep_engine_options options = { .dns_servers = "resolver" };
	struct ep_err err = { 0 };
	struct ep_engine *engine;
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(ep_engine_open(&loop, &options, &engine, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "\"resolver\""));
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_has_its_address),
		cmocka_unit_test(second_question_is_answered_from_the_cache),
		cmocka_unit_test(ttl_of_zero_is_not_kept),
		cmocka_unit_test(each_failure_has_its_reason),
		cmocka_unit_test(failure_is_not_asked_for_again_at_once),
		cmocka_unit_test(long_answer_comes_by_tcp),
		cmocka_unit_test(name_with_one_silent_family_has_the_other),
		cmocka_unit_test(many_wait_for_one_look_up),
		cmocka_unit_test(silent_names_delay_no_other),
		cmocka_unit_test(a_line_of_names_is_served),
		cmocka_unit_test(names_at_the_bounds),
		cmocka_unit_test(literals_and_localhost_ask_nobody),
		cmocka_unit_test(engine_closes_during_look_ups),
		cmocka_unit_test(cancelled_before_anything),
		cmocka_unit_test(bad_servers_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
