/* Kept connections of the https kind: against a real TLS server on loopback, and
 * the table alone. */
#include "core/https_kept.h"
#include "edgeprobe/clock.h"
#include "lib/https_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct ep_target kept_target(const struct web_server *s,
				    const char *path)
{
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), path);

	t.kept = true;
	t.flow = 7;
	return t;
}

/* A request on a connection that was open before. */
static void expect_kept(const struct ep_sample *got)
{
	const struct ep_https *h = &got->https;

	expect_outcome(got, EP_REPLIED, EP_REASON_NONE);
	assert_int_equal(got->flags, EP_FLAG_KEPT);
	assert_int_equal(got->rtt_ns, EP_ABSENT);
	assert_int_equal(got->dns_ns, EP_ABSENT);
	assert_int_equal(got->retransmits, EP_ABSENT);
	assert_int_equal(h->connect_ns, EP_ABSENT);
	assert_int_equal(h->tls_ns, EP_ABSENT);
	assert_int_equal(h->tls_first_byte_ns, EP_ABSENT);
	assert_true(h->first_byte_ns > 0);
	assert_true(h->total_ns >= h->first_byte_ns);
	assert_true(h->srtt_ns > 0);
	assert_true(h->min_rtt_ns > 0);
	assert_int_equal(h->http_status, 200);
	assert_true(got->stamp == EP_STAMP_MIXED ||
		    got->stamp == EP_STAMP_USER);
	assert_true(got->uncertainty_ns > 0);
}

static void the_connection_stays(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/");

	for (unsigned i = 0; i < 5; i++) {
		expect_kept(https_measure(w, &t));
		assert_string_equal(w->got.https.pop, "AMS");
		assert_int_equal(web_server_connections(s), 1);
		/* The first is what opens it. */
		assert_int_equal(web_server_requests(s), i + 2);
	}
	web_server_stop(s);
}

static void fresh_ones_go_beside_it(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target kept = kept_target(s, "/");
	struct ep_target fresh = kept;

	fresh.kept = false;
	for (unsigned i = 0; i < 4; i++) {
		expect_kept(https_measure(w, &kept));
		expect_outcome(https_measure(w, &fresh), EP_REPLIED,
			       EP_REASON_NONE);
		expect_whole(&w->got);
		assert_int_equal(w->got.flags, 0);
		assert_int_equal(w->got.https.srtt_ns, EP_ABSENT);
		assert_int_equal(web_server_connections(s), i + 2);
	}
	web_server_stop(s);
}

static void over_ipv6(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, "::1", NAMES);
	struct ep_target t = kept_target(s, "/");

	t.host = "::1";
	expect_kept(https_measure(w, &t));
	expect_kept(https_measure(w, &t));
	assert_int_equal(web_server_connections(s), 1);
	web_server_stop(s);
}

static void the_server_closes_an_idle_one(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/");

	expect_kept(https_measure(w, &t));
	web_server_drop(s);
	expect_kept(https_measure(w, &t));
	assert_int_equal(web_server_connections(s), 2);
	web_server_stop(s);
}

/* It has read the request already, and answers by closing. */
static void the_server_closes_when_asked(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/twice");

	expect_kept(https_measure(w, &t));
	assert_int_equal(web_server_connections(s), 1);
	expect_kept(https_measure(w, &t));
	assert_int_equal(web_server_connections(s), 2);
	web_server_stop(s);
}

static void the_server_keeps_none(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/bye");

	expect_outcome(https_measure(w, &t), EP_FAILED,
		       EP_REASON_CONNECTION_CLOSED);
	assert_int_equal(w->got.flags, EP_FLAG_KEPT);
	assert_int_equal(w->got.https.first_byte_ns, EP_ABSENT);
	assert_int_equal(web_server_connections(s), 3);
	web_server_stop(s);
}

static void the_answer_is_too_large_to_be_read(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/big");

	expect_outcome(https_measure(w, &t), EP_FAILED,
		       EP_REASON_RESPONSE_TOO_LARGE);
	assert_int_equal(web_server_connections(s), 1);
	web_server_stop(s);
}

