/* The https kind against answers of all sorts, from a real TLS server. */
#include "edgeprobe/clock.h"
#include "lib/https_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void no_answer_to_the_request(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), "/hang");

	t.timeout_ns = 400 * EP_NS_PER_MS;
	expect_outcome(https_measure(w, &t), EP_LOST, EP_REASON_HTTP_TIMEOUT);
	expect_handshake(&w->got);
	assert_true(w->got.https.tls_ns > 0);
	assert_int_equal(w->got.https.first_byte_ns, EP_ABSENT);
	web_server_stop(s);
}

static void answer_stops_after_its_header(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), "/half");

	t.timeout_ns = 400 * EP_NS_PER_MS;
	expect_outcome(https_measure(w, &t), EP_LOST, EP_REASON_HTTP_TIMEOUT);
	assert_int_equal(w->got.https.http_status, 200);
	assert_true(w->got.https.first_byte_ns > 0);
	assert_int_equal(w->got.https.total_ns, EP_ABSENT);
	web_server_stop(s);
}

static void header_flood(void **state)
{
	expect_outcome(https_ask(*state, "/flood"), EP_FAILED,
		       EP_REASON_RESPONSE_TOO_LARGE);
	expect_handshake(&((struct https_world *)*state)->got);
}

static void header_line_without_end(void **state)
{
	expect_outcome(https_ask(*state, "/line"), EP_FAILED,
		       EP_REASON_RESPONSE_TOO_LARGE);
}

static void body_without_end(void **state)
{
	const struct ep_sample *got = https_ask(*state, "/endless");

	expect_outcome(got, EP_REPLIED, EP_REASON_NONE);
	expect_handshake(got);
	assert_int_equal(got->https.http_status, 200);
	assert_true(got->https.first_byte_ns > 0);
	assert_int_equal(got->https.total_ns, EP_ABSENT);
}

static void large_body(void **state)
{
	const struct ep_sample *got = https_ask(*state, "/big");

	expect_outcome(got, EP_REPLIED, EP_REASON_NONE);
	assert_int_equal(got->https.total_ns, EP_ABSENT);
}

static void body_that_ends_with_the_connection(void **state)
{
	expect_outcome(https_ask(*state, "/unsized"), EP_REPLIED,
		       EP_REASON_NONE);
}

static void body_cut_short(void **state)
{
	expect_outcome(https_ask(*state, "/cut"), EP_FAILED,
		       EP_REASON_CONNECTION_CLOSED);
	expect_handshake(&((struct https_world *)*state)->got);
}

static void closed_before_the_answer(void **state)
{
	expect_outcome(https_ask(*state, "/close"), EP_FAILED,
		       EP_REASON_CONNECTION_CLOSED);
	expect_handshake(&((struct https_world *)*state)->got);
}

static void reset_before_the_answer(void **state)
{
	expect_outcome(https_ask(*state, "/reset"), EP_FAILED,
		       EP_REASON_CONNECTION_CLOSED);
	expect_handshake(&((struct https_world *)*state)->got);
}

static void answer_is_not_http(void **state)
{
	expect_outcome(https_ask(*state, "/nothttp"), EP_FAILED,
		       EP_REASON_HTTP_MALFORMED);
	expect_handshake(&((struct https_world *)*state)->got);
}

static void redirect_is_not_followed(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), "/redirect");

	expect_outcome(https_measure(w, &t), EP_REPLIED, EP_REASON_NONE);
	assert_int_equal(w->got.https.http_status, 302);
	assert_int_equal(web_server_requests(s), 1);
	web_server_stop(s);
}

static void interim_answers_are_not_the_answer(void **state)
{
	const struct ep_sample *got = https_ask(*state, "/hints");

	expect_outcome(got, EP_REPLIED, EP_REASON_NONE);
	assert_int_equal(got->https.http_status, 200);
	assert_string_equal(got->https.pop, "DUB");
	assert_string_equal(got->https.pop_source, "X-FirstHopCafeEFZ");
}

static void any_status_is_a_reply(void **state)
{
	expect_outcome(https_ask(*state, "/status/503"), EP_REPLIED,
		       EP_REASON_NONE);
	assert_int_equal(((struct https_world *)*state)->got.https.http_status,
			 503);
}

static void status_that_is_expected_or_not(void **state)
{
	struct https_world *w = *state;
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), "/status/401");

	t.expect_status = (struct ep_statuses){ { 200, 401 }, 2 };
	expect_outcome(https_measure(w, &t), EP_REPLIED, EP_REASON_NONE);
	t.expect_status = (struct ep_statuses){ { 200, 204 }, 2 };
	expect_outcome(https_measure(w, &t), EP_FAILED, EP_REASON_HTTP_STATUS);
	expect_whole(&w->got);
	assert_int_equal(w->got.https.http_status, 401);
	web_server_stop(s);
}

static void server_without_tls(void **state)
{
	struct https_world *w = *state;
	struct web_server *s =
		web_server_start(&(struct web_server_options){ 0 });
	struct ep_target t = https_target("127.0.0.1", web_server_port(s), "/");

	expect_outcome(https_measure(w, &t), EP_FAILED, EP_REASON_TLS_FAILED);
	expect_handshake(&w->got);
	web_server_stop(s);
}

static void path_too_long(void **state)
{
	char path[4096];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(https_ask(*state, path)->outcome, EP_FAILED);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, https_set_up, https_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(no_answer_to_the_request),
		TEST(answer_stops_after_its_header),
		TEST(header_flood),
		TEST(header_line_without_end),
		TEST(body_without_end),
		TEST(large_body),
		TEST(body_that_ends_with_the_connection),
		TEST(body_cut_short),
		TEST(closed_before_the_answer),
		TEST(reset_before_the_answer),
		TEST(answer_is_not_http),
		TEST(redirect_is_not_followed),
		TEST(interim_answers_are_not_the_answer),
		TEST(any_status_is_a_reply),
		TEST(status_that_is_expected_or_not),
		TEST(server_without_tls),
		TEST(path_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
