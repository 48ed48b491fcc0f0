/* Delivery against a real HTTP server that answers well or badly. */
#include "edgeprobe/clock.h"
#include "lib/collector.h"
#include "lib/post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int set_up(void **state)
{
	struct post *p = calloc(1, sizeof(*p));

	post_open(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	post_close(*state);
	free(*state);
	return 0;
}

static void expect_field(const struct collector_request *r, const char *name,
			 const char *wanted)
{
	char value[256];

	assert_string_equal(collector_field(r, name, value, sizeof(value)),
			    wanted);
}

/* Every row that the store holds came, and no row twice. */
static void expect_all_once(struct post *p, unsigned rows)
{
	struct post_tally tally;

	post_count(p->collector, &tally);
	assert_int_equal(tally.rows, rows);
	assert_int_equal(tally.most, 1);
}

static void expect_same(const struct collector_request *a,
			const struct collector_request *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->body, b->body, a->len);
	assert_string_equal(a->head, b->head);
}

static void a_batch_says_what_it_is(void **state)
{
	struct post *p = *state;
	const struct collector_request *r;
	struct deliver_facts facts;
	char key[128];

	post_add(p, 3, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 1);
	r = collector_request(p->collector, 0);
	assert_memory_equal(r->head, "POST /ingest HTTP/1.1\r\n", 23);
	snprintf(key, sizeof(key), "ams-01-%s-1-3", store_epoch(p->store));
	expect_field(r, "Idempotency-Key", key);
	expect_field(r, "X-Edgeprobe-Schema", "1");
	expect_field(r, "Content-Type", "application/x-ndjson");
	expect_field(r, "Content-Encoding", "");
	expect_field(r, "Accept-Encoding", "");
	expect_field(r, "Authorization", "");
	expect_field(r, "Expect", "");
	collector_field(r, "User-Agent", key, sizeof(key));
	assert_memory_equal(key, "edgeprobe/", strlen("edgeprobe/"));
	expect_all_once(p, 3);
	deliver_facts(p->deliver, &facts);
	assert_int_equal(facts.batches, 1);
	assert_int_equal(facts.rows, 3);
	assert_int_equal(facts.refused, 0);
	assert_string_equal(facts.trouble, "");
}

static void an_array_may_be_compressed(void **state)
{
	struct post *p = *state;
	struct deliver_options o = { .encoding = "json-array", .gzip = true };
	const struct collector_request *r;
	char *body;

	post_add(p, 50, "hello");
	post_start(p, &o);
	post_run_empty(p);
	r = collector_request(p->collector, 0);
	expect_field(r, "Content-Type", "application/json");
	expect_field(r, "Content-Encoding", "gzip");
	body = post_plain(r);
	assert_int_equal(body[0], '[');
	assert_int_equal(body[strlen(body) - 1], ']');
	free(body);
	expect_all_once(p, 50);
}

static void batches_are_bounded(void **state)
{
	struct post *p = *state;
	struct deliver_options o = { .max_rows = 10 };

	post_add(p, 35, "hello");
	post_start(p, &o);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 4);
	expect_all_once(p, 35);
	for (unsigned i = 0; i < 4; i++)
		assert_true(collector_request(p->collector, i)->len < 10 * 250);
}

/* A full batch does not wait for the interval; rows that fill none do. */
static bool one_came(struct post *p)
{
	return collector_requests(p->collector) >= 1;
}

static void a_full_batch_goes_at_once(void **state)
{
	struct post *p = *state;
	struct deliver_options o = {
		.max_rows = 10,
		.interval_ns = 86400 * EP_NS_PER_S,
	};

	post_start(p, &o);
	post_add(p, 9, "hello");
	uv_run(&p->loop, UV_RUN_NOWAIT);
	assert_int_equal(collector_requests(p->collector), 0);
	post_add(p, 1, "hello");
	post_run(p, one_came);
	post_run_empty(p);
	expect_all_once(p, 10);
}

