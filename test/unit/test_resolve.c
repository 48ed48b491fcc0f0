/* The resolver on a real loop, against real name servers on loopback that
 * answer well or badly (see dns_server.h). */
#include "../lib/dns_server.h"
#include "core/engine_i.h"
#include "core/resolve.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS       EP_NS_PER_MS
#define HEDGE_NS (300 * (int64_t)MS)

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
};

/* A query and what became of it. */
struct ask {
	struct resolve_query query;
	unsigned *order; /* counts answers; NULL: nobody counts */
	unsigned at;     /* this one's place among them, from 1 */
	uv_loop_t *loop;
	int started;
};

static void open_world(struct world *w, const char *servers,
		       uint64_t timeout_ns)
{
	struct ep_engine_options options = { .dns_servers = servers,
					     .dns_timeout_ns = timeout_ns };
	struct ep_err err = { 0 };

	assert_int_equal(uv_loop_init(&w->loop), 0);
	if (ep_engine_open(&w->loop, &options, &w->engine, &err) < 0)
		fail_msg("%s", err.text);
}

static void close_world(struct world *w)
{
	ep_engine_close(w->engine, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void on_answer(struct resolve_query *query)
{
	struct ask *a = container_of(query, struct ask, query);

	a->at = a->order == NULL ? 1 : ++*a->order;
	uv_stop(a->loop); /* a timer may have answered: do not poll */
}

static void start(struct world *w, struct ask *a, const char *host, int family)
{
	unsigned *order = a->order;

	memset(a, 0, sizeof(*a));
	a->order = order;
	a->loop = &w->loop;
	a->query.cb = on_answer;
	a->started = resolve_start(w->engine->resolve, &a->query, host, family);
	assert_int_equal(a->at, 0); /* never from inside the call */
	engine_arm(w->engine);
}

static void await(struct world *w, struct ask *a)
{
	while (a->started == 0 && a->at == 0)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static struct resolve_answer ask(struct world *w, const char *host, int family)
{
	struct ask a = { .order = NULL };

	start(w, &a, host, family);
	assert_true(a.started >= 0);
	await(w, &a);
	return a.query.answer;
}

static void expect_address(const struct resolve_answer *answer,
			   const char *address)
{
	char text[EP_ADDRESS_TEXT_MAX];

	assert_string_equal(ep_reason_name(answer->reason), "");
	assert_string_equal(
		ep_address_format(&answer->address, text, sizeof(text)),
		address);
}

static void expect_reason(const struct resolve_answer *answer,
			  const char *reason)
{
	assert_string_equal(ep_reason_name(answer->reason), reason);
	assert_int_equal(answer->address.family, 0);
}

/* --- answers --- */

static void each_family_has_its_address(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	answer = ask(&w, "ok.test", 4);
	expect_address(&answer, "127.0.0.1");
	assert_true(answer.took_ns > 0);
	answer = ask(&w, "ok.test", 6);
	expect_address(&answer, "::1");
	answer = ask(&w, "v4.test", 0);
	expect_address(&answer, "127.0.0.1");
	answer = ask(&w, "alias.test", 6);
	expect_address(&answer, "::1");
	answer = ask(&w, "ok.test", 0);
	assert_int_equal(answer.reason, EP_REASON_NONE);
	close_world(&w);
	dns_server_stop(server);
}

static void second_question_is_answered_from_the_cache(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask a = { .order = NULL };
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	ask(&w, "ok.test", 4);
	start(&w, &a, "OK.Test.", 4);
	assert_int_equal(a.started, 1);
	expect_address(&a.query.answer, "127.0.0.1");
	assert_int_equal(a.query.answer.took_ns, EP_ABSENT);
	assert_int_equal(dns_server_questions(server), 1);
	resolve_flush(w.engine->resolve);
	start(&w, &a, "ok.test", 4);
	assert_int_equal(a.started, 0);
	await(&w, &a);
	assert_int_equal(dns_server_questions(server), 2);
	close_world(&w);
	dns_server_stop(server);
}

static void ttl_of_zero_is_not_kept(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	for (unsigned i = 1; i <= 3; i++) {
		struct resolve_answer answer = ask(&w, "brief.test", 4);

		expect_address(&answer, "127.0.0.1");
		assert_int_equal(dns_server_questions(server), i);
	}
	close_world(&w);
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
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 300 * MS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before_ns = ep_clock_mono_ns();
		struct resolve_answer answer = ask(&w, rows[i].host, 4);

		expect_reason(&answer, rows[i].reason);
		/* the bound, and what a busy machine adds */
		assert_true(ep_clock_mono_ns() - before_ns < 5000 * MS);
	}
	close_world(&w);
	dns_server_stop(server);
}

static void failure_is_not_asked_for_again_at_once(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask a = { .order = NULL };
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	ask(&w, "nx.test", 4);
	start(&w, &a, "nx.test", 4);
	if (a.started == 1) { /* unless this machine slept for a second */
		expect_reason(&a.query.answer, "dns_nxdomain");
		assert_int_equal(dns_server_questions(server), 1);
	}
	await(&w, &a);
	close_world(&w);
	dns_server_stop(server);
}

static void long_answer_comes_by_tcp(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 500 * MS);
	answer = ask(&w, "long.test", 4);
	expect_address(&answer, "127.0.0.1");
	assert_int_equal(dns_server_tcp_questions(server), 1);
	answer = ask(&w, "longtrash.test", 4);
	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	answer = ask(&w, "longhung.test", 4);
	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	answer = ask(&w, "ok.test", 4);
	expect_address(&answer, "127.0.0.1");
	close_world(&w);
	dns_server_stop(server);
}

static void name_with_one_silent_family_has_the_other(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 500 * MS);
	answer = ask(&w, "v4silent.test", 0);
	expect_address(&answer, "127.0.0.1");
	close_world(&w);
	dns_server_stop(server);
}