/* No longer a connection to be trusted. */
static void silence_costs_the_connection(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/");
	struct ep_target silent = kept_target(s, "/hang");

	expect_kept(https_measure(w, &t));
	silent.timeout_ns = 200 * EP_NS_PER_MS;
	expect_outcome(https_measure(w, &silent), EP_LOST,
		       EP_REASON_HTTP_TIMEOUT);
	assert_int_equal(w->got.flags, EP_FLAG_KEPT);
	assert_int_equal(web_server_connections(s), 1);
	expect_kept(https_measure(w, &t));
	assert_int_equal(web_server_connections(s), 2);
	web_server_stop(s);
}

static void it_cannot_be_opened(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, "DNS:elsewhere.test");
	struct ep_target t = kept_target(s, "/");

	expect_outcome(https_measure(w, &t), EP_FAILED,
		       EP_REASON_TLS_NAME_MISMATCH);
	assert_int_equal(w->got.flags, EP_FLAG_KEPT);
	assert_int_equal(w->got.rtt_ns, EP_ABSENT);
	assert_int_equal(w->got.https.connect_ns, EP_ABSENT);
	web_server_stop(s);
	expect_outcome(https_measure(w, &t), EP_REFUSED, EP_REASON_TCP_RESET);
	assert_int_equal(w->got.rtt_ns, EP_ABSENT);
}

static void two_at_once(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/");

	for (unsigned i = 1; i <= 3; i++) {
		https_start(w, &t);
		https_start(w, &t);
		https_wait(w, 2 * i);
		expect_kept(&w->got);
		assert_int_equal(web_server_connections(s), 2);
	}
	web_server_stop(s);
}

/* libcurl alone would take one for the other. */
static void each_circuit_has_its_own(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target one = kept_target(s, "/");
	struct ep_target two = one;

	two.source = "127.0.0.9";
	for (unsigned i = 0; i < 3; i++) {
		expect_kept(https_measure(w, &one));
		expect_kept(https_measure(w, &two));
	}
	assert_int_equal(web_server_connections(s), 2);
	web_server_stop(s);
}

static void many_stay_open(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t[20];

	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 20; i++) {
			t[i] = kept_target(s, "/");
			t[i].flow = i + 1;
			expect_kept(https_measure(w, &t[i]));
		}
	assert_int_equal(web_server_connections(s), 20);
	web_server_stop(s);
}

static void a_blocked_loop_does_not_count(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t = kept_target(s, "/late");
	const uint64_t blocked_ns = 100 * EP_NS_PER_MS;

	https_measure(w, &t);
	https_start(w, &t);
	while (w->n < 2) {
		uint64_t until_ns = ep_clock_mono_ns() + blocked_ns;

		uv_run(&w->loop, UV_RUN_NOWAIT);
		while (w->n < 2 && ep_clock_mono_ns() < until_ns)
			continue;
	}
	expect_kept(&w->got);
	assert_int_equal(w->got.stamp, EP_STAMP_MIXED);
	assert_in_range(w->got.https.first_byte_ns, 20 * EP_NS_PER_MS,
			blocked_ns - 1);
	web_server_stop(s);
}

static void it_costs_fewer_bytes(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target kept = kept_target(s, "/");
	struct ep_target fresh = kept;
	uint32_t first, next;

	first = https_measure(w, &kept)->bytes;
	next = https_measure(w, &kept)->bytes;
	/* A request, an answer and their headers. */
	assert_in_range(next, 400, 1500);
	assert_in_range(https_measure(w, &kept)->bytes, next - 200, next + 200);
	fresh.kept = false;
	assert_in_range(https_measure(w, &fresh)->bytes, first / 2, 2 * first);
	assert_true(first > 2 * next);
	web_server_stop(s);
}

/* --- the table --- */

static struct ep_address address(const char *text)
{
	struct ep_address a;

	assert_int_equal(ep_address_parse(text, &a), 0);
	return a;
}

