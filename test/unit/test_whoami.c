/* Which name server asks for a circuit, of real ones. */
#include "lib/dns_server.h"
#include "whoami.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct config config;
	struct config_circuit lines[3];
	uv_loop_t loop;
	struct whoami *whoami;
	unsigned wanted; /* answers, then it is closed */
	char text[512];
};

static void on_address(size_t i, const struct ep_address *address, void *arg)
{
	char text[EP_ADDRESS_TEXT_MAX];
	struct world *w = arg;
	size_t len = strlen(w->text);

	snprintf(w->text + len, sizeof(w->text) - len, "%zu %s\n", i,
		 ep_address_format(address, text, sizeof(text)));
	if (--w->wanted == 0)
		uv_stop(&w->loop);
}

static void begin(struct world *w, const char *servers)
{
	memset(w, 0, sizeof(*w));
	w->config.dns_whoami = (char *)"whoami.example.com";
	w->config.dns_timeout_ns = UINT64_C(20000000000);
	w->config.dns_servers = (char *)(uintptr_t)servers;
	w->config.circuits = w->lines;
	assert_int_equal(uv_loop_init(&w->loop), 0);
}

static void run(struct world *w, unsigned wanted)
{
	struct ep_err err = { 0 };

	w->wanted = wanted;
	assert_int_equal(whoami_open(&w->loop, &w->config, on_address, w,
				     &w->whoami, &err),
			 0);
	assert_non_null(w->whoami);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	whoami_close(w->whoami);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static struct dns_server *answering(const char *address)
{
	struct dns_server *server = dns_server_start("pool");

	dns_server_pool(server, address);
	return server;
}

static void a_branch_without_circuits_has_one(void **state)
{
	struct dns_server *server = answering("203.0.113.53");
	struct world w;

	(void)state;
	begin(&w, dns_server_name(server));
	run(&w, 1);
	assert_string_equal(w.text, "0 203.0.113.53\n");
	dns_server_stop(server);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Answers come in any order. */
static void expect_lines(char *text, const char *const *wanted, size_t n)
{
	char *lines[8], *rest = text;
	size_t have = 0;

	for (char *line; (line = strsep(&rest, "\n")) && *line;)
		lines[have++] = line;
	assert_int_equal(have, n);
	qsort(lines, n, sizeof(lines[0]), compare);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(lines[i], wanted[i]);
}

static void each_circuit_has_its_own_or_the_others(void **state)
{
	static const char *const wanted[] = { "0 203.0.113.53",
					      "1 2001:db8::53",
					      "2 203.0.113.53" };
	struct dns_server *all = answering("203.0.113.53");
	struct dns_server *own = answering("2001:db8::53");
	struct world w;

	(void)state;
	begin(&w, dns_server_name(all));
	w.config.n_circuits = 3;
	w.lines[1].dns = (char *)(uintptr_t)dns_server_name(own);
	w.lines[1].source = (char *)"127.0.0.1";
	run(&w, 3);
	expect_lines(w.text, wanted, 3);
	dns_server_stop(all);
	dns_server_stop(own);
}

/* Closing while one is silent ends everything, too. */
static void one_that_says_nothing_leaves_it_unknown(void **state)
{
	struct dns_server *all = answering("203.0.113.53");
	struct dns_server *silent = dns_server_start("silent");
	struct world w;

	(void)state;
	begin(&w, dns_server_name(all));
	w.config.n_circuits = 2;
	w.lines[1].dns = (char *)(uintptr_t)dns_server_name(silent);
	run(&w, 1);
	assert_string_equal(w.text, "0 203.0.113.53\n");
	dns_server_stop(all);
	dns_server_stop(silent);
}

static void nothing_is_asked_unless_it_is_configured(void **state)
{
	struct dns_server *server = answering("203.0.113.53");
	struct ep_err err = { 0 };
	struct world w;

	(void)state;
	begin(&w, dns_server_name(server));
	w.config.dns_whoami = NULL;
	assert_int_equal(whoami_open(&w.loop, &w.config, on_address, &w,
				     &w.whoami, &err),
			 0);
	assert_null(w.whoami);
	whoami_close(w.whoami);
	assert_int_equal(uv_loop_close(&w.loop), 0);
	assert_int_equal(dns_server_questions(server), 0);
	dns_server_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_branch_without_circuits_has_one),
		cmocka_unit_test(each_circuit_has_its_own_or_the_others),
		cmocka_unit_test(one_that_says_nothing_leaves_it_unknown),
		cmocka_unit_test(nothing_is_asked_unless_it_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
