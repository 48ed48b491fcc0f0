/* Who we are to a collector and to a proxy, and whom we trust, while files
 * change. */
#include "edgeprobe/clock.h"
#include "lib/collector.h"
#include "lib/post.h"
#include "lib/web_ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct post post;
	struct web_ca *ca, *branches;
	struct web_server *server;
	char ca_path[96], cert[96], key[96], url[64];
	const char *words; /* of trouble that is waited for */
};

static struct world *world_of(struct post *p)
{
	return (struct world *)(void *)p;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[96];

	post_open(&w->post);
	snprintf(w->ca_path, sizeof(w->ca_path), "%s/ca", w->post.dir);
	snprintf(w->cert, sizeof(w->cert), "%s/cert", w->post.dir);
	snprintf(w->key, sizeof(w->key), "%s/key", w->post.dir);
	snprintf(path, sizeof(path), "%s/branches", w->post.dir);
	w->ca = web_ca_create("Headquarters", w->ca_path);
	w->branches = web_ca_create("Branches", path);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	post_close(&w->post);
	if (w->server)
		web_server_stop(w->server);
	web_ca_destroy(w->ca);
	web_ca_destroy(w->branches);
	free(w);
	return 0;
}

static void serve(struct world *w, struct web_ca *clients, int from_days,
		  int to_days)
{
	const struct web_server_options o = { .ca = w->ca,
					      .clients = clients,
					      .names = "IP:127.0.0.1",
					      .from_days = from_days,
					      .to_days = to_days };

	w->server = web_server_start(&o);
	snprintf(w->url, sizeof(w->url), "https://127.0.0.1:%u/status/204",
		 web_server_port(w->server));
}

static void issue(struct world *w, const char *name, const char *cert,
		  const char *key)
{
	const struct web_ca_issue what = { .name = name,
					   .from_days = -100,
					   .to_days = 10,
					   .cert_path = cert,
					   .key_path = key };

	web_ca_issue(w->branches, &what);
}

static bool says(struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return strstr(facts.trouble, world_of(p)->words) != NULL;
}

static void await_trouble(struct world *w, const char *words)
{
	w->words = words;
	post_run(&w->post, says);
}

static void deliver_one(struct world *w, const char *wanted_client)
{
	char client[64];

	post_add(&w->post, 3, "hello");
	deliver_poke(w->post.deliver);
	post_run_empty(&w->post);
	web_server_client(w->server, client, sizeof(client));
	assert_string_equal(client, wanted_client);
}

static void without_a_certificate_it_is_said_so(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path };

	serve(w, w->branches, -1, 300);
	post_add(&w->post, 3, "hello");
	post_start(&w->post, &o);
	await_trouble(w, "fault=certificate_missing help=");
	assert_int_equal(web_server_requests(w->server), 0);
	assert_int_equal(post_backlog(w->post.deliver), 3);
}

static void a_certificate_of_others_is_refused(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path,
					   .cert_file = w->cert,
					   .key_file = w->key };

	serve(w, w->ca, -1, 300); /* of its own authority only */
	issue(w, "ams-01", w->cert, w->key);
	post_add(&w->post, 3, "hello");
	post_start(&w->post, &o);
	await_trouble(w, "fault=certificate_refused");
	assert_int_equal(web_server_requests(w->server), 0);
}

/* A connection belongs to the certificate that was shown on it. */
static void another_certificate_has_another_connection(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path,
					   .cert_file = w->cert,
					   .key_file = w->key };
	char cert[128], key[128];

	snprintf(cert, sizeof(cert), "%s.new", w->cert);
	snprintf(key, sizeof(key), "%s.new", w->key);
	serve(w, w->branches, -1, 300);
	issue(w, "one", w->cert, w->key);
	post_start(&w->post, &o);
	deliver_one(w, "one");
	deliver_one(w, "one");
	assert_int_equal(web_server_connections(w->server), 1);
	/* Half of it is there: the old one goes on. */
	issue(w, "two", cert, key);
	assert_int_equal(rename(cert, w->cert), 0);
	deliver_one(w, "one");
	assert_int_equal(web_server_connections(w->server), 1);
	assert_int_equal(rename(key, w->key), 0);
	deliver_one(w, "two");
	assert_int_equal(web_server_connections(w->server), 2);
	web_server_drop(w->server);
	deliver_one(w, "two");
}