/* --- many at once --- */

static void many_wait_for_one_look_up(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask asks[100] = { { .order = NULL } };
	unsigned order = 0;
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	for (unsigned i = 0; i < 100; i++) {
		asks[i].order = &order;
		start(&w, &asks[i], "held.test", 4);
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
		expect_address(&asks[i].query.answer, "127.0.0.1");
		assert_true(asks[i].query.answer.took_ns > 0);
		assert_true(asks[i].query.answer.took_ns <=
			    asks[0].query.answer.took_ns);
	}
	close_world(&w);
	dns_server_stop(server);
}

static void silent_names_delay_no_other(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask silent[200] = { { .order = NULL } };
	struct resolve_answer answer;
	struct world w;
	char host[32];

	(void)state;
	open_world(&w, dns_server_name(server), 3600 * EP_NS_PER_S);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(host, sizeof(host), "silent.n%u.test", i);
		start(&w, &silent[i], host, 4);
	}
	answer = ask(&w, "ok.test", 4);
	expect_address(&answer, "127.0.0.1");
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(silent[i].at, 0);
		resolve_cancel(&silent[i].query);
	}
	close_world(&w);
	dns_server_stop(server);
}

/* More look-ups than c-ares is given at once: the rest wait in line. */
static void a_line_of_names_is_served(void **state)
{
	enum { N = 1500 };
	static struct ask asks[N];
	struct dns_server *server = dns_server_start(NULL);
	unsigned order = 0, good = 0;
	struct world w;
	char host[32];

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(host, sizeof(host), "ok.n%u.test", i);
		asks[i].order = &order;
		start(&w, &asks[i], host, 4);
		assert_int_equal(asks[i].started, 0);
	}
	while (order < N)
		uv_run(&w.loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < N; i++)
		good += asks[i].query.answer.reason == EP_REASON_NONE;
	assert_int_equal(good, N);
	close_world(&w);
	dns_server_stop(server);
}

/* --- several servers --- */

static void both(char *text, size_t size, const struct dns_server *a,
		 const struct dns_server *b)
{
	snprintf(text, size, "%s,%s", dns_server_name(a), dns_server_name(b));
}

static void dead_server_is_left_alone(void **state)
{
	struct dns_server *dead = dns_server_start("silent");
	struct dns_server *good = dns_server_start(NULL);
	struct resolve_answer answer;
	char servers[64];
	unsigned asked;
	struct world w;

	(void)state;
	both(servers, sizeof(servers), dead, good);
	open_world(&w, servers, 4000 * MS);
	answer = ask(&w, "ok.one.test", 4);
	expect_address(&answer, "127.0.0.1");
	asked = dns_server_questions(dead);
	assert_true(asked >= 1);
	answer = ask(&w, "ok.two.test", 4);
	expect_address(&answer, "127.0.0.1");
	assert_int_equal(dns_server_questions(good), 2);
	close_world(&w);
	assert_true(dns_server_questions(dead) <= asked + 1);
	dns_server_stop(dead);
	dns_server_stop(good);
}

static void server_that_says_no_is_passed_over(void **state)
{
	static const char *const rules[] = { "servfail", "refused", "cut" };

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct dns_server *bad = dns_server_start(rules[i]);
		struct dns_server *good = dns_server_start(NULL);
		struct resolve_answer answer = { .took_ns = INT64_MAX };
		char servers[64], host[16];
		struct world w;

		both(servers, sizeof(servers), bad, good);
		open_world(&w, servers, 3600 * EP_NS_PER_S);
		/* at once, not when it has been silent for 300 ms; this
		 * machine may stand still for so long, but not always */
		for (unsigned j = 0; j < 5 && answer.took_ns >= HEDGE_NS; j++) {
			snprintf(host, sizeof(host), "ok.n%u.test", j);
			answer = ask(&w, host, 4);
			expect_address(&answer, "127.0.0.1");
			assert_int_equal(dns_server_questions(bad), j + 1);
		}
		assert_true(answer.took_ns < HEDGE_NS);
		close_world(&w);
		dns_server_stop(bad);
		dns_server_stop(good);
	}
}

