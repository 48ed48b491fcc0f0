/* After an outage: newest first, the rest at a pace and with less of the line;
 * against a real collector on loopback. */
#include "delivery/deliver_i.h"
#include "delivery/turn.h"
#include "edgeprobe/clock.h"
#include "lib/collector.h"
#include "lib/post.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define DAY_NS (86400 * EP_NS_PER_S)
#define LE     (1 << 2) /* as the octet of the header */

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

#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Rows of a day ago. */
static void add_old(struct post *p, unsigned n, const char *word)
{
	char body[64];

	snprintf(body, sizeof(body), "\"event\":\"%s\"", word);
	for (unsigned i = 0; i < n; i++)
		store_add_note(p->store, ROW_EVENT, ep_clock_wall_ns() - DAY_NS,
			       body);
	assert_int_equal(store_commit(p->store, NULL), 0);
}

/* Of its Idempotency-Key. */
static void expect_run(struct post *p, unsigned request, uint64_t first,
		       uint64_t last)
{
	char key[256], end[64];

	assert_true(collector_requests(p->collector) > request);
	collector_field(collector_request(p->collector, request),
			"Idempotency-Key", key, sizeof(key));
	snprintf(end, sizeof(end), "-%llu-%llu", (unsigned long long)first,
		 (unsigned long long)last);
	if (strlen(key) < strlen(end) ||
	    strcmp(key + strlen(key) - strlen(end), end) != 0)
		fail_msg("request %u is %s, not %s", request, key, end);
}

static void expect_rows(struct post *p, unsigned rows)
{
	struct post_tally tally;

	post_count(p->collector, &tally);
	assert_int_equal(tally.rows, rows);
	assert_int_equal(tally.most, 1);
}

static struct deliver_facts facts_of(const struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return facts;
}

/* --- order --- */

static void newest_first_at_the_start(void **state)
{
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;

	add_old(p, 35, "old");
	post_start(p, &o);
	post_run_empty(p);
	expect_rows(p, 35);
	expect_run(p, 0, 26, 35);
	expect_run(p, 1, 1, 10);
	expect_run(p, 2, 11, 20);
	expect_run(p, 3, 21, 25);
}

static void what_is_young_is_no_backlog(void **state)
{
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;

	post_add(p, 35, "young");
	post_start(p, &o);
	assert_false(deliver_is_draining(p->deliver));
	post_run_empty(p);
	expect_run(p, 0, 1, 10);
	expect_run(p, 3, 31, 35);
	assert_false(deliver_is_draining(p->deliver));
}

/* In a store that was salvaged even the newest rows are. */
static void all_of_an_old_store_is_a_backlog(void **state)
{
	struct deliver_options o = { .max_rows = 10, .old = true };
	struct post *p = *state;

	post_add(p, 35, "young");
	post_start(p, &o);
	post_run_empty(p);
	assert_true(deliver_is_draining(p->deliver)); /* a moment ago */
}

static void newest_first_when_it_is_over(void **state)
{
	static const struct drain_options eager = {
		.away_ns = 1, .start = 1e9, .floor = 1e9, .ceiling = 1e9
	};
	static const struct collector_step busy[] = { { .head = "503 Busy" } };
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;

	post_start(p, &o);
	deliver_tune_drain(p->deliver, &eager);
	collector_script(p->collector, busy, 1);
	post_add(p, 45, "hello");
	post_run_empty(p);
	expect_rows(p, 45);
	expect_run(p, 0, 1, 10);
	expect_run(p, 1, 1, 10); /* that was on its way: tried again */
	expect_run(p, 2, 36, 45);
	expect_run(p, 3, 11, 20);
	expect_run(p, 4, 21, 30);
	expect_run(p, 5, 31, 35);
}

static void fresh_rows_overtake_the_backlog(void **state)
{
	/* The second of the backlog will not go while this test lasts. */
	static const struct drain_options slow = {
		.away_ns = DAY_NS, .start = 1e-5, .floor = 1e-5, .ceiling = 1
	};
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;

	add_old(p, 35, "old");
	post_start(p, &o);
	deliver_tune_drain(p->deliver, &slow);
	while (post_backlog(p->deliver) > 15)
		uv_run(&p->loop, UV_RUN_ONCE);
	post_add(p, 5, "new");
	while (post_backlog(p->deliver) > 15)
		uv_run(&p->loop, UV_RUN_ONCE);
	expect_run(p, 2, 36, 40);
	assert_int_equal(facts_of(p).backlog_rows, 15);
	assert_true(facts_of(p).backlog_rate > 0);
}