static void who_is_trusted_no_more_gets_nothing(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path };
	char other[128];
	unsigned before;

	serve(w, NULL, -1, 300);
	post_start(&w->post, &o);
	deliver_one(w, "");
	before = web_server_requests(w->server);
	snprintf(other, sizeof(other), "%s/branches", w->post.dir);
	assert_int_equal(rename(other, w->ca_path), 0);
	post_add(&w->post, 3, "hello");
	deliver_poke(w->post.deliver);
	await_trouble(w, "fault=tls_untrusted");
	await_trouble(w, "issuer=\"Headquarters\"");
	assert_int_equal(web_server_requests(w->server), before);
}

/* How many rows that were delivered to the collector of the test say `words`. */
static unsigned events(struct world *w, const char *words)
{
	struct collector *c = w->post.collector;
	unsigned n = 0;

	for (unsigned i = 0; i < collector_requests(c); i++)
		for (const char *at = collector_request(c, i)->body;
		     (at = strstr(at, words)); at++)
			n++;
	return n;
}

/* It is a row that says so many days, or one less: a second may have gone. */
static void expect_days(struct world *w, const char *credential, int days)
{
	char words[256];
	unsigned n = 0;

	for (int i = 0; i < 2; i++) {
		snprintf(words, sizeof(words),
			 "\"event\":\"credential_expiring\",\"level\":"
			 "\"warning\",\"state\":\"expiring\",\"credential\":"
			 "\"%s\",\"destination\":\"mtls\",\"days_left\":%d",
			 credential, days - i);
		n += events(w, words);
	}
	assert_int_equal(n, 1);
}

static void what_ends_soon_is_a_row(void **state)
{
	struct world *w = *state;
	struct deliver_options o = { .name = "mtls",
				     .url = w->url,
				     .ca_file = w->ca_path,
				     .cert_file = w->cert,
				     .key_file = w->key };
	struct deliver_facts facts;
	struct deliver *mtls;
	struct ep_err err = { 0 };
	int64_t now_s = (int64_t)(ep_clock_wall_ns() / EP_NS_PER_S);

	serve(w, w->branches, -300, 5);
	issue(w, "one", w->cert, w->key);
	mtls = post_start(&w->post, &o);
	deliver_one(w, "one");
	deliver_facts(mtls, &facts);
	assert_int_equal(
		expiry_days(&facts.credentials[CREDENTIAL_CLIENT], now_s), 10);
	assert_int_equal(
		expiry_days(&facts.credentials[CREDENTIAL_PROXY], now_s),
		INT32_MIN);
	deliver_one(w, "one");
	assert_int_equal(store_commit(w->post.store, &err), 0);
	post_stop(&w->post, mtls);
	post_start(&w->post, NULL);
	post_run_empty(&w->post);
	expect_days(w, "collector_certificate", 5);
	expect_days(w, "client_certificate", 10);
	assert_int_equal(events(w, "credential_expiring"), 2);
}

