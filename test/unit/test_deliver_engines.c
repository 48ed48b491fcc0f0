/* Delivery to engines that say more than a status: Elasticsearch, Splunk,
 * OpenTelemetry. */
#include "base/buf.h"
#include "edgeprobe/clock.h"
#include "lib/collector.h"
#include "lib/post.h"
#include "lib/strict_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JSON "200 OK\r\nContent-Type: application/json"

struct world {
	struct post post;
	bool poisons;         /* refuse rows that say so */
	unsigned times, busy; /* each answer is 429 for a row so many times */
	struct buf answer;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	buf_init(&w->answer, 1 << 20);
	post_open(&w->post);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	post_close(&w->post);
	buf_finish(&w->answer);
	free(w);
	return 0;
}

static struct deliver_facts facts_of(struct world *w)
{
	struct deliver_facts facts;

	deliver_facts(w->post.deliver, &facts);
	return facts;
}

static void expect_field(const struct collector_request *r, const char *name,
			 const char *wanted)
{
	char value[256];

	assert_string_equal(collector_field(r, name, value, sizeof(value)),
			    wanted);
}

/* --- Elasticsearch: documents by name --- */

static uint64_t seq_of(const char *line)
{
	const char *at = strstr(line, "\"}}");

	while (at > line && at[-1] != '-')
		at--;
	return strtoull(at, NULL, 10);
}

/* How often a document was created; what was there already is not. */
static unsigned created[POST_SEQ_MAX];

static int status_of(struct world *w, const char *action, const char *row)
{
	const char *end = strchr(row, '\n');
	uint64_t seq = seq_of(action);

	if (w->poisons && memmem(row, (size_t)(end - row), "poison", 6))
		return 400;
	if (w->busy > 0 && seq % 3 == 0)
		return 429;
	if (created[seq] > 0)
		return 409;
	created[seq]++;
	return 201;
}

/* What Elasticsearch would say; the documents are remembered. */
static struct collector_step bulk(const struct collector_request *request,
				  void *arg)
{
	struct world *w = arg;
	char *plain = post_plain(request), *at = plain;
	bool errors = false;
	struct buf items, *answer = &w->answer;

	buf_init(&items, 1 << 20);
	while (*at) {
		char *row = strchr(at, '\n') + 1;
		int status = status_of(w, at, row);

		errors = errors || status != 201;
		buf_printf(&items, "%s{\"create\":{\"status\":%d}}",
			   items.len ? "," : "", status);
		at = strchr(row, '\n') + 1;
	}
	free(plain);
	w->busy -= w->busy > 0;
	w->times++;
	buf_clear(answer);
	buf_printf(answer, "{\"took\":1,\"errors\":%s,\"items\":[%s]}",
		   errors ? "true" : "false", items.data);
	buf_finish(&items);
	return (struct collector_step){ .head = JSON, .body = answer->data };
}

static const struct deliver_options elastic = { .encoding = "elastic-bulk",
						.gzip = true };

static void begin_elastic(struct world *w)
{
	memset(created, 0, sizeof(created));
	collector_set_rule(w->post.collector, bulk, w);
	post_start(&w->post, &elastic);
}

static unsigned documents(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < POST_SEQ_MAX; i++) {
		assert_true(created[i] <= 1);
		n += created[i];
	}
	return n;
}

static void documents_are_created_once(void **state)
{
	struct world *w = *state;
	const struct collector_request *r;

	post_add(&w->post, 40, "hello");
	begin_elastic(w);
	post_run_empty(&w->post);
	assert_int_equal(documents(), 40);
	r = collector_request(w->post.collector, 0);
	expect_field(r, "Content-Type", "application/x-ndjson");
	expect_field(r, "X-Edgeprobe-Schema", "1");
	assert_int_equal(facts_of(w).rows, 40);
}

