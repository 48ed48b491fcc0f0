/* What may be a destination, directories as destinations, TLS. */
#include "delivery/framing.h"
#include "edgeprobe/clock.h"
#include "lib/collector.h"
#include "lib/post.h"
#include "lib/web_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* --- deliver_check() --- */

static int check_url(const char *url)
{
	struct deliver_options o = { .name = "hq", .url = url };
	struct ep_err err = { 0 };
	int r = deliver_check(&o, &err);

	if (r < 0) {
		assert_non_null(strstr(err.text, "destination \"hq\": "));
		assert_non_null(strstr(err.text, "allowed are"));
	}
	return r;
}

static void urls_that_may_be_used(void **state)
{
	static const char *const good[] = {
		"https://telemetry.example.com/ingest?x=y",
		"https://192.0.2.1:8443/",
		"HTTPS://telemetry.example.com",
		"https://[2001:db8::1]/",
		"http://localhost:8123/",
		"http://127.0.0.1/",
		"http://127.8.9.10:1/",
		"http://[::1]:4318/v1/logs",
		"file:///var/lib/edgeprobe/batches/",
		"file:///x",
	};
	static const char *const bad[] = {
		"",
		"telemetry.example.com",
		"/var/lib",
		"http://telemetry.example.com/",
		"http://192.0.2.1/",
		"http://127.0.0.1.example.com/",
		"http://localhost.example.com/",
		"http://[::2]/",
		"http://0.0.0.0/",
		"https://user:secret@telemetry.example.com/",
		"https://user@telemetry.example.com/",
		"https://",
		"https:///ingest",
		"https://a b/",
		"https://a/\r\nX: y",
		"https://host:99999/",
		"ftp://127.0.0.1/",
		"file://host/x",
		"file:relative",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (check_url(good[i]) != 0)
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (check_url(bad[i]) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
}

static void other_options_are_checked(void **state)
{
	char name[100];
	const struct deliver_options bad[] = {
		{ .name = NULL },
		{ .name = "" },
		{ .name = name },
		{ .name = "hq", .encoding = "xml" },
		{ .name = "hq", .max_rows = 1000001 },
		{ .name = "hq", .max_bytes = 64000001 },
		{ .name = "hq", .interval_ns = 86401 * EP_NS_PER_S },
		{ .name = "hq", .timeout_ns = 86401 * EP_NS_PER_S },
		{ .name = "hq", .proxy = "socks5://127.0.0.1" },
		{ .name = "hq", .proxy = "proxy:3128" },
		{ .name = "hq", .url = "file:///x", .proxy = "http://p:1" },
		{ .name = "hq", .url = "file:///x", .token_file = "/t" },
	};

	(void)state;
	memset(name, 'n', 99);
	name[99] = '\0';
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct deliver_options o = bad[i];
		struct ep_err err = { 0 };

		o.url = o.url ? o.url : "https://telemetry.example.com/";
		if (deliver_check(&o, &err) != -EINVAL)
			fail_msg("case %zu is taken", i);
		assert_non_null(strstr(err.text, "destination"));
	}
}

static void encodings_are_checked(void **state)
{
	static const struct {
		const char *encoding, *url, *token_file, *said;
	} cases[] = {
		{ "otlp-json", "https://otel/v1/logs", NULL, NULL },
		{ "otlp-json", "https://otel/v1/metrics?x", NULL, NULL },
		{ "otlp-json", "https://otel/", NULL, "otlp-metrics" },
		{ "otlp-json", "file:///v1/logs/", NULL, "otlp-logs" },
		{ "otlp-logs", "https://otel/", NULL, NULL },
		{ "otlp-metrics", "file:///x/", NULL, NULL },
		{ "elastic-bulk", "https://es/edgeprobe/_bulk", NULL, NULL },
		{ "splunk-hec", "https://s/", "/t", NULL },
		{ "splunk-hec", "https://s/", NULL, "needs token_file" },
		{ "splunk-hec", "file:///x/", NULL, NULL },
		{ "xml", "https://s/", NULL, FRAMING_NAMES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct deliver_options o = {
			.name = "hq",
			.url = cases[i].url,
			.encoding = cases[i].encoding,
			.token_file = cases[i].token_file,
		};
		struct ep_err err = { 0 };
		int r = deliver_check(&o, &err);

		assert_int_equal(r, cases[i].said ? -EINVAL : 0);
		if (cases[i].said && !strstr(err.text, cases[i].said))
			fail_msg("case %zu: %s", i, err.text);
	}
}

/* --- directories --- */

static char *read_file(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static unsigned count_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += strcmp(e->d_name, ".") != 0 &&
		     strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static unsigned count_rows(const char *text)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, ",\"seq\":")); at++)
		n++;
	return n;
}

static void each_batch_becomes_a_file(void **state)
{
	struct post *p = *state;
	char dir[128], url[160], path[512];
	struct deliver_options o = { .url = url, .max_rows = 20 };
	const char *text;

	snprintf(dir, sizeof(dir), "%s/out", p->dir);
	snprintf(url, sizeof(url), "file://%s/", dir);
	post_add(p, 30, "hello");
	post_start(p, &o);
	post_run_empty(p);
	assert_int_equal(count_files(dir), 2);
	snprintf(path, sizeof(path),
		 "%s/ams-01-%s-00000000000000000001-20.ndjson", dir,
		 store_epoch(p->store));
	text = read_file(path);
	assert_int_equal(count_rows(text), 20);
	assert_int_equal(text[strlen(text) - 1], '\n');
	snprintf(path, sizeof(path),
		 "%s/ams-01-%s-00000000000000000021-30.ndjson", dir,
		 store_epoch(p->store));
	assert_int_equal(count_rows(read_file(path)), 10);
}

