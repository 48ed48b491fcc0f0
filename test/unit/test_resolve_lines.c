/* Name servers that are asked over a certain line, and lines that go, come back
 * and change: two veth pairs from our namespace to another one, in which the
 * servers are. */
#include "../lib/dns_server.h"
#include "../lib/own_net.h"
#include "../lib/resolve_world.h"
#include "core/engine_i.h"
#include "core/resolve.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* On both lines: by routing alone it is asked over line 1. */
#define SERVER "10.3.0.53"

static int ours, theirs; /* namespaces */

/* --- two namespaces --- */

static void enter(int namespace)
{
	assert_int_equal(setns(namespace, CLONE_NEWNET), 0);
}

static int open_namespace(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* A process that holds the other namespace, and ends with its pipe. */
static pid_t hold_namespace(int *ret_pipe)
{
	int ready[2], stay[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stay), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(stay[1]);
		if (unshare(CLONE_NEWNET) < 0 ||
		    write(ready[1], &byte, 1) != 1 ||
		    read(stay[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(stay[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*ret_pipe = stay[1];
	return pid;
}

static void make_line(pid_t other, unsigned number)
{
	own_net_ip("link add line%u type veth peer name far%u netns %d", number,
		   number, (int)other);
	own_net_ip("addr add 10.%u.0.2/24 dev line%u", number, number);
	own_net_ip("link set line%u up", number);
	enter(theirs);
	own_net_ip("addr add 10.%u.0.1/24 dev far%u", number, number);
	own_net_ip("link set far%u up", number);
	enter(ours);
}

static void set_route(unsigned number)
{
	own_net_ip("route add " SERVER " via 10.%u.0.1 dev line%u metric %u",
		   number, number, number);
}

struct world {
	struct resolve_world w;
	struct dns_server *server;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	pid_t other;
	int stay;

	assert_non_null(w);
	own_net_enter(0); /* new ones for each test */
	ours = open_namespace(getpid());
	other = hold_namespace(&stay);
	theirs = open_namespace(other);
	make_line(other, 1);
	make_line(other, 2);
	set_route(1);
	set_route(2);
	enter(theirs);
	own_net_ip("link set lo up");
	own_net_ip("addr add " SERVER "/32 dev lo");
	w->server = dns_server_start_at(SERVER, NULL);
	enter(ours);
	close(stay);
	waitpid(other, NULL, 0);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	dns_server_stop(w->server);
	close(ours);
	close(theirs);
	free(w);
	return 0;
}

static void open_engine(struct world *w, const char *source)
{
	struct ep_engine_options options = { .dns_servers = SERVER,
					     .dns_source = source,
					     .dns_timeout_ns =
						     10 * EP_NS_PER_S };

	assert_int_equal(uv_loop_init(&w->w.loop), 0);
	assert_int_equal(
		ep_engine_open(&w->w.loop, &options, &w->w.engine, NULL), 0);
}

static void expect_from(struct world *w, const char *address)
{
	char from[16];

	dns_server_last_from(w->server, from);
	assert_string_equal(from, address);
}

/* --- tests --- */

static void questions_leave_by_their_line(void **state)
{
	static const struct {
		const char *source, *from;
	} rows[] = {
		{ NULL, "10.1.0.2" },       { "", "10.1.0.2" },
		{ "line1", "10.1.0.2" },    { "line2", "10.2.0.2" },
		{ "10.1.0.2", "10.1.0.2" }, { "10.2.0.2", "10.2.0.2" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct resolve_answer answer;

		open_engine(w, rows[i].source);
		answer = resolve_world_ask(&w->w, "ok.test", 4);
		resolve_world_expect_address(&answer, "127.0.0.1");
		expect_from(w, rows[i].from);
		answer = resolve_world_ask(&w->w, "long.test", 4); /* TCP */
		resolve_world_expect_address(&answer, "127.0.0.1");
		resolve_world_close(&w->w);
	}
}

/* Ask until the answer has that reason: a failure is kept for a second. */
static void ask_until(struct world *w, enum ep_reason reason)
{
	uint64_t end_ns = ep_clock_mono_ns() + 20 * EP_NS_PER_S;
	struct resolve_answer answer;

	do {
		ep_engine_flush_names(w->w.engine);
		answer = resolve_world_ask(&w->w, "brief.test", 4);
	} while (answer.reason != reason && ep_clock_mono_ns() < end_ns);
	assert_string_equal(ep_reason_name(answer.reason),
			    ep_reason_name(reason));
}

/* By no means over another one. */
static void line_that_is_gone_is_no_source(void **state)
{
	struct world *w = *state;
	unsigned before;

	open_engine(w, "line2");
	ask_until(w, EP_REASON_NONE);
	before = dns_server_questions(w->server);
	own_net_ip("link set line2 down");
	own_net_ip("link set line2 name away");
	ask_until(w, EP_REASON_NO_SOURCE);
	own_net_ip("link set away name line2");
	own_net_ip("link set line2 up");
	assert_int_equal(dns_server_questions(w->server), before);
	set_route(2);
	ask_until(w, EP_REASON_NONE);
	expect_from(w, "10.2.0.2");
	resolve_world_close(&w->w);
}

static void address_that_is_gone_is_no_source(void **state)
{
	struct world *w = *state;

	open_engine(w, "10.2.0.2");
	own_net_ip("addr del 10.2.0.2/24 dev line2");
	own_net_ip("addr add 10.2.0.3/24 dev line2");
	ask_until(w, EP_REASON_NO_SOURCE);
	own_net_ip("addr add 10.2.0.2/24 dev line2");
	set_route(2);
	ask_until(w, EP_REASON_NONE);
	expect_from(w, "10.2.0.2");
	resolve_world_close(&w->w);
}

static void line_without_a_way_says_so(void **state)
{
	struct world *w = *state;

	open_engine(w, "line2");
	own_net_ip("route del " SERVER " dev line2");
	own_net_ip("route add unreachable " SERVER " metric 2");
	own_net_ip("route del " SERVER " dev line1");
	own_net_ip("link set line2 down");
	ask_until(w, EP_REASON_DNS_UNAVAILABLE);
	resolve_world_close(&w->w);
}

static void await_questions(struct world *w, unsigned n)
{
	uint64_t end_ns = ep_clock_mono_ns() + 8 * EP_NS_PER_S;

	while (dns_server_questions(w->server) < n) {
		assert_true(ep_clock_mono_ns() < end_ns);
		uv_run(&w->w.loop, UV_RUN_NOWAIT);
		sched_yield();
	}
}

/* A question is open, and what it was asked by is not there any more. It is
 * asked again, by what is there now. */
static void open_question_moves_with_its_line(struct world *w,
					      const char *now_from)
{
	struct ask a = { .order = NULL };
	char from[16];

	await_questions(w, 1);
	do {
		unsigned seen = dns_server_questions(w->server);

		await_questions(w, seen + 1);
		dns_server_last_from(w->server, from);
	} while (strcmp(from, now_from) != 0);
	dns_server_release(w->server);
	resolve_world_start(&w->w, &a, "held.test", 4);
	resolve_world_await(&w->w, &a);
	resolve_world_expect_address(&a.query.answer, "127.0.0.1");
}

static void address_changes_under_an_open_question(void **state)
{
	struct world *w = *state;
	struct ask a = { .order = NULL };

	open_engine(w, "line2");
	resolve_world_start(&w->w, &a, "held.test", 4);
	await_questions(w, 1);
	expect_from(w, "10.2.0.2");
	own_net_ip("addr add 10.2.0.3/24 dev line2");
	own_net_ip("addr del 10.2.0.2/24 dev line2");
	own_net_ip("addr add 10.2.0.3/24 dev line2");
	set_route(2);
	open_question_moves_with_its_line(w, "10.2.0.3");
	resolve_world_await(&w->w, &a);
	resolve_world_expect_address(&a.query.answer, "127.0.0.1");
	resolve_world_close(&w->w);
}

/* A modem that was plugged in again: the same name and address, and another
 * interface. The kernel would go on sending into the old one. */
static void interface_is_replaced_under_an_open_question(void **state)
{
	struct world *w = *state;
	struct ask a = { .order = NULL };

	open_engine(w, "line2");
	resolve_world_start(&w->w, &a, "held.test", 4);
	await_questions(w, 1);
	enter(theirs);
	own_net_ip("link set far2 down");
	own_net_ip("addr del 10.2.0.1/24 dev far2");
	own_net_ip("addr add 10.2.0.1/24 dev far1");
	enter(ours);
	own_net_ip("addr del 10.2.0.2/24 dev line2");
	own_net_ip("link set line2 name old2");
	own_net_ip("link set line1 name line2");
	own_net_ip("addr flush dev line2");
	own_net_ip("addr add 10.2.0.2/24 dev line2");
	set_route(2);
	open_question_moves_with_its_line(w, "10.2.0.2");
	resolve_world_await(&w->w, &a);
	resolve_world_expect_address(&a.query.answer, "127.0.0.1");
	resolve_world_close(&w->w);
}

/* The same without a line of one's own: the route is another one by now. */
static void route_moves_under_an_open_question(void **state)
{
	struct world *w = *state;
	struct ask a = { .order = NULL };

	open_engine(w, NULL);
	resolve_world_start(&w->w, &a, "held.test", 4);
	await_questions(w, 1);
	expect_from(w, "10.1.0.2");
	own_net_ip("route del " SERVER " dev line1");
	open_question_moves_with_its_line(w, "10.2.0.2");
	resolve_world_await(&w->w, &a);
	resolve_world_close(&w->w);
}

static void servers_of_the_other_family_are_refused(void **state)
{
	struct ep_engine_options options = { .dns_servers = SERVER,
					     .dns_source = "2001:db8::1" };
	struct ep_engine *engine;
	struct ep_err err = { 0 };
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(ep_engine_open(&loop, &options, &engine, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "IPv6"));
	options.dns_source = "no-interface-has-such-a-name";
	assert_int_equal(ep_engine_open(&loop, &options, &engine, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "15 bytes"));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(questions_leave_by_their_line),
		TEST(line_that_is_gone_is_no_source),
		TEST(address_that_is_gone_is_no_source),
		TEST(line_without_a_way_says_so),
		TEST(address_changes_under_an_open_question),
		TEST(interface_is_replaced_under_an_open_question),
		TEST(route_moves_under_an_open_question),
		TEST(servers_of_the_other_family_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
