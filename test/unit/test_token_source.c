/* Tokens that Entra gives, on their way to a collector: a real server for each,
 * on the test's loop. Time is shifted, not waited for. */
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

uint64_t __real_uv_hrtime(void);
uint64_t __wrap_uv_hrtime(void);

static uint64_t shift_ns;

uint64_t __wrap_uv_hrtime(void)
{
	return __real_uv_hrtime() + shift_ns;
}

/* A destination whose tokens are Entra's. */
struct world {
	struct post post;
	struct collector *entra;
	char authority[64], secret[96], url[64];
	struct deliver_options options;
	unsigned given; /* tokens */
	char body[256];
};

/* "token-1", "token-2", ... */
static struct collector_step give(const struct collector_request *request,
				  void *arg)
{
	struct world *w = arg;

	(void)request;
	snprintf(w->body, sizeof(w->body),
		 "{\"token_type\":\"Bearer\",\"expires_in\":3600,"
		 "\"access_token\":\"token-%u\"}",
		 ++w->given);
	return (struct collector_step){ .body = w->body };
}

static void write_secret(const struct world *w, const char *text)
{
	char part[128];
	FILE *f;

	snprintf(part, sizeof(part), "%s.new", w->secret);
	f = fopen(part, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(part, w->secret), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	shift_ns = 0;
	post_open(&w->post);
	w->entra = collector_open(&w->post.loop);
	snprintf(w->authority, sizeof(w->authority), "http://127.0.0.1:%u/",
		 collector_port(w->entra));
	snprintf(w->secret, sizeof(w->secret), "%s/secret", w->post.dir);
	write_secret(w, "s3cr&t=1~\n");
	w->options.auth = (struct auth_options){
		.type = AUTH_ENTRA,
		.tenant = "contoso.example",
		.client_id = "1111-2222",
		.secret_file = w->secret,
		.authority = w->authority,
	};
	w->options.timeout_ns = 300 * EP_NS_PER_S;
	collector_set_rule(w->entra, give, w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	collector_close(w->entra);
	post_close(&w->post);
	free(w);
	return 0;
}

static void expect_bearer(const struct world *w, unsigned i, const char *token)
{
	char value[64], wanted[64];

	snprintf(wanted, sizeof(wanted), "Bearer %s", token);
	collector_field(collector_request(w->post.collector, i),
			"Authorization", value, sizeof(value));
	assert_string_equal(value, wanted);
}

static void deliver_one(struct world *w)
{
	post_add(&w->post, 1, "hello");
	post_run_empty(&w->post);
}

static struct world *waiting;
static const char *wanted_trouble;
static unsigned wanted_requests;

static bool has_trouble(struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return strstr(facts.trouble, wanted_trouble) != NULL;
}

static bool has_asked(struct post *p)
{
	(void)p;
	return collector_requests(waiting->entra) >= wanted_requests;
}

static void await_trouble(struct world *w, const char *text)
{
	wanted_trouble = text;
	post_run(&w->post, has_trouble);
}

static void await_asked(struct world *w, unsigned n)
{
	waiting = w;
	wanted_requests = n;
	post_run(&w->post, has_asked);
}

static void one_token_for_many_batches(void **state)
{
	static const char form[] =
		"grant_type=client_credentials&client_id=1111-2222&"
		"scope=https%3A%2F%2Fmonitor.azure.com%2F%2F.default&"
		"client_secret=s3cr%26t%3D1~";
	struct world *w = *state;
	const struct collector_request *asked;
	struct deliver_facts facts;

	post_start(&w->post, &w->options);
	for (unsigned i = 0; i < 3; i++) {
		deliver_one(w);
		expect_bearer(w, i, "token-1");
	}
	assert_int_equal(collector_requests(w->entra), 1);
	asked = collector_request(w->entra, 0);
	assert_memory_equal(asked->head,
			    "POST /contoso.example/oauth2/v2.0/token ", 40);
	assert_string_equal(asked->body, form);
	deliver_facts(w->post.deliver, &facts);
	assert_true(facts.token_until_ns > uv_hrtime() + 3000 * EP_NS_PER_S);
	assert_true(facts.token_until_ns < uv_hrtime() + 3600 * EP_NS_PER_S);
}

/* Beside the batches, which do not wait. */
static void before_it_ends_there_is_another(void **state)
{
	struct world *w = *state;

	post_start(&w->post, &w->options);
	deliver_one(w);
	shift_ns = 2600 * EP_NS_PER_S;
	deliver_one(w);
	assert_int_equal(collector_requests(w->entra), 1); /* not yet */
	shift_ns = 3100 * EP_NS_PER_S;
	deliver_one(w);
	expect_bearer(w, 2, "token-1");
	await_asked(w, 2);
	while (w->given < 2)
		uv_run(&w->post.loop, UV_RUN_ONCE);
	shift_ns = 3700 * EP_NS_PER_S;
	deliver_one(w);
	expect_bearer(w, 3, "token-2");
	assert_int_equal(collector_requests(w->entra), 2);
}

static void one_that_has_ended_is_not_sent(void **state)
{
	struct world *w = *state;

	post_start(&w->post, &w->options);
	deliver_one(w);
	shift_ns = 3590 * EP_NS_PER_S; /* nor one that is about to */
	deliver_one(w);
	expect_bearer(w, 1, "token-2");
	assert_int_equal(collector_requests(w->entra), 2);
}

static struct collector_step
unauthorized(const struct collector_request *request, void *arg)
{
	const char *good = arg;
	char value[64];

	collector_field(request, "Authorization", value, sizeof(value));
	if (good && strcmp(value, good) == 0)
		return (struct collector_step){ .head = "204 No Content" };
	return (struct collector_step){ .head = "401 Unauthorized" };
}

static void a_401_makes_one_new_token(void **state)
{
	static char good[] = "Bearer token-2";
	struct world *w = *state;

	collector_set_rule(w->post.collector, unauthorized, good);
	post_start(&w->post, &w->options);
	deliver_one(w);
	assert_int_equal(collector_requests(w->post.collector), 2);
	assert_int_equal(collector_requests(w->entra), 2);
}

static bool has_been_asked_often(struct post *p)
{
	return collector_requests(p->collector) >= 8;
}

static void many_401_do_not_make_many_tokens(void **state)
{
	struct world *w = *state;

	collector_set_rule(w->post.collector, unauthorized, NULL);
	post_start(&w->post, &w->options);
	post_add(&w->post, 1, "hello");
	post_run(&w->post, has_been_asked_often);
	assert_int_equal(collector_requests(w->entra), 2);
	await_trouble(w, "status=401");
	shift_ns = 3000 * EP_NS_PER_S; /* it lives, and an hour is not over */
	collector_set_rule(w->post.collector, NULL, NULL);
	post_run_empty(&w->post);
}

/* The words are Entra's, without whose they are; the secret is read anew. */
static void a_wrong_secret_and_then_the_right_one(void **state)
{
	static const struct collector_step no = {
		.head = "401 Unauthorized",
		.body = "{\"error\":\"invalid_client\",\"error_description\":"
			"\"AADSTS7000215: of app Contoso\","
			"\"error_codes\":[7000215]}",
	};
	struct collector_step often[200];
	struct world *w = *state;
	struct deliver_facts facts;

	for (size_t i = 0; i < COUNT(often); i++)
		often[i] = no;
	collector_script(w->entra, often, COUNT(often));
	post_start(&w->post, &w->options);
	post_add(&w->post, 1, "hello");
	await_trouble(w, "error=token source=entra status=401 "
			 "code=invalid_client aadsts=7000215");
	deliver_facts(w->post.deliver, &facts);
	assert_null(strstr(facts.trouble, "Contoso"));
	assert_int_equal(facts.backlog_rows, 1);
	assert_int_equal(facts.token_until_ns, 0);
	assert_int_equal(collector_requests(w->post.collector), 0);
	write_secret(w, "new\n");
	collector_script(w->entra, NULL, 0);
	post_run_empty(&w->post);
	assert_non_null(strstr(
		collector_request(w->entra, collector_requests(w->entra) - 1)
			->body,
		"client_secret=new"));
}

static void files_that_hold_no_secret(void **state)
{
	static const char *const bad[] = { "", "\n", "two\nlines", "t\x01" };
	struct world *w = *state;

	post_add(&w->post, 1, "hello");
	for (size_t i = 0; i < COUNT(bad); i++) {
		write_secret(w, bad[i]);
		post_start(&w->post, &w->options);
		await_trouble(w, "error=token source=entra secret_file=");
		post_stop(&w->post, w->post.deliver);
	}
	remove(w->secret);
	post_start(&w->post, &w->options);
	await_trouble(w, "why=\"ENOENT\"");
	write_secret(w, "good");
	post_run_empty(&w->post);
}

/* It is left alone for as long as it says. */
static void a_service_that_is_busy(void **state)
{
	static const struct collector_step busy = {
		.head = "429 Too Many\r\nRetry-After: 3000",
	};
	struct world *w = *state;

	collector_script(w->entra, &busy, 1);
	post_start(&w->post, &w->options);
	post_add(&w->post, 1, "hello");
	await_trouble(w, "error=token source=entra status=429");
	for (unsigned i = 0; i < 20; i++)
		uv_run(&w->post.loop, UV_RUN_ONCE); /* several attempts */
	assert_int_equal(collector_requests(w->entra), 1);
	assert_true(has_trouble(&w->post));
	shift_ns = 3001 * EP_NS_PER_S;
	post_run_empty(&w->post);
	assert_int_equal(collector_requests(w->entra), 2);
}

/* While there is one, trouble with the next is none. */
static void a_replacement_that_fails_holds_up_nothing(void **state)
{
	struct collector_step steps[50] = { { .how = COLLECTOR_RESET_AFTER } };
	struct world *w = *state;
	struct deliver_facts facts;

	for (size_t i = 1; i < COUNT(steps); i++)
		steps[i].head = "503 Busy";
	post_start(&w->post, &w->options);
	deliver_one(w);
	collector_script(w->entra, steps, COUNT(steps));
	shift_ns = 3100 * EP_NS_PER_S;
	for (unsigned n = 2; n < 5; n++) { /* again when that is due */
		deliver_one(w);
		await_asked(w, n);
		deliver_one(w);
		deliver_facts(w->post.deliver, &facts);
		assert_string_equal(facts.trouble, "");
		shift_ns += 40 * EP_NS_PER_S;
	}
	expect_bearer(w, 6, "token-1");
}

static void answers_that_hold_no_token(void **state)
{
	static char big[100000];
	static const struct collector_step steps[] = {
		{ .body = "<html>sign in</html>" },
		{ .body = "{\"access_token\":\"a\\r\\nX-Evil: 1\"}" },
		{ .body = "{\"access_token\":\"a\",\"token_type\":\"pop\"}" },
		{ .head = "302 Found\r\nLocation: http://127.0.0.1:1/" },
		{ .body = big },
		{ .how = COLLECTOR_ENDLESS },
		{ .how = COLLECTOR_FLOOD },
		{ .how = COLLECTOR_TRUNCATE },
		{ .how = COLLECTOR_CLOSE },
		{ .how = COLLECTOR_RESET_BEFORE },
		{ .how = COLLECTOR_RESET_AFTER },
	};
	struct world *w = *state;

	memset(big, 'x', sizeof(big) - 1);
	collector_script(w->entra, steps, COUNT(steps));
	post_start(&w->post, &w->options);
	post_add(&w->post, 1, "hello");
	await_asked(w, COUNT(steps));
	assert_int_equal(collector_requests(w->post.collector), 0);
	post_run_empty(&w->post);
	expect_bearer(w, 0, "token-1");
}

static void the_end_while_a_token_is_waited_for(void **state)
{
	static const struct collector_step hang = { .how = COLLECTOR_HANG };
	struct world *w = *state;

	collector_script(w->entra, &hang, 1);
	post_start(&w->post, &w->options);
	post_add(&w->post, 1, "hello");
	await_asked(w, 1);
}

static void nobody_there(void **state)
{
	struct world *w = *state;

	w->options.auth.authority = "http://127.0.0.1:1";
	post_start(&w->post, &w->options);
	post_add(&w->post, 1, "hello");
	await_trouble(w, "error=token source=entra failed=connect why=\"");
	assert_int_equal(post_backlog(w->post.deliver), 1);
}

/* --- what may be configured --- */

static void expect_wrong(const struct auth_options *auth, const char *url,
			 const char *why)
{
	const struct deliver_options o = { .name = "hq",
					   .url = url,
					   .auth = *auth };
	struct ep_err err = { 0 };

	assert_true(deliver_check(&o, &err) < 0);
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
}

#define HQ "https://hq.example/x"

static void what_is_not_allowed(void **state)
{
	static const struct {
		struct auth_options auth;
		const char *url, *why;
	} cases[] = {
		{ { .type = "kerberos" },
		  HQ,
		  "allowed are entra, azure_arc and azure_vm" },
		{ { .type = "entra" }, HQ, "needs tenant" },
		{ { .type = "entra", .tenant = "t" }, HQ, "needs client_id" },
		{ { .type = "entra", .tenant = "t", .client_id = "c" },
		  HQ,
		  "needs secret_file, or else" },
		{ { .type = "entra",
		    .tenant = "t",
		    .client_id = "c",
		    .key_file = "k" },
		  HQ,
		  "needs secret_file, or else" },
		{ { .type = "entra",
		    .tenant = "t",
		    .client_id = "c",
		    .secret_file = "s",
		    .cert_file = "c",
		    .key_file = "k" },
		  HQ,
		  "needs secret_file, or else" },
		{ { .type = "entra",
		    .tenant = "../x",
		    .client_id = "c",
		    .secret_file = "s" },
		  HQ,
		  "tenant is no id" },
		{ { .type = "entra",
		    .tenant = "t",
		    .client_id = "c&d",
		    .secret_file = "s" },
		  HQ,
		  "client_id is no id" },
		{ { .type = "entra",
		    .tenant = "t",
		    .client_id = "c",
		    .secret_file = "s",
		    .authority = "http://login.example" },
		  HQ,
		  "authority cannot be used" },
		{ { .type = "azure_arc", .tenant = "t" },
		  HQ,
		  "tenant has no use with type \"azure_arc\"" },
		{ { .type = "azure_vm", .secret_file = "t" },
		  HQ,
		  "secret_file has no use" },
		{ { .type = "azure_arc" }, "file:///tmp/x/", "have no use" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect_wrong(&cases[i].auth, cases[i].url, cases[i].why);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(one_token_for_many_batches),
		LOOP_TEST(before_it_ends_there_is_another),
		LOOP_TEST(one_that_has_ended_is_not_sent),
		LOOP_TEST(a_401_makes_one_new_token),
		LOOP_TEST(many_401_do_not_make_many_tokens),
		LOOP_TEST(a_wrong_secret_and_then_the_right_one),
		LOOP_TEST(files_that_hold_no_secret),
		LOOP_TEST(a_service_that_is_busy),
		LOOP_TEST(a_replacement_that_fails_holds_up_nothing),
		LOOP_TEST(answers_that_hold_no_token),
		LOOP_TEST(the_end_while_a_token_is_waited_for),
		LOOP_TEST(nobody_there),
		cmocka_unit_test(what_is_not_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