/* Some were taken: all are sent again, and those are there already. */
static void a_busy_shard_makes_all_come_again(void **state)
{
	struct world *w = *state;

	w->busy = 3;
	post_add(&w->post, 40, "hello");
	begin_elastic(w);
	post_run_empty(&w->post);
	assert_int_equal(w->times, 4);
	assert_int_equal(documents(), 40);
	assert_int_equal(facts_of(w).quarantined, 0);
	assert_int_equal(facts_of(w).refused, 3);
}

static bool all_is_told(struct post *p)
{
	return post_backlog(p->deliver) == 0;
}

/* The answer names the rows: no other batch is needed, none is sent again. */
static void refused_documents_go_aside(void **state)
{
	struct world *w = *state;
	struct post *p = &w->post;
	uint64_t bad[3];

	w->poisons = true;
	bad[0] = post_add(p, 1, "poison");
	post_add(p, 20, "fine");
	bad[1] = post_add(p, 1, "poison");
	bad[2] = post_add(p, 1, "poison");
	post_add(p, 20, "fine");
	begin_elastic(w);
	post_run(p, all_is_told);
	assert_int_equal(w->times, 1);
	assert_int_equal(facts_of(w).quarantined, 3);
	assert_int_equal(facts_of(w).rows, 40);
	for (int i = 0; i < 3; i++)
		assert_int_equal(created[bad[i]], 0);
	assert_int_equal(documents(), 40);
	/* What is missing is declared by rows that follow. */
	post_add(p, 1, "fine");
	post_run_empty(p);
	assert_int_equal(documents(), 40 + 1 + 2);
	assert_string_equal(facts_of(w).trouble, "");
}

/* More of them than one answer can name. */
static void many_refused_documents(void **state)
{
	struct world *w = *state;
	struct post *p = &w->post;

	w->poisons = true;
	for (int i = 0; i < 100; i++) {
		post_add(p, 1, "poison");
		post_add(p, 1, "fine");
	}
	begin_elastic(w);
	post_run(p, all_is_told);
	assert_int_equal(facts_of(w).quarantined, 100);
	assert_int_equal(facts_of(w).rows, 100);
	assert_int_equal(documents(), 100);
	assert_true(w->times <= 8);
}

static bool ten_more(struct post *p)
{
	struct world *w = (struct world *)p;

	return w->times >= 10;
}

/* A mistake in the mapping: nothing passes, nothing is thrown away. */
static void if_all_documents_are_refused_nothing_goes(void **state)
{
	struct world *w = *state;
	struct post *p = &w->post;
	struct deliver_options few = elastic;

	w->poisons = true;
	few.max_rows = 10;
	post_add(p, 60, "poison");
	memset(created, 0, sizeof(created));
	collector_set_rule(p->collector, bulk, w);
	post_start(p, &few);
	post_run(p, ten_more);
	assert_int_equal(facts_of(w).quarantined, 0);
	w->poisons = false;
	post_run_empty(p);
	assert_int_equal(documents(), 60);
}

/* One batch is refused as a whole, and the next shows that others pass. */
static void a_part_that_passes_is_proof(void **state)
{
	struct world *w = *state;
	struct post *p = &w->post;
	struct deliver_options few = elastic;

	w->poisons = true;
	few.max_rows = 10;
	post_add(p, 10, "poison");
	post_add(p, 9, "fine");
	post_add(p, 1, "poison");
	memset(created, 0, sizeof(created));
	collector_set_rule(p->collector, bulk, w);
	post_start(p, &few);
	for (int i = 0; i < 400 && facts_of(w).quarantined < 11; i++) {
		post_add(p, 1, "fine");
		uv_run(&p->loop, UV_RUN_ONCE);
	}
	post_run_empty(p);
	assert_int_equal(facts_of(w).quarantined, 11);
}

/* --- OpenTelemetry --- */

