/* Delivery when a batch is refused for its size or for what it holds. */
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

static uint64_t quarantined(const struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return facts.quarantined;
}

/* Rows that the collector has, all of them once. */
static void expect_rows(struct post *p, unsigned rows)
{
	struct post_tally tally;

	post_count(p->collector, &tally);
	assert_int_equal(tally.rows, rows);
	assert_int_equal(tally.most, 1);
}

/* --- too large --- */

static struct collector_step up_to(const struct collector_request *request,
				   void *arg)
{
	const size_t *limit = arg;
	char *plain = post_plain(request);
	size_t len = strlen(plain);

	free(plain);
	return (struct collector_step){
		.head = len > *limit ? "413 Too Large" : NULL,
	};
}

static void a_batch_that_is_too_large_is_halved(void **state)
{
	static const struct deliver_options ways[] = {
		{ .encoding = "ndjson" },
		{ .encoding = "json-array", .gzip = true },
	};
	struct post *p = *state;
	size_t limit = 3000;
	unsigned n, rows = 0;

	collector_set_rule(p->collector, up_to, &limit);
	for (unsigned i = 0; i < 2; i++) {
		post_add(p, 100, "hello");
		rows += 100;
		post_start(p, &ways[i]);
		post_run_empty(p);
		expect_rows(p, rows);
		assert_int_equal(quarantined(p), 0);
		/* The size that passed is remembered. */
		n = collector_requests(p->collector);
		post_add(p, 100, "hello");
		rows += 100;
		post_run_empty(p);
		expect_rows(p, rows);
		for (; n < collector_requests(p->collector); n++)
			assert_true(
				collector_request(p->collector, n)->said_yes);
		post_stop(p, p->deliver);
	}
}

/* Each turn of the loop brings a row, until `n` were quarantined. Returns how
 * many it brought. */
static unsigned run_until_quarantined(struct post *p, uint64_t n)
{
	unsigned rows = 0;

	while (quarantined(p) < n) {
		assert_true(rows < POST_SEQ_MAX / 4);
		post_add(p, 1, "canary");
		rows++;
		uv_run(&p->loop, UV_RUN_ONCE);
	}
	/* What is missing is declared by the next commit. */
	post_add(p, 1, "canary");
	post_run_empty(p);
	assert_int_equal(quarantined(p), n);
	return rows + 1;
}

/* A row that is too large alone goes aside; its neighbours arrive. */
static void one_row_that_is_too_large_costs_one_row(void **state)
{
	struct post *p = *state;
	size_t limit = 1500;
	unsigned rows = 10;
	char word[2000];

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	collector_set_rule(p->collector, up_to, &limit);
	post_start(p, NULL);
	post_add(p, 5, "fine");
	post_add(p, 1, word);
	post_add(p, 5, "fine");
	rows += run_until_quarantined(p, 1);
	/* And the row that declares it. */
	expect_rows(p, rows + 1);
}

/* --- bad data --- */

static struct collector_step hates(const struct collector_request *request,
				   void *arg)
{
	const char *head = arg;
	char *plain = post_plain(request);
	bool bad = strstr(plain, "poison") != NULL;

	free(plain);
	return (struct collector_step){ .head = bad ? head : NULL };
}

/* The refused batch, its canary, and the pieces; then all but the one row. */
static void poison_costs_one_row(void **state)
{
	static char answers[][24] = { "400 Bad", "422 Unprocessable",
				      "415 What", "500 Parse error" };
	struct post *p = *state;
	unsigned rows = 0;

	post_start(p, NULL);
	for (unsigned i = 0; i < 4; i++) {
		struct post_tally tally;
		uint64_t bad;

		collector_set_rule(p->collector, hates, answers[i]);
		post_add(p, 37, "fine");
		bad = post_add(p, 1, "poison");
		post_add(p, 25, "fine");
		rows += 62 + run_until_quarantined(p, i + 1);
		post_count(p->collector, &tally);
		assert_int_equal(tally.times[bad], 0);
		assert_int_equal(tally.most, 1);
		/* And the rows that declare those that are missing. */
		assert_int_equal(tally.rows, rows + i + 1);
	}
}