/* --- what is not an acknowledgement --- */

#define DATE "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\n"

static const struct collector_step refusals[] = {
	{ .head = "200 OK\r\nContent-Type: text/html",
	  .body = "<html>Sign in</html>" },
	{ .head = "200 OK", .body = "<!DOCTYPE html>" },
	{ .head = "302 Found\r\nLocation: /elsewhere" },
	{ .head = "401 Unauthorized" },
	{ .head = "404 Not Found" },
	{ .head = "408 Request Timeout" },
	{ .head = "429 Slow Down\r\nRetry-After: 3600" },
	{ .head = "429 Slow Down\r\n" DATE
		  "Retry-After: Wed, 21 Oct 2015 08:28:00 GMT" },
	{ .head = "500 Oops" },
	{ .head = "503 Busy\r\nRetry-After: 0" },
	{ .head = "503 Busy\r\nContent-Type: text/html",
	  .body = "<html>busy</html>" },
	{ .how = COLLECTOR_RESET_BEFORE },
	{ .how = COLLECTOR_RESET_AFTER },
	{ .how = COLLECTOR_CLOSE },
	{ .how = COLLECTOR_TRUNCATE, .body = "{}" },
	{ .how = COLLECTOR_FLOOD },
	{ .head = "200 OK\r\nContent-Encoding: gzip", .body = "<html>" },
};

/* Each is tried again with the same bytes under the same name, and an answer
 * with another name would have been another batch. */
static void a_refused_batch_comes_again_the_same(void **state)
{
	struct post *p = *state;

	post_start(p, NULL);
	for (unsigned i = 0; i < COUNT(refusals); i++) {
		const struct collector_request *a, *b;
		struct deliver_facts facts;

		collector_script(p->collector, &refusals[i], 1);
		post_add(p, 20, "hello");
		post_run_empty(p);
		assert_int_equal(collector_requests(p->collector), 2 * (i + 1));
		a = collector_request(p->collector, 2 * i);
		b = collector_request(p->collector, 2 * i + 1);
		if (refusals[i].how != COLLECTOR_RESET_BEFORE)
			expect_same(a, b);
		deliver_facts(p->deliver, &facts);
		assert_int_equal(facts.batches, i + 1);
		assert_string_equal(facts.trouble, "");
	}
}

static void a_retry_does_not_wait_for_the_interval(void **state)
{
	struct deliver_options o = {
		.max_rows = 5,
		.interval_ns = 86400 * EP_NS_PER_S,
	};
	struct post *p = *state;

	collector_script(p->collector, refusals, COUNT(refusals));
	post_start(p, &o);
	post_add(p, 5, "hello");
	post_run_empty(p);
	assert_true(collector_requests(p->collector) > COUNT(refusals));
}

/* What is longer than we ever read does not undo an acknowledgement. */
static void an_endless_answer_is_judged_by_its_beginning(void **state)
{
	static const struct collector_step endless[] = {
		{ .how = COLLECTOR_ENDLESS },
	};
	struct post *p = *state;

	collector_script(p->collector, endless, 1);
	post_add(p, 5, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 1);
}

static void silence_is_given_up(void **state)
{
	static const struct collector_step hang[] = {
		{ .how = COLLECTOR_HANG },
	};
	struct deliver_options o = { .timeout_ns = 50 * EP_NS_PER_MS };
	struct post *p = *state;

	collector_script(p->collector, hang, 1);
	post_add(p, 5, "hello");
	post_start(p, &o);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 2);
	expect_same(collector_request(p->collector, 0),
		    collector_request(p->collector, 1));
}

