/* The resolver against a name server that others wrote: unbound, in a network
 * namespace of our own. */
#include "../lib/own_net.h"
#include "core/engine_i.h"
#include "core/resolve.h"
#include "edgeprobe/clock.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/edgeprobe-unbound-XXXXXX";
static char config[64];
static pid_t unbound;

static const char *const head =
	"server:\n"
	"  interface: 127.0.0.1\n"
	"  username: \"\"\n"
	"  chroot: \"\"\n"
	"  pidfile: \"\"\n"
	"  do-daemonize: no\n"
	"  use-syslog: no\n"
	"  num-threads: 1\n"
	"  local-zone: \"refused.test.\" refuse\n"
	"  local-zone: \"lab.test.\" static\n"
	"  local-data: \"web.lab.test. 30 IN A 192.0.2.10\"\n"
	"  local-data: \"web.lab.test. 30 IN AAAA 2001:db8::10\"\n"
	"  local-data: \"four.lab.test. 30 IN A 192.0.2.4\"\n"
	"  local-data: \"never.lab.test. 0 IN A 192.0.2.5\"\n";

static void write_config(void)
{
	FILE *f;

	snprintf(config, sizeof(config), "%s/unbound.conf", directory);
	f = fopen(config, "w");
	assert_non_null(f);
	assert_true(fputs(head, f) >= 0);
	for (unsigned i = 1; i <= 60; i++) /* too many for 512 bytes */
		fprintf(f,
			"  local-data: \"many.lab.test. 30 IN A 10.0.0.%u\"\n",
			i);
	assert_int_equal(fclose(f), 0);
}

/* The server listens: a connection is accepted. */
static int is_up(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(53),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r = connect(fd, (struct sockaddr *)&a, sizeof(a));

	close(fd);
	return r == 0;
}

static int start_unbound(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	write_config();
	own_net_enter(0);
	unbound = fork();
	assert_true(unbound >= 0);
	if (unbound == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		execlp("unbound", "unbound", "-d", "-c", config, (char *)NULL);
		execl("/usr/sbin/unbound", "unbound", "-d", "-c", config,
		      (char *)NULL);
		_exit(127);
	}
	while (!is_up()) {
		if (waitpid(unbound, NULL, WNOHANG) != 0)
			fail_msg("unbound does not run; is it installed?");
		poll(NULL, 0, 10);
	}
	return 0;
}

static int stop_unbound(void **state)
{
	(void)state;
	kill(unbound, SIGTERM);
	waitpid(unbound, NULL, 0);
	unlink(config);
	rmdir(directory);
	return 0;
}

struct ask {
	struct resolve_query query;
	uv_loop_t *loop;
	int done;
};

static void on_answer(struct resolve_query *query)
{
	struct ask *a = container_of(query, struct ask, query);

	a->done = 1;
	uv_stop(a->loop);
}

static void answers_as_configured(void **state)
{
	static const struct {
		const char *host;
		int family;
		const char *reason, *address;
	} rows[] = {
		{ "web.lab.test", 4, "", "192.0.2.10" },
		{ "web.lab.test", 6, "", "2001:db8::10" },
		{ "WEB.lab.test.", 4, "", "192.0.2.10" },
		{ "four.lab.test", 0, "", "192.0.2.4" },
		{ "never.lab.test", 4, "", "192.0.2.5" },
		{ "many.lab.test", 4, "", NULL },
		{ "four.lab.test", 6, "dns_nodata", "" },
		{ "none.lab.test", 4, "dns_nxdomain", "" },
		{ "none.lab.test", 0, "dns_nxdomain", "" },
		{ "any.refused.test", 4, "dns_refused", "" },
	};
	struct ep_engine_options options = { .dns_servers = "127.0.0.1" };
	struct ep_engine *engine;
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(ep_engine_open(&loop, &options, &engine, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ask a = { .query = { .cb = on_answer }, .loop = &loop };
		char text[EP_ADDRESS_TEXT_MAX];
		int r = resolve_start(engine->resolve, &a.query, rows[i].host,
				      rows[i].family);

		engine_arm(engine);
		while (r == 0 && !a.done)
			uv_run(&loop, UV_RUN_ONCE);
		assert_string_equal(ep_reason_name(a.query.answer.reason),
				    rows[i].reason);
		ep_address_format(&a.query.answer.address, text, sizeof(text));
		if (rows[i].address != NULL)
			assert_string_equal(text, rows[i].address);
	}
	ep_engine_close(engine, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_configured),
	};

	return cmocka_run_group_tests(tests, start_unbound, stop_unbound);
}