/* --- proxies; the collector of the test plays one --- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void start_proxied(struct world *w, const char *password)
{
	char path[128], token[128];
	const struct deliver_options o = {
		.url = "https://collector.test/",
		.proxy = w->post.url,
		.ca_file = w->ca_path,
		.token_file = token,
		.proxy_user = password ? "branch" : NULL,
		.proxy_password_file = password ? path : NULL,
	};

	snprintf(path, sizeof(path), "%s/password", w->post.dir);
	snprintf(token, sizeof(token), "%s/token", w->post.dir);
	if (password)
		write_file(path, password);
	write_file(token, "t0ken");
	*strstr(w->post.url, "/ingest") = '\0';
	post_add(&w->post, 3, "hello");
	post_start(&w->post, &o);
}

static struct collector_step no(const struct collector_request *request,
				void *arg)
{
	(void)request;
	return (struct collector_step){ .head = arg };
}

static void proxies_that_refuse(void **state)
{
	static struct {
		char head[64];
		const char *wanted;
	} cases[] = {
		{ "407 Who\r\nProxy-Authenticate: Basic realm=\"x\"",
		  "status=407 fault=proxy_login" },
		{ "403 No", "status=403 fault=proxy_refused" },
		{ "502 Bad", "status=502 fault=proxy_upstream" },
	};
	struct world *w = *state;

	start_proxied(w, NULL);
	for (unsigned i = 0; i < 3; i++) {
		collector_set_rule(w->post.collector, no, cases[i].head);
		await_trouble(w, cases[i].wanted);
	}
	assert_int_equal(post_backlog(w->post.deliver), 3);
}

static struct collector_step wants_login(const struct collector_request *r,
					 void *arg)
{
	static const char who[] =
		"407 Who\r\nProxy-Authenticate: Basic realm=\"x\"";
	char value[128];
	bool fine = strcmp(collector_field(r, "Proxy-Authorization", value,
					   sizeof(value)),
			   arg) == 0;

	return (struct collector_step){ .head = fine ? "502 Bad" : who };
}

/* It may have blanks; and nothing else of ours is for the proxy. */
static void a_password_is_read_again(void **state)
{
	static char wanted[] = "Basic YnJhbmNoOm5ldyBwYXNz"; /* new pass */
	struct world *w = *state;
	struct collector *c = w->post.collector;
	char path[128], value[64];

	collector_set_rule(c, wants_login, wanted);
	start_proxied(w, "old\n");
	await_trouble(w, "fault=proxy_login");
	snprintf(path, sizeof(path), "%s/password", w->post.dir);
	write_file(path, "new pass\n");
	await_trouble(w, "fault=proxy_upstream");
	for (unsigned i = 0; i < collector_requests(c); i++) {
		const struct collector_request *r = collector_request(c, i);

		assert_memory_equal(r->head, "CONNECT collector.test:443 ", 27);
		collector_field(r, "Authorization", value, sizeof(value));
		assert_string_equal(value, "");
		collector_field(r, "X-Edgeprobe-Schema", value, sizeof(value));
		assert_string_equal(value, "");
	}
}

static void a_proxy_that_is_not_there(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = "https://collector.test/",
					   .ca_file = w->ca_path,
					   .proxy = "http://127.0.0.1:1" };

	post_add(&w->post, 3, "hello");
	post_start(&w->post, &o);
	await_trouble(w, "fault=proxy_down");
}

static void a_host_beside_the_proxy(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path,
					   .proxy = "http://127.0.0.1:1",
					   .no_proxy = "127.0.0.0/8" };

	serve(w, NULL, -1, 300);
	post_start(&w->post, &o);
	deliver_one(w, "");
}

static void a_circuit_that_is_not_there(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path,
					   .source = "192.0.2.77" };

	serve(w, NULL, -1, 300);
	post_add(&w->post, 3, "hello");
	post_start(&w->post, &o);
	await_trouble(w, "source=192.0.2.77 why=EADDRNOTAVAIL "
			 "fault=circuit_gone");
	assert_int_equal(web_server_connections(w->server), 0);
}

static void a_circuit_is_what_it_leaves_by(void **state)
{
	struct world *w = *state;
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path,
					   .source = "lo" };

	serve(w, NULL, -1, 300);
	post_start(&w->post, &o);
	deliver_one(w, "");
}

/* libcurl knows both addresses of this name. */
static void a_circuit_of_one_family(void **state)
{
	struct world *w = *state;
	const struct web_server_options server = { .ca = w->ca,
						   .names = "DNS:localhost",
						   .from_days = -1,
						   .to_days = 300 };
	const struct deliver_options o = { .url = w->url,
					   .ca_file = w->ca_path,
					   .source = "127.0.0.1" };

	w->server = web_server_start(&server);
	snprintf(w->url, sizeof(w->url), "https://localhost:%u/status/204",
		 web_server_port(w->server));
	post_start(&w->post, &o);
	deliver_one(w, "");
	web_server_stop(w->server);
	w->server = NULL;
	post_add(&w->post, 3, "hello");
	deliver_poke(w->post.deliver);
	await_trouble(w, "fault=collector_down");
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(without_a_certificate_it_is_said_so),
		LOOP_TEST(a_certificate_of_others_is_refused),
		LOOP_TEST(another_certificate_has_another_connection),
		LOOP_TEST(who_is_trusted_no_more_gets_nothing),
		LOOP_TEST(what_ends_soon_is_a_row),
		LOOP_TEST(proxies_that_refuse),
		LOOP_TEST(a_password_is_read_again),
		LOOP_TEST(a_proxy_that_is_not_there),
		LOOP_TEST(a_host_beside_the_proxy),
		LOOP_TEST(a_circuit_that_is_not_there),
		LOOP_TEST(a_circuit_is_what_it_leaves_by),
		LOOP_TEST(a_circuit_of_one_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