static void otlp_is_not_sent_again(void **state)
{
	static const struct collector_step steps[] = {
		{ .head = JSON,
		  .body = "{\"partialSuccess\":{\"rejectedLogRecords\":\"4\","
			  "\"errorMessage\":\"too old\"}}" },
		{ .head = JSON, .body = "{\"message\":\"sign in\"}" },
	};
	const struct deliver_options o = { .encoding = "otlp-logs" };
	struct world *w = *state;
	struct post *p = &w->post;
	const struct collector_request *r;

	collector_script(p->collector, steps, 2);
	post_add(p, 10, "hello");
	post_start(p, &o);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 1);
	assert_int_equal(facts_of(w).rejected, 4);
	assert_int_equal(facts_of(w).rows, 10);
	post_add(p, 10, "hello");
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 3);
	r = collector_request(p->collector, 0);
	expect_field(r, "Content-Type", "application/json");
	assert_true(strict_json(r->body, r->len));
}

/* --- metrics: rows that cannot be told apart again --- */

static bool flushed(struct post *p)
{
	return p->flushed;
}

static void on_flushed(void *arg)
{
	*(bool *)arg = true;
}

static void flush(struct post *p)
{
	p->flushed = false;
	deliver_flush(p->deliver, 15 * EP_NS_PER_S, on_flushed, &p->flushed);
	post_run(p, flushed);
}

/* Rows that points count, of all requests that were acknowledged. */
static uint64_t counted(struct post *p)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < collector_requests(p->collector); i++) {
		const struct collector_request *r =
			collector_request(p->collector, i);
		char *plain = post_plain(r), *at = plain;

		assert_true(strict_json(plain, strlen(plain)));
		at = strstr(at, "\"name\":\"edgeprobe.rows\"");
		while (at && r->said_yes &&
		       (at = strstr(at, "\"asInt\":\"")) != NULL)
			sum += strtoull(at += 9, NULL, 10);
		free(plain);
	}
	return sum;
}

static const struct deliver_options metrics = { .encoding = "otlp-metrics" };

static void the_minute_under_way_waits(void **state)
{
	struct world *w = *state;
	struct post *p = &w->post;
	uint64_t until_ns;

	post_add(p, 30, "hello");
	post_start(p, &metrics);
	until_ns = uv_hrtime() + 50 * EP_NS_PER_MS;
	while (uv_hrtime() < until_ns)
		uv_run(&p->loop, UV_RUN_ONCE);
	/* Unless a minute ended just now. */
	if (collector_requests(p->collector) > 0)
		assert_int_equal(counted(p), 30);
	flush(p);
	assert_int_equal(counted(p), 30);
	assert_int_equal(collector_requests(p->collector), 1);
	assert_int_equal(post_backlog(p->deliver), 0);
}

static struct collector_step few_rows(const struct collector_request *request,
				      void *arg)
{
	struct world *w = arg;
	char *plain = post_plain(request);
	char *at = strstr(plain, "\"name\":\"edgeprobe.rows\"");
	uint64_t rows = strtoull(strstr(at, "\"asInt\":\"") + 9, NULL, 10);

	free(plain);
	w->times++;
	return (struct collector_step){
		.head = rows > 8 ? "413 Too Large" : NULL,
	};
}

/* They are added up again, in two parts. */
static void metrics_that_are_too_large_are_halved(void **state)
{
	struct world *w = *state;
	struct post *p = &w->post;

	collector_set_rule(p->collector, few_rows, w);
	post_add(p, 30, "hello");
	post_start(p, &metrics);
	flush(p);
	assert_int_equal(post_backlog(p->deliver), 0);
	assert_int_equal(counted(p), 30);
	assert_int_equal(facts_of(w).rows, 30);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(documents_are_created_once),
		LOOP_TEST(a_busy_shard_makes_all_come_again),
		LOOP_TEST(refused_documents_go_aside),
		LOOP_TEST(many_refused_documents),
		LOOP_TEST(if_all_documents_are_refused_nothing_goes),
		LOOP_TEST(a_part_that_passes_is_proof),
		LOOP_TEST(otlp_is_not_sent_again),
		LOOP_TEST(the_minute_under_way_waits),
		LOOP_TEST(metrics_that_are_too_large_are_halved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
