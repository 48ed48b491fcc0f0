/* The resolver and several name servers, some of them dead or lying. */
#include "../lib/dns_server.h"
#include "../lib/resolve_world.h"
#include "edgeprobe/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MS       EP_NS_PER_MS
#define HEDGE_NS (300 * (int64_t)MS)

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
	struct resolve_world w;

	(void)state;
	both(servers, sizeof(servers), dead, good);
	resolve_world_open(&w, servers, 4000 * MS);
	answer = resolve_world_ask(&w, "ok.one.test", 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	asked = dns_server_questions(dead);
	assert_true(asked >= 1);
	answer = resolve_world_ask(&w, "ok.two.test", 4);
	resolve_world_expect_address(&answer, "127.0.0.1");
	assert_int_equal(dns_server_questions(good), 2);
	resolve_world_close(&w);
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
		struct resolve_world w;

		both(servers, sizeof(servers), bad, good);
		resolve_world_open(&w, servers, 3600 * EP_NS_PER_S);
		/* at once, not when it has been silent for 300 ms; this
		 * machine may stand still for so long, but not always */
		for (unsigned j = 0; j < 5 && answer.took_ns >= HEDGE_NS; j++) {
			snprintf(host, sizeof(host), "ok.n%u.test", j);
			answer = resolve_world_ask(&w, host, 4);
			resolve_world_expect_address(&answer, "127.0.0.1");
			assert_int_equal(dns_server_questions(bad), j + 1);
		}
		assert_true(answer.took_ns < HEDGE_NS);
		resolve_world_close(&w);
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
	struct resolve_world w;

	(void)state;
	both(servers, sizeof(servers), worse, bad);
	resolve_world_open(&w, servers, 300 * MS);
	answer = resolve_world_ask(&w, "ok.test", 4);
	resolve_world_expect_reason(&answer, "dns_refused");
	resolve_world_close(&w);
	dns_server_stop(bad);
	dns_server_stop(worse);
}

static void nobody_listens(void **state)
{
	struct dns_server *gone = dns_server_start(NULL);
	struct resolve_answer answer;
	char server[32];
	struct resolve_world w;

	(void)state;
	snprintf(server, sizeof(server), "%s", dns_server_name(gone));
	dns_server_stop(gone);
	resolve_world_open(&w, server, 3600 * EP_NS_PER_S);
	answer = resolve_world_ask(&w, "ok.test", 4);
	resolve_world_expect_reason(&answer, "dns_unavailable");
	resolve_world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dead_server_is_left_alone),
		cmocka_unit_test(server_that_says_no_is_passed_over),
		cmocka_unit_test(all_servers_fail),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