static void rows_that_are_added_up_stay_in_order(void **state)
{
	struct deliver_options o = { .max_rows = 10,
				     .encoding = "otlp-metrics" };
	struct post *p = *state;

	add_old(p, 35, "old");
	post_start(p, &o);
	while (post_backlog(p->deliver) > 0)
		uv_run(&p->loop, UV_RUN_ONCE);
	expect_run(p, 0, 1, 10);
	expect_run(p, 3, 31, 35);
	assert_true(deliver_is_draining(p->deliver));
}

static void what_was_delivered_goes_once_more(void **state)
{
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;
	struct post_tally tally;
	uint64_t rows = 0;

	post_start(p, &o);
	post_add(p, 15, "hello");
	post_run_empty(p);
	assert_int_equal(store_replay(p->store, p->deliver->destination, 0, 0,
				      &rows, NULL),
			 0);
	assert_int_equal(rows, 15);
	assert_int_equal(post_backlog(p->deliver), 15);
	deliver_poke(p->deliver);
	post_run_empty(p);
	post_count(p->collector, &tally);
	assert_int_equal(tally.rows, 15);
	for (unsigned seq = 1; seq <= 15; seq++)
		assert_int_equal(tally.times[seq], 2);
}

/* --- the pace --- */

static void the_backlog_keeps_its_distance(void **state)
{
	static const struct drain_options pace = {
		.away_ns = DAY_NS, .start = 40, .floor = 40, .ceiling = 40
	};
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;
	uint64_t began_ns;

	add_old(p, 60, "old");
	post_start(p, &o);
	deliver_tune_drain(p->deliver, &pace);
	began_ns = uv_hrtime();
	post_run_empty(p);
	/* Five of them: four times 25 ms lie between. */
	assert_true(uv_hrtime() - began_ns >= 100 * EP_NS_PER_MS);
	assert_int_equal(collector_requests(p->collector), 6);
}

static void answers_make_it_slower_and_faster(void **state)
{
	static const struct drain_options pace = {
		.away_ns = DAY_NS,
		.start = 100,
		.step = 7,
		.floor = 1,
		.ceiling = 1000,
	};
	static const struct collector_step busy[] = { { .head = NULL },
						      { .head = NULL },
						      { .head = "429 Busy" } };
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;
	struct deliver_facts facts;

	add_old(p, 60, "old");
	post_start(p, &o);
	deliver_tune_drain(p->deliver, &pace);
	collector_script(p->collector, busy, 3);
	while (post_backlog(p->deliver) > 40)
		uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(facts_of(p).backlog_rate, 107);
	do {
		uv_run(&p->loop, UV_RUN_ONCE);
		facts = facts_of(p);
	} while (facts.refused == 0);
	assert_int_equal(facts.backlog_rate * 2, 107);
	post_run_empty(p);
	expect_rows(p, 60);
}

static void on_flushed(void *arg)
{
	*(bool *)arg = true;
}

static void at_the_end_all_goes_at_once(void **state)
{
	static const struct drain_options never = {
		.away_ns = DAY_NS,
		.offset_ns = DAY_NS,
		.start = 1e-5,
		.floor = 1e-5,
		.ceiling = 1,
	};
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;
	bool flushed = false;

	add_old(p, 35, "old");
	post_start(p, &o);
	deliver_tune_drain(p->deliver, &never);
	deliver_flush(p->deliver, 20 * EP_NS_PER_S, on_flushed, &flushed);
	while (!flushed)
		uv_run(&p->loop, UV_RUN_ONCE);
	expect_rows(p, 35);
}

/* --- the line --- */

