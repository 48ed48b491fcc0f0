/* The token that goes with each batch. */
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

static void write_token(const struct post *p, const char *text)
{
	char path[128], part[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/token", p->dir);
	snprintf(part, sizeof(part), "%s.new", path);
	f = fopen(part, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(part, path), 0);
}

static void expect_bearer(const struct post *p, unsigned i, const char *wanted)
{
	char value[64];

	collector_field(collector_request(p->collector, i), "Authorization",
			value, sizeof(value));
	assert_string_equal(value, wanted);
}

static void without_its_token_nothing_is_sent(void **state)
{
	static const char *const bad[] = { "",           "\n",
					   "two\nlines", "con\x01trol",
					   "two words",  "Bearer two words" };
	struct post *p = *state;
	char path[128];
	struct deliver_options o = { .token_file = path };
	struct deliver_facts facts;

	snprintf(path, sizeof(path), "%s/token", p->dir);
	post_add(p, 3, "hello");
	post_start(p, &o);
	for (size_t i = 0; i <= COUNT(bad); i++) {
		uint64_t until_ns = uv_hrtime() + 20 * EP_NS_PER_MS;

		if (i > 0)
			write_token(p, bad[i - 1]);
		while (uv_hrtime() < until_ns)
			uv_run(&p->loop, UV_RUN_ONCE);
		deliver_facts(p->deliver, &facts);
		assert_non_null(strstr(facts.trouble, "token_file="));
		assert_int_equal(facts.backlog_rows, 3);
	}
	assert_int_equal(collector_requests(p->collector), 0);
	write_token(p, "one\n");
	post_run_empty(p);
	expect_bearer(p, 0, "Bearer one");
}

static void a_new_token_is_used_at_once(void **state)
{
	struct post *p = *state;
	char path[128];
	struct deliver_options o = { .token_file = path };

	snprintf(path, sizeof(path), "%s/token", p->dir);
	write_token(p, "one");
	post_start(p, &o);
	post_add(p, 3, "hello");
	post_run_empty(p);
	post_add(p, 3, "hello");
	post_run_empty(p);
	write_token(p, "two");
	post_add(p, 3, "hello");
	post_run_empty(p);
	expect_bearer(p, 0, "Bearer one");
	expect_bearer(p, 1, "Bearer one");
	expect_bearer(p, 2, "Bearer two");
}

/* An engine's scheme, or the one that stands in the file. */
static void a_token_has_a_scheme(void **state)
{
	static const struct {
		const char *encoding, *file, *wanted;
	} cases[] = {
		{ "ndjson", "one\n", "Bearer one" },
		{ "otlp-logs", "one", "Bearer one" },
		{ "elastic-bulk", "one", "ApiKey one" },
		{ "elastic-bulk", "Bearer one\n", "Bearer one" },
		{ "splunk-hec", "one", "Splunk one" },
		{ "splunk-hec", "Basic b25l", "Basic b25l" },
	};
	struct post *p = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/token", p->dir);
	post_add(p, 1, "hello");
	for (unsigned i = 0; i < COUNT(cases); i++) {
		const struct deliver_options o = {
			.name = cases[i].wanted,
			.encoding = cases[i].encoding,
			.token_file = path,
		};
		struct deliver *d;

		write_token(p, cases[i].file);
		d = post_start(p, &o);
		while (collector_requests(p->collector) <= i)
			uv_run(&p->loop, UV_RUN_ONCE);
		expect_bearer(p, i, cases[i].wanted);
		post_stop(p, d);
	}
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(without_its_token_nothing_is_sent),
		LOOP_TEST(a_new_token_is_used_at_once),
		LOOP_TEST(a_token_has_a_scheme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
