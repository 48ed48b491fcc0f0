/* A circuit is filled with a download, now and then. */
#include "base/buf.h"
#include "edgeprobe/private/curl_loop.h"
#include "lib/web_server.h"
#include "load_test.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOADS_MAX 8
#define S         UINT64_C(1000000000)

struct world {
	uv_loop_t loop;
	struct web_server *server;
	struct config config;
	struct config_circuit circuits[3];
	struct load_test *test;
	char url[128];
	struct {
		size_t circuit;
		uint64_t since_ns, until_ns;
	} loads[LOADS_MAX];
	unsigned n_loads;
	struct buf rows;
	unsigned n_rows, wanted;
};

static void on_load(size_t i, uint64_t since_ns, uint64_t until_ns, void *arg)
{
	struct world *w = arg;

	assert_true(w->n_loads < LOADS_MAX);
	w->loads[w->n_loads].circuit = i;
	w->loads[w->n_loads].since_ns = since_ns;
	w->loads[w->n_loads++].until_ns = until_ns;
}

static void on_row(const char *body, void *arg)
{
	struct world *w = arg;

	buf_printf(&w->rows, "{%s}\n", body);
	if (++w->n_rows == w->wanted)
		uv_stop(&w->loop);
}

static int setup(void **state)
{
	static const struct web_server_options options = { 0 };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	curl_loop_global();
	uv_loop_init(&w->loop);
	buf_init(&w->rows, 65536);
	w->server = web_server_start(&options);
	w->config.circuits = w->circuits;
	w->config.load.url = w->url;
	w->config.load.interval_ns = 50000000;
	w->config.load.duration_ns = 100000000;
	w->config.load.max_size = UINT64_C(1) << 40;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	load_test_close(w->test);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	web_server_stop(w->server);
	buf_finish(&w->rows);
	free(w);
	return 0;
}

static void run(struct world *w, const char *path, unsigned rows)
{
	struct load_test_options options = { &w->config, on_load, on_row, w };
	struct ep_err err = { 0 };

	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u%s",
		 web_server_port(w->server), path);
	w->wanted = rows;
	assert_int_equal(load_test_open(&w->loop, &options, &w->test, &err), 0);
	assert_non_null(w->test);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_true(w->n_rows >= rows);
}

static void nothing_is_downloaded_unasked(void **state)
{
	struct world *w = *state;
	struct load_test_options options = { &w->config, on_load, on_row, w };
	struct ep_err err = { 0 };

	w->config.load.url = NULL;
	assert_int_equal(load_test_open(&w->loop, &options, &w->test, &err), 0);
	assert_null(w->test);
}

static void a_test_ends_when_its_time_is_over(void **state)
{
	struct world *w = *state;

	run(w, "/endless", 1);
	assert_int_equal(w->n_loads, 2);
	assert_int_equal(w->loads[0].circuit, 0); /* of none */
	assert_true(w->loads[0].until_ns == UINT64_MAX);
	assert_true(w->loads[1].until_ns - w->loads[1].since_ns >= 99000000);
	assert_int_equal(web_server_requests(w->server), 1);
	/* By its own clock, and not by that of making a connection. */
	assert_true(w->loads[1].until_ns - w->loads[1].since_ns < 10 * S);
	assert_null(strstr(w->rows.data, "failure"));
	assert_null(strstr(w->rows.data, "circuit"));
	assert_non_null(strstr(w->rows.data, "{\"part\":\"load\",\"period_us"));
}

static void or_its_bytes(void **state)
{
	struct world *w = *state;
	unsigned long long bytes = 0;
	const char *found;

	w->config.load.max_size = 300000; /* more than one answer has */
	w->config.load.duration_ns = UINT64_C(60000000000);
	run(w, "/big", 1);
	found = strstr(w->rows.data, "\"bytes\":");
	assert_non_null(found);
	bytes = strtoull(found + strlen("\"bytes\":"), NULL, 10);
	assert_in_range(bytes, 300000, 600000);
	assert_true(web_server_requests(w->server) >= 2);
	assert_null(strstr(w->rows.data, "failure"));
}

static void an_error_is_no_load(void **state)
{
	struct world *w = *state;

	run(w, "/status/500", 1);
	assert_int_equal(w->n_loads, 0);
	assert_non_null(strstr(w->rows.data, "\"bytes\":0,\"failure\":\""));
}

static void a_small_object_is_no_load(void **state)
{
	struct world *w = *state;

	run(w, "/", 1); /* a login page, say */
	assert_int_equal(web_server_requests(w->server), 1);
	assert_non_null(
		strstr(w->rows.data, "\"failure\":\"the object is smaller"));
}

static void circuits_come_one_after_the_other_but_for_metered_ones(void **state)
{
	struct world *w = *state;

	w->circuits[0] =
		(struct config_circuit){ .name = (char *)"fibre",
					 .source = (char *)"127.0.0.2" };
	w->circuits[1] = (struct config_circuit){ .name = (char *)"lte",
						  .budget = 1000000 };
	w->circuits[2] =
		(struct config_circuit){ .name = (char *)"gone",
					 .source = (char *)"192.0.2.1" };
	w->config.n_circuits = 3;
	run(w, "/endless", 2);
	assert_int_equal(w->n_loads, 2);
	assert_int_equal(w->loads[0].circuit, 0);
	assert_int_equal(w->loads[1].circuit, 0);
	assert_non_null(strstr(w->rows.data, "\"circuit\":\"fibre\","));
	assert_null(strstr(w->rows.data, "lte"));
	assert_non_null(strstr(w->rows.data,
			       "\"circuit\":\"gone\",\"period_us\":0,"
			       "\"bytes\":0,\"failure\""));
}

static void it_can_be_closed_at_any_time(void **state)
{
	struct world *w = *state;
	struct load_test_options options = { &w->config, on_load, on_row, w };
	struct ep_err err = { 0 };

	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u/hang",
		 web_server_port(w->server));
	assert_int_equal(load_test_open(&w->loop, &options, &w->test, &err), 0);
	while (web_server_requests(w->server) == 0)
		uv_run(&w->loop, UV_RUN_ONCE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_downloaded_unasked),
		TEST(a_test_ends_when_its_time_is_over),
		TEST(or_its_bytes),
		TEST(an_error_is_no_load),
		TEST(a_small_object_is_no_load),
		TEST(circuits_come_one_after_the_other_but_for_metered_ones),
		TEST(it_can_be_closed_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