/* The octets that sockets to the collector send: one of each is seen. */
static unsigned octets_sent(const struct post *p)
{
	unsigned seen = 0;

	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in to;
		socklen_t len = sizeof(to), size = sizeof(int);
		int octet = 0;

		if (getpeername(fd, (struct sockaddr *)&to, &len) < 0 ||
		    to.sin_family != AF_INET ||
		    ntohs(to.sin_port) != collector_port(p->collector) ||
		    getsockopt(fd, IPPROTO_IP, IP_TOS, &octet, &size) < 0)
			continue;
		seen |= 1u << (octet & 31);
	}
	return seen;
}

static void the_backlog_gives_way(void **state)
{
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;
	unsigned fresh = 0, drained = 0;

	add_old(p, 35, "old");
	post_start(p, &o);
	while (post_backlog(p->deliver) > 0) {
		uv_run(&p->loop, UV_RUN_ONCE);
		if (p->deliver->state == DELIVER_SENDING)
			*(p->deliver->draining ? &drained : &fresh) |=
				octets_sent(p);
		assert_true(!p->deliver->draining ||
			    deliver_is_draining(p->deliver));
	}
	assert_int_equal(drained, 1u << LE);
	assert_int_equal(fresh & 1u << LE, 0);
	assert_true(deliver_is_draining(p->deliver)); /* a moment ago */
	post_add(p, 5, "new"); /* and back, over the same connection */
	post_run_empty(p);
	assert_int_equal(octets_sent(p), 1u << 0);
}

static void all_has_the_dscp_that_is_configured(void **state)
{
	struct deliver_options o = { .max_rows = 10, .dscp = 3 };
	struct post *p = *state;

	add_old(p, 35, "old");
	post_start(p, &o);
	post_run_empty(p);
	assert_int_equal(octets_sent(p), 1u << 12);
}

static void the_backlog_takes_its_time(void **state)
{
	struct deliver_options o = { .max_rows = 1000,
				     .backlog_bandwidth = 200000 };
	struct post *p = *state;
	uint64_t began_ns = uv_hrtime();

	add_old(p, 3500, "old");
	post_start(p, &o);
	while (post_backlog(p->deliver) > 1500)
		uv_run(&p->loop, UV_RUN_ONCE);
	/* 1,000 rows are more than 100,000 bytes, what fits into a buffer goes
	 * at once. */
	assert_true(uv_hrtime() - began_ns >= 200 * EP_NS_PER_MS);
}

/* --- what is bad --- */

static struct collector_step no_poison(const struct collector_request *request,
				       void *arg)
{
	char *plain = post_plain(request);
	bool bad = strstr(plain, "poison") != NULL;

	free(plain);
	return (struct collector_step){ .head = bad ? arg : NULL };
}

/* While fresh rows pass in between. */
static void a_bad_row_in_the_backlog(void **state)
{
	static char answers[][32] = { "400 Bad", "500 Unclear" };
	struct deliver_options o = { .max_rows = 10 };
	struct post *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		collector_set_rule(p->collector, no_poison, answers[i]);
		add_old(p, 13, "old");
		add_old(p, 1, "poison");
		add_old(p, 21, "old");
		post_start(p, &o);
		while (facts_of(p).quarantined == 0) {
			post_add(p, 1, "new");
			uv_run(&p->loop, UV_RUN_ONCE);
		}
		post_add(p, 1, "last");
		post_run_empty(p);
		assert_int_equal(facts_of(p).quarantined, 1);
		post_stop(p, p->deliver);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(newest_first_at_the_start),
		LOOP_TEST(what_is_young_is_no_backlog),
		LOOP_TEST(all_of_an_old_store_is_a_backlog),
		LOOP_TEST(newest_first_when_it_is_over),
		LOOP_TEST(fresh_rows_overtake_the_backlog),
		LOOP_TEST(rows_that_are_added_up_stay_in_order),
		LOOP_TEST(what_was_delivered_goes_once_more),
		LOOP_TEST(the_backlog_keeps_its_distance),
		LOOP_TEST(answers_make_it_slower_and_faster),
		LOOP_TEST(at_the_end_all_goes_at_once),
		LOOP_TEST(the_backlog_gives_way),
		LOOP_TEST(all_has_the_dscp_that_is_configured),
		LOOP_TEST(the_backlog_takes_its_time),
		LOOP_TEST(a_bad_row_in_the_backlog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