static struct collector_step always(const struct collector_request *request,
				    void *arg)
{
	(void)request;
	return (struct collector_step){ .head = arg };
}

static bool thirty_came(struct post *p)
{
	if (collector_requests(p->collector) % 5 == 0)
		post_add(p, 1, "canary");
	return collector_requests(p->collector) >= 30;
}

/* An operator's mistake: everything is refused, and was not before. Nothing is
 * thrown away. */
static void if_nothing_passes_nothing_is_quarantined(void **state)
{
	static char answers[][24] = { "400 Bad", "413 Too Large" };
	struct post *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		post_start(p, NULL);
		post_add(p, 10, "fine");
		post_run_empty(p);
		collector_set_rule(p->collector, always, answers[i]);
		post_add(p, 40, "fine");
		post_run(p, thirty_came);
		assert_int_equal(quarantined(p), 0);
		post_restart(p, NULL);
		collector_set_rule(p->collector, NULL, NULL);
		post_run_empty(p);
		assert_int_equal(quarantined(p), 0);
		post_stop(p, p->deliver);
		collector_close(p->collector);
		p->collector = collector_open(&p->loop);
		snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u/",
			 collector_port(p->collector));
	}
}

static struct collector_step turns(const struct collector_request *request,
				   void *arg)
{
	static char head[] = "400 Bad";

	if (quarantined(arg) > 0)
		return (struct collector_step){ .head = head };
	return hates(request, head);
}

static bool is_quarantined(struct post *p)
{
	if (collector_requests(p->collector) % 5 == 0)
		post_add(p, 1, "canary");
	return quarantined(p) > 0;
}

static bool a_hundred_came(struct post *p)
{
	if (collector_requests(p->collector) % 5 == 0)
		post_add(p, 1, "canary");
	return collector_requests(p->collector) >= 100;
}

/* The endpoint breaks in the middle of the search: what passed before the
 * last row was set aside proves nothing about the next. */
static void proof_is_used_up_by_a_row(void **state)
{
	struct post *p = *state;

	collector_set_rule(p->collector, turns, p);
	post_start(p, NULL);
	post_add(p, 4, "fine");
	post_add(p, 9, "poison");
	post_add(p, 4, "fine");
	post_run(p, is_quarantined);
	assert_true(collector_requests(p->collector) < 50);
	post_run(p, a_hundred_came);
	assert_int_equal(quarantined(p), 1);
}

static int take_any(const struct record *record, void *arg)
{
	(void)record;
	(void)arg;
	return 0;
}

/* A batch of a version that knew more framings cannot be sent as it is. */
static void an_unknown_framing_goes_aside(void **state)
{
	struct post *p = *state;
	struct store_batch batch = { .encoding = "morse", .rows = 3 };
	struct ep_err err = { 0 };
	int destination;

	post_add(p, 3, "fine");
	batch.body = strdup("...");
	batch.body_len = 3;
	assert_int_equal(store_destination(p->store, "hq", &destination, &err),
			 0);
	assert_int_equal(store_batch_collect(p->store, destination, take_any,
					     NULL, &batch.first, &batch.last),
			 3);
	assert_int_equal(
		store_batch_freeze(p->store, destination, &batch, &err), 0);
	store_batch_finish(&batch);
	post_add(p, 3, "fine");
	post_start(p, NULL);
	post_run_empty(p);
	assert_int_equal(quarantined(p), 3);
	assert_int_equal(collector_requests(p->collector), 1);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(a_batch_that_is_too_large_is_halved),
		LOOP_TEST(one_row_that_is_too_large_costs_one_row),
		LOOP_TEST(poison_costs_one_row),
		LOOP_TEST(if_nothing_passes_nothing_is_quarantined),
		LOOP_TEST(proof_is_used_up_by_a_row),
		LOOP_TEST(an_unknown_framing_goes_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