/* Whatever the environment says, the way is the one that was configured. */
static void the_environment_names_no_proxy(void **state)
{
	struct post *p = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	post_add(p, 5, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	expect_all_once(p, 5);
}

static struct collector_step no_way(const struct collector_request *request,
				    void *arg)
{
	(void)request;
	(void)arg;
	return (struct collector_step){ .head = "403 No" };
}

static bool proxy_was_asked(struct post *p)
{
	return collector_requests(p->collector) >= 1;
}

/* And if it was a proxy, no list of exceptions in the environment counts. What
 * is said to it is where to go, and nothing of ours. */
static void a_configured_proxy_is_used(void **state)
{
	struct post *p = *state;
	struct deliver_options o = { .url = "https://collector.test/ingest",
				     .proxy = p->url };
	const char wanted[] = "CONNECT collector.test:443 HTTP/1.1\r\n";
	const struct collector_request *request;
	char value[64];

	*strstr(p->url, "/ingest") = '\0';
	collector_set_rule(p->collector, no_way, NULL);
	setenv("no_proxy", "*", 1);
	post_add(p, 5, "hello");
	post_start(p, &o);
	post_run(p, proxy_was_asked);
	unsetenv("no_proxy");
	request = collector_request(p->collector, 0);
	assert_memory_equal(request->head, wanted, strlen(wanted));
	assert_string_equal(collector_field(request, "Idempotency-Key", value,
					    sizeof(value)),
			    "");
}

/* --- over restarts, and beside others --- */

static struct collector_step always(const struct collector_request *request,
				    void *arg)
{
	(void)request;
	return (struct collector_step){ .head = arg };
}

static bool three_came(struct post *p)
{
	return collector_requests(p->collector) >= 3;
}

static void a_restart_sends_the_frozen_batch_as_it_was(void **state)
{
	struct post *p = *state;
	struct deliver_options o = { .gzip = true };
	struct deliver_options other = { .encoding = "json-array" };
	char busy[] = "503 Busy";
	unsigned n;

	collector_set_rule(p->collector, always, busy);
	post_add(p, 200, "before");
	post_start(p, &o);
	post_run(p, three_came);
	post_add(p, 100, "after");
	n = collector_requests(p->collector);
	/* Configured otherwise meanwhile: what is frozen stays what it is. */
	post_restart(p, &other);
	collector_set_rule(p->collector, NULL, NULL);
	post_run_empty(p);
	for (unsigned i = 1; i <= n; i++)
		expect_same(collector_request(p->collector, 0),
			    collector_request(p->collector, i));
	expect_all_once(p, 300);
	expect_field(collector_request(p->collector, n + 1), "Content-Type",
		     "application/json");
}

/* The store gave the batch up, to make room, and has declared it. */
static void what_the_store_has_no_more_is_not_sent(void **state)
{
	struct post *p = *state;
	char busy[] = "503 Busy";
	struct store_batch batch = { 0 };
	struct post_tally tally;
	struct ep_err err = { 0 };

	collector_set_rule(p->collector, always, busy);
	post_add(p, 5, "before");
	post_start(p, NULL);
	post_run(p, three_came);
	assert_int_equal(store_batch_pending(p->store, 1, &batch, &err), 1);
	assert_int_equal(store_batch_done(p->store, 1, &batch, &err), 0);
	store_batch_finish(&batch);
	collector_set_rule(p->collector, NULL, NULL);
	post_add(p, 3, "after");
	post_run_empty(p);
	post_count(p->collector, &tally);
	assert_int_equal(tally.rows, 3);
}

/* Sent and taken, but the answer never came: it comes twice, and not less. */
static void a_lost_answer_costs_a_duplicate(void **state)
{
	static const struct collector_step lost[] = {
		{ .how = COLLECTOR_RESET_AFTER },
	};
	struct post *p = *state;

	collector_script(p->collector, lost, 1);
	post_add(p, 5, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	expect_same(collector_request(p->collector, 0),
		    collector_request(p->collector, 1));
}

static void a_dead_destination_holds_up_no_other(void **state)
{
	struct post *p = *state;
	struct collector *dead = collector_open(&p->loop);
	char url[64];
	struct deliver_options o = { .name = "dead", .url = url };
	struct deliver_facts facts;
	struct deliver *other;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/",
		 collector_port(dead));
	collector_close(dead);
	uv_run(&p->loop, UV_RUN_NOWAIT);
	post_start(p, NULL);
	other = post_start(p, &o);
	for (unsigned i = 0; i < 5; i++) {
		post_add(p, 10, "hello");
		deliver_poke(other);
		post_run_empty(p);
	}
	expect_all_once(p, 50);
	deliver_facts(other, &facts);
	assert_int_equal(facts.batches, 0);
	assert_int_equal(facts.backlog_rows, 50);
	post_stop(p, other);
}

/* --- the end --- */

static void on_flushed(void *arg)
{
	*(bool *)arg = true;
}

static bool is_flushed(struct post *p)
{
	return p->flushed;
}

static void a_flush_does_not_wait_for_the_interval(void **state)
{
	struct deliver_options o = { .interval_ns = 86400 * EP_NS_PER_S };
	struct post *p = *state;

	post_start(p, &o);
	post_add(p, 5, "hello");
	deliver_flush(p->deliver, 20 * EP_NS_PER_S, on_flushed, &p->flushed);
	assert_false(p->flushed);
	post_run(p, is_flushed);
	assert_int_equal(post_backlog(p->deliver), 0);
	expect_all_once(p, 5);
	/* Nothing to send: it ends, too. */
	p->flushed = false;
	deliver_flush(p->deliver, 20 * EP_NS_PER_S, on_flushed, &p->flushed);
	post_run(p, is_flushed);
}

static void a_flush_ends_when_its_time_is_over(void **state)
{
	static char answers[][16] = { "503 Busy", "400 No", "hang" };
	static const struct collector_step hang[] = {
		{ .how = COLLECTOR_HANG },
	};
	struct post *p = *state;

	post_add(p, 5, "hello");
	post_start(p, NULL);
	for (unsigned i = 0; i < COUNT(answers); i++) {
		collector_set_rule(p->collector, always, answers[i]);
		if (i == 2)
			collector_script(p->collector, hang, 1);
		p->flushed = false;
		deliver_flush(p->deliver, 30 * EP_NS_PER_MS, on_flushed,
			      &p->flushed);
		post_run(p, is_flushed);
		assert_int_equal(post_backlog(p->deliver), 5);
	}
}

static void closing_does_not_wait_for_an_answer(void **state)
{
	static const struct collector_step hang[] = {
		{ .how = COLLECTOR_HANG },
	};
	struct post *p = *state;

	collector_script(p->collector, hang, 1);
	post_add(p, 5, "hello");
	post_start(p, NULL);
	post_run(p, one_came);
	post_stop(p, p->deliver);
	assert_int_equal(collector_requests(p->collector), 1);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(a_batch_says_what_it_is),
		LOOP_TEST(an_array_may_be_compressed),
		LOOP_TEST(batches_are_bounded),
		LOOP_TEST(a_full_batch_goes_at_once),
		LOOP_TEST(a_refused_batch_comes_again_the_same),
		LOOP_TEST(a_retry_does_not_wait_for_the_interval),
		LOOP_TEST(an_endless_answer_is_judged_by_its_beginning),
		LOOP_TEST(silence_is_given_up),
		LOOP_TEST(the_environment_names_no_proxy),
		LOOP_TEST(a_configured_proxy_is_used),
		LOOP_TEST(a_restart_sends_the_frozen_batch_as_it_was),
		LOOP_TEST(what_the_store_has_no_more_is_not_sent),
		LOOP_TEST(a_lost_answer_costs_a_duplicate),
		LOOP_TEST(a_dead_destination_holds_up_no_other),
		LOOP_TEST(a_flush_does_not_wait_for_the_interval),
		LOOP_TEST(a_flush_ends_when_its_time_is_over),
		LOOP_TEST(closing_does_not_wait_for_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