static void all_servers_fail(void **state)
{
	struct dns_server *bad = dns_server_start("refused");
	struct dns_server *worse = dns_server_start("silent");
	struct resolve_answer answer;
	char servers[64];
	struct world w;

	(void)state;
	both(servers, sizeof(servers), worse, bad);
	open_world(&w, servers, 300 * MS);
	answer = ask(&w, "ok.test", 4);
	expect_reason(&answer, "dns_refused");
	close_world(&w);
	dns_server_stop(bad);
	dns_server_stop(worse);
}

static void nobody_listens(void **state)
{
	struct dns_server *gone = dns_server_start(NULL);
	struct resolve_answer answer;
	char server[32];
	struct world w;

	(void)state;
	snprintf(server, sizeof(server), "%s", dns_server_name(gone));
	dns_server_stop(gone);
	open_world(&w, server, 3600 * EP_NS_PER_S);
	answer = ask(&w, "ok.test", 4);
	expect_reason(&answer, "dns_unavailable");
	close_world(&w);
}

/* --- names --- */

static void names_at_the_bounds(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct resolve_answer answer;
	struct ask a = { .order = NULL };
	struct world w;
	char host[260];

	(void)state;
	open_world(&w, dns_server_name(server), 500 * MS);
	memset(host, 'a', sizeof(host));
	for (unsigned i = 2; i < sizeof(host); i += 49)
		host[i] = '.';
	memcpy(host, "ok", 2);
	host[253] = '\0';
	answer = ask(&w, host, 4);
	expect_address(&answer, "127.0.0.1");
	host[253] = '.';
	host[254] = '\0';
	answer = ask(&w, host, 4); /* the dot at the end does not count */
	expect_address(&answer, "127.0.0.1");
	host[253] = 'a';
	start(&w, &a, host, 4);
	assert_int_equal(a.started, -EINVAL);
	start(&w, &a, "", 4);
	assert_int_equal(a.started, -EINVAL);
	start(&w, &a, ".", 4);
	assert_int_equal(a.started, -EINVAL);
	answer = ask(&w, "ok..test", 4);
	expect_reason(&answer, "dns_nxdomain");
	memset(host, 'b', 64);
	host[64] = '\0';
	answer = ask(&w, host, 4);
	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	close_world(&w);
	dns_server_stop(server);
}

static void literals_and_localhost_ask_nobody(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask a = { .order = NULL };
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	start(&w, &a, "192.0.2.7", 0);
	assert_int_equal(a.started, 1);
	expect_address(&a.query.answer, "192.0.2.7");
	start(&w, &a, "2001:db8::7", 6);
	expect_address(&a.query.answer, "2001:db8::7");
	start(&w, &a, "2001:db8::7", 4);
	expect_reason(&a.query.answer, "dns_nodata");
	start(&w, &a, "localhost", 4);
	assert_int_equal(a.started, 1);
	expect_address(&a.query.answer, "127.0.0.1");
	start(&w, &a, "localhost", 6);
	expect_address(&a.query.answer, "::1");
	assert_int_equal(dns_server_questions(server), 0);
	close_world(&w);
	dns_server_stop(server);
}

/* --- the end --- */

static void engine_closes_during_look_ups(void **state)
{
	struct dns_server *server = dns_server_start(NULL);
	struct ask asks[3] = { { .order = NULL } };
	struct world w;

	(void)state;
	open_world(&w, dns_server_name(server), 0);
	start(&w, &asks[0], "silent.test", 0);
	start(&w, &asks[1], "longhung.test", 4);
	start(&w, &asks[2], "silent.test", 0);
	while (dns_server_tcp_questions(server) == 0)
		uv_run(&w.loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < 3; i++)
		resolve_cancel(&asks[i].query);
	close_world(&w);
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
		cmocka_unit_test(dead_server_is_left_alone),
		cmocka_unit_test(server_that_says_no_is_passed_over),
		cmocka_unit_test(all_servers_fail),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(names_at_the_bounds),
		cmocka_unit_test(literals_and_localhost_ask_nobody),
		cmocka_unit_test(engine_closes_during_look_ups),
		cmocka_unit_test(cancelled_before_anything),
		cmocka_unit_test(bad_servers_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