static void a_file_says_its_form_in_its_name(void **state)
{
	struct post *p = *state;
	char url[160], path[512];
	struct deliver_options o = {
		.url = url,
		.encoding = "json-array",
		.gzip = true,
	};

	snprintf(url, sizeof(url), "file://%s/out", p->dir);
	post_add(p, 3, "hello");
	post_start(p, &o);
	post_run_empty(p);
	snprintf(path, sizeof(path),
		 "%s/out/ams-01-%s-00000000000000000001-3.json.gz", p->dir,
		 store_epoch(p->store));
	assert_memory_equal(read_file(path), "\x1f\x8b", 2);
}

static bool refused_thrice(struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return facts.refused >= 3;
}

static void a_directory_that_is_none_holds_the_data(void **state)
{
	struct post *p = *state;
	char dir[128], url[160];
	struct deliver_options o = { .url = url };
	struct deliver_facts facts;
	int fd;

	snprintf(dir, sizeof(dir), "%s/out", p->dir);
	snprintf(url, sizeof(url), "file://%s/", dir);
	fd = open(dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	post_add(p, 30, "hello");
	post_start(p, &o);
	post_run(p, refused_thrice);
	deliver_facts(p->deliver, &facts);
	assert_int_equal(facts.backlog_rows, 30);
	assert_non_null(strstr(facts.trouble, "error=ENOTDIR"));
	assert_int_equal(unlink(dir), 0);
	post_run_empty(p);
	assert_int_equal(count_files(dir), 1);
}

/* The rename cannot be done; no part of a file is left behind. */
static void a_name_that_is_taken_holds_the_data(void **state)
{
	struct post *p = *state;
	char dir[128], url[160], path[512];
	struct deliver_options o = { .url = url };

	snprintf(dir, sizeof(dir), "%s/out", p->dir);
	snprintf(url, sizeof(url), "file://%s/", dir);
	snprintf(path, sizeof(path),
		 "%s/ams-01-%s-00000000000000000001-30.ndjson", dir,
		 store_epoch(p->store));
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	post_add(p, 30, "hello");
	post_start(p, &o);
	post_run(p, refused_thrice);
	assert_int_equal(post_backlog(p->deliver), 30);
	post_stop(p, p->deliver);
	assert_int_equal(count_files(dir), 1);
	assert_int_equal(rmdir(path), 0);
	post_start(p, &o);
	post_run_empty(p);
	assert_int_equal(count_files(dir), 1);
	assert_int_equal(count_rows(read_file(path)), 30);
}

static void closing_while_a_file_is_written(void **state)
{
	struct post *p = *state;
	char url[160];
	struct deliver_options o = { .url = url };

	snprintf(url, sizeof(url), "file://%s/out", p->dir);
	post_add(p, 2000, "hello");
	post_start(p, &o);
	/* At any point of it: the loop is turned once more each time. */
	for (unsigned turns = 1; turns < 6; turns++) {
		for (unsigned i = 0; i < turns; i++)
			uv_run(&p->loop, UV_RUN_NOWAIT);
		post_stop(p, p->deliver);
		post_start(p, &o);
	}
	post_run_empty(p);
}

/* --- TLS --- */

static bool has_failed(struct post *p)
{
	struct deliver_facts facts;

	deliver_facts(p->deliver, &facts);
	return facts.trouble[0] != '\0';
}

/* Start against `server`; trouble that begins with `wanted`, NULL: none. */
static void expect_tls(struct post *p, const struct web_server *server,
		       const char *ca_file, const char *wanted)
{
	char url[64];
	struct deliver_options o = { .url = url, .ca_file = ca_file };
	struct deliver_facts facts;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/status/204",
		 web_server_port(server));
	post_add(p, 3, "hello");
	post_start(p, &o);
	if (wanted) {
		post_run(p, has_failed);
		deliver_facts(p->deliver, &facts);
		assert_memory_equal(facts.trouble, wanted, strlen(wanted));
		assert_int_equal(facts.batches, 0);
	} else {
		post_run_empty(p);
	}
	post_stop(p, p->deliver);
}

static void only_a_trusted_name_gets_the_data(void **state)
{
	struct post *p = *state;
	char pem[128];
	struct web_server_options o = { .names = "IP:127.0.0.1",
					.from_days = -1,
					.to_days = 30 };
	struct web_server *server;

	snprintf(pem, sizeof(pem), "%s/ca.pem", p->dir);
	o.ca = web_ca_create("edgeprobe test", pem);
	server = web_server_start(&o);
	expect_tls(p, server, NULL, "error=tls");
	assert_int_equal(web_server_requests(server), 0);
	expect_tls(p, server, "/nonexistent/ca.pem", "error=tls");
	expect_tls(p, server, pem, NULL);
	assert_true(web_server_requests(server) >= 1);
	web_server_stop(server);

	o.names = "DNS:telemetry.example.com";
	server = web_server_start(&o);
	expect_tls(p, server, pem, "error=tls");
	assert_int_equal(web_server_requests(server), 0);
	web_server_stop(server);
	web_ca_destroy(o.ca);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_that_may_be_used),
		cmocka_unit_test(other_options_are_checked),
		cmocka_unit_test(encodings_are_checked),
		LOOP_TEST(each_batch_becomes_a_file),
		LOOP_TEST(a_file_says_its_form_in_its_name),
		LOOP_TEST(a_directory_that_is_none_holds_the_data),
		LOOP_TEST(a_name_that_is_taken_holds_the_data),
		LOOP_TEST(closing_while_a_file_is_written),
		LOOP_TEST(only_a_trusted_name_gets_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
