/* What libcurl would do by itself, and is not to. Whether redirects are
 * followed, and headers and bodies read without end, is in test_deliver.c. */
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

static void expect_field(struct post *p, unsigned i, const char *name,
			 const char *wanted)
{
	char value[64];

	collector_field(collector_request(p->collector, i), name, value,
			sizeof(value));
	assert_string_equal(value, wanted);
}

static void no_secret_of_a_netrc(void **state)
{
	struct post *p = *state;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.netrc", p->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("machine 127.0.0.1 login me password s3cret\n", f);
	fclose(f);
	setenv("HOME", p->dir, 1);
	setenv("NETRC", path, 1);
	post_add(p, 3, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	unsetenv("NETRC");
	expect_field(p, 0, "Authorization", "");
}

static void a_cookie_is_not_given_back(void **state)
{
	static const struct collector_step steps[] = {
		{ .head = "200 OK\r\nSet-Cookie: id=7; Path=/" },
	};
	struct post *p = *state;

	collector_script(p->collector, steps, 1);
	post_add(p, 3, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	post_add(p, 3, "hello");
	deliver_poke(p->deliver);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 2);
	expect_field(p, 1, "Cookie", "");
}

static void only_what_is_needed_is_said(void **state)
{
	static const char *const not_said[] = { "Accept-Encoding", "Expect",
						"Referer", "Upgrade", "TE" };
	struct post *p = *state;

	post_add(p, 3, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	for (size_t i = 0; i < sizeof(not_said) / sizeof(not_said[0]); i++)
		expect_field(p, 0, not_said[i], "");
}

/* "<html>" in gzip: it is not unpacked, or it would be no acknowledgement. */
static void an_answer_is_not_unpacked(void **state)
{
	static const struct collector_step steps[] = {
		{ .head = "200 OK\r\nContent-Encoding: deflate",
		  .body = "x\x9c\xb3\xc9(\xc9\xcd\xb1\x03" },
	};
	struct post *p = *state;

	collector_script(p->collector, steps, 1);
	post_add(p, 3, "hello");
	post_start(p, NULL);
	post_run_empty(p);
	assert_int_equal(collector_requests(p->collector), 1);
}

/* The batch that came first is answered so, until that is over. */
struct bad_answer {
	struct collector_step step;
	char key[96];
	bool over;
};

static struct collector_step
answer_badly(const struct collector_request *request, void *arg)
{
	struct bad_answer *bad = arg;
	char key[sizeof(bad->key)];

	collector_field(request, "Idempotency-Key", key, sizeof(key));
	if (bad->key[0] == '\0')
		snprintf(bad->key, sizeof(bad->key), "%s", key);
	return bad->over || strcmp(key, bad->key) != 0
		       ? (struct collector_step){ .how = COLLECTOR_ANSWER }
		       : bad->step;
}

static const char *awaited; /* words of a trouble */

static bool is_said(struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return strstr(facts.trouble, awaited) != NULL;
}

/* Two batches of one row: that is what is said of the first, and no row is
 * blamed for it. */
static void expect_trouble(struct post *p, struct bad_answer *bad,
			   const char *words)
{
	const struct deliver_options o = { .max_rows = 1 };
	struct deliver_facts facts;

	collector_set_rule(p->collector, answer_badly, bad);
	post_add(p, 2, "hello");
	post_start(p, &o);
	awaited = words;
	post_run(p, is_said);
	bad->over = true;
	post_run_empty(p);
	deliver_facts(p->deliver, &facts);
	assert_int_equal(facts.quarantined, 0);
}

/* Whatever comes, it is no collector; and it is not waited for. */
static void an_answer_of_terabytes_is_none(void **state)
{
	struct bad_answer bad = {
		.step = { .how = COLLECTOR_TRUNCATE,
			  .head = "200 OK\r\nContent-Length: 5000000000000" },
	};

	expect_trouble(*state, &bad, "fault=collector_shape");
}

/* nginx says so of a certificate; the rows are not at fault, even if others
 * pass because there is another certificate by then. */
static void a_page_about_certificates_blames_no_row(void **state)
{
	struct bad_answer bad = {
		.step = { .head = "400 Bad Request\r\nContent-Type: text/html",
			  .body = "<html><h1>400 Bad Request</h1>"
				  "<center>No required SSL certificate was sent"
				  "</center>" },
	};

	expect_trouble(*state, &bad, "status=400 fault=certificate_missing");
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(no_secret_of_a_netrc),
		LOOP_TEST(a_cookie_is_not_given_back),
		LOOP_TEST(only_what_is_needed_is_said),
		LOOP_TEST(an_answer_is_not_unpacked),
		LOOP_TEST(an_answer_of_terabytes_is_none),
		LOOP_TEST(a_page_about_certificates_blames_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