static struct https_kept *take(struct https_kept_set *set,
			       const struct ep_target *t, const char *text)
{
	struct ep_address a = address(text);

	return https_kept_take(set, t, &a, 443);
}

static bool is_ended(int peer)
{
	char byte;

	return recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
}

static void another_address_ends_it(void **state)
{
	struct ep_target t = { .host = "a.test", .flow = 1 };
	struct https_kept_set set;
	struct https_kept *k;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	https_kept_init(&set, 10);
	k = take(&set, &t, "192.0.2.1");
	https_kept_opened(k, pair[0]);
	https_kept_drop(k);
	assert_ptr_equal(take(&set, &t, "192.0.2.1"), k);
	assert_false(is_ended(pair[1]));
	https_kept_drop(k);
	assert_ptr_equal(take(&set, &t, "192.0.2.2"), k);
	assert_true(is_ended(pair[1]));
	https_kept_closed(k, pair[0]);
	https_kept_drop(k);
	https_kept_finish(&set);
	close(pair[0]);
	close(pair[1]);
}

static void who_shares_one_and_who_does_not(void **state)
{
	struct ep_target t = { .host = "a.test", .flow = 1 };
	struct ep_target other[] = { t, t, t, t };
	struct https_kept_set set;
	struct https_kept *first, *six;

	(void)state;
	other[0].host = "b.test";
	other[1].flow = 2;
	other[2].source = "eth0";
	other[3].nth = 1;
	https_kept_init(&set, 10);
	first = take(&set, &t, "192.0.2.1");
	https_kept_drop(first);
	for (unsigned i = 0; i < 4; i++) {
		struct https_kept *k = take(&set, &other[i], "192.0.2.1");

		assert_ptr_not_equal(k, first);
		assert_false(ep_address_equal(&k->alias, &first->alias));
		https_kept_drop(k);
	}
	six = take(&set, &t, "2001:db8::1");
	assert_ptr_not_equal(six, first);
	assert_int_equal(six->alias.family, 6);
	assert_ptr_equal(take(&set, &t, "192.0.2.1"), first);
	assert_ptr_not_equal(take(&set, &t, "192.0.2.1"), first);
	https_kept_finish(&set);
}

static void no_more_than_the_most(void **state)
{
	struct ep_target t = { .host = "a.test" };
	struct https_kept_set set;
	struct https_kept *k;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	https_kept_init(&set, 3);
	for (t.flow = 1; t.flow <= 9; t.flow++)
		https_kept_drop(take(&set, &t, "192.0.2.1"));
	assert_int_equal(set.n, 3);
	https_kept_finish(&set);
	/* One that is in use, or open, has to be let go first. */
	https_kept_init(&set, 1);
	t.flow = 1;
	k = take(&set, &t, "192.0.2.1");
	https_kept_opened(k, pair[0]);
	t.flow = 2;
	https_kept_drop(take(&set, &t, "192.0.2.1"));
	assert_false(is_ended(pair[1]));
	https_kept_drop(k);
	t.flow = 3;
	https_kept_drop(take(&set, &t, "192.0.2.1"));
	assert_false(is_ended(pair[1])); /* number 2 made room */
	take(&set, &t, "192.0.2.1");
	t.flow = 4;
	take(&set, &t, "192.0.2.1");
	assert_true(is_ended(pair[1]));
	https_kept_finish(&set);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, https_set_up, https_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_connection_stays),
		TEST(fresh_ones_go_beside_it),
		TEST(over_ipv6),
		TEST(the_server_closes_an_idle_one),
		TEST(the_server_closes_when_asked),
		TEST(the_server_keeps_none),
		TEST(the_answer_is_too_large_to_be_read),
		TEST(silence_costs_the_connection),
		TEST(it_cannot_be_opened),
		TEST(two_at_once),
		TEST(each_circuit_has_its_own),
		TEST(many_stay_open),
		TEST(a_blocked_loop_does_not_count),
		TEST(it_costs_fewer_bytes),
		cmocka_unit_test(another_address_ends_it),
		cmocka_unit_test(who_shares_one_and_who_does_not),
		cmocka_unit_test(no_more_than_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
