/* The resolver and the machine's files: resolv.conf and hosts as they come, go
 * and change, in namespaces of our own: /etc is ours, and so is port 53. */
#include "../lib/dns_server.h"
#include "../lib/own_net.h"
#include "core/engine_i.h"
#include "core/resolve.h"
#include "edgeprobe/clock.h"
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
};

/* --- our own /etc --- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int own_world(void **state)
{
	(void)state;
	own_net_enter(CLONE_NEWNS);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("etc", "/etc", "tmpfs", 0, NULL), 0);
	return 0;
}

static void use_server(const char *address)
{
	char text[64];

	snprintf(text, sizeof(text), "nameserver %s\n", address);
	write_file("/etc/resolv.conf", text);
}

/* --- the world --- */

static int open_world(void **state)
{
	struct ep_engine_options options = { .dns_timeout_ns =
						     10 * EP_NS_PER_S };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	unlink("/etc/resolv.conf");
	unlink("/etc/hosts");
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, &options, &w->engine, NULL),
			 0);
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	ep_engine_close(w->engine, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	free(w);
	return 0;
}

struct ask {
	struct resolve_query query;
	uv_loop_t *loop;
	int done;
};

static void on_answer(struct resolve_query *query)
{
	struct ask *a = container_of(query, struct ask, query);

	a->done = 1;
	uv_stop(a->loop); /* a timer may have answered: do not poll */
}

static struct resolve_answer ask(struct world *w, const char *host)
{
	struct ask a = { .query = { .cb = on_answer }, .loop = &w->loop };
	int r = resolve_start(w->engine->resolve, &a.query, host, 4);

	assert_true(r >= 0);
	engine_arm(w->engine);
	while (r == 0 && !a.done)
		uv_run(&w->loop, UV_RUN_ONCE);
	return a.query.answer;
}

/* Ask until the answer has that reason. The resolver looks at its files once a
 * second, and each look needs a question. */
static struct resolve_answer ask_until(struct world *w, const char *host,
				       enum ep_reason reason)
{
	uint64_t end_ns = ep_clock_mono_ns() + 20 * EP_NS_PER_S;
	struct resolve_answer answer;

	do {
		answer = ask(w, host);
		uv_run(&w->loop, UV_RUN_NOWAIT);
		sched_yield();
	} while (answer.reason != reason && ep_clock_mono_ns() < end_ns);
	return answer;
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

/* --- tests --- */

static void resolv_conf_comes_later(void **state)
{
	struct dns_server *server = dns_server_start_at("127.0.0.53", NULL);
	struct resolve_answer answer = ask(*state, "ok.test");

	assert_int_not_equal(answer.reason, EP_REASON_NONE);
	use_server("127.0.0.53");
	answer = ask_until(*state, "ok.test", EP_REASON_NONE);
	expect_address(&answer, "127.0.0.1");
	dns_server_stop(server);
}

static void look_up_moves_to_the_new_server(void **state)
{
	struct dns_server *dead = dns_server_start_at("127.0.0.53", "silent");
	struct dns_server *good = dns_server_start_at("127.0.0.54", NULL);
	struct world *w = *state;
	struct ask stuck = { .query = { .cb = on_answer }, .loop = &w->loop };

	use_server("127.0.0.53");
	assert_int_equal(
		resolve_start(w->engine->resolve, &stuck.query, "ok.test", 4),
		0);
	engine_arm(w->engine);
	use_server("127.0.0.54");
	while (!stuck.done)
		uv_run(&w->loop, UV_RUN_ONCE);
	expect_address(&stuck.query.answer, "127.0.0.1");
	dns_server_stop(dead);
	dns_server_stop(good);
}

static void hosts_count_before_the_server(void **state)
{
	struct dns_server *server = dns_server_start_at("127.0.0.53", NULL);
	struct resolve_answer answer;
	unsigned asked;

	use_server("127.0.0.53");
	write_file("/etc/hosts", "192.0.2.1 other.test\n"
				 "192.0.2.7 gateway gw.test # ours\n");
	answer = ask(*state, "GW.test.");
	expect_address(&answer, "192.0.2.7");
	answer = ask(*state, "gateway");
	expect_address(&answer, "192.0.2.7");
	assert_int_equal(dns_server_questions(server), 0);
	answer = ask(*state, "ok.test");
	expect_address(&answer, "127.0.0.1");
	asked = dns_server_questions(server);
	write_file("/etc/hosts", "192.0.2.8 ok.test\n");
	/* gw.test is not in the file any more, and nx with the server */
	ask_until(*state, "nx.test", EP_REASON_DNS_NXDOMAIN);
	do
		answer = ask(*state, "ok.test");
	while (answer.address.bytes[0] == 127);
	expect_address(&answer, "192.0.2.8");
	answer = ask(*state, "gw.test");
	expect_address(&answer, "127.0.0.1");
	assert_true(dns_server_questions(server) >= asked + 2);
	dns_server_stop(server);
}

static void single_labels_go_through_the_search_list(void **state)
{
	struct dns_server *server = dns_server_start_at("127.0.0.53", NULL);
	struct resolve_answer answer;
	FILE *f;

	use_server("127.0.0.53");
	f = fopen("/etc/resolv.conf", "a");
	assert_non_null(f);
	assert_true(fputs("search branch.test\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	answer = ask(*state, "nx");
	assert_int_equal(answer.reason, EP_REASON_DNS_NXDOMAIN);
	assert_int_equal(dns_server_questions(server), 2);
	answer = ask(*state, "nx.test"); /* absolute: asked once */
	assert_int_equal(answer.reason, EP_REASON_DNS_NXDOMAIN);
	assert_int_equal(dns_server_questions(server), 3);
	dns_server_stop(server);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(resolv_conf_comes_later),
		TEST(look_up_moves_to_the_new_server),
		TEST(hosts_count_before_the_server),
		TEST(single_labels_go_through_the_search_list),
	};

	return cmocka_run_group_tests(tests, own_world, NULL);
}
