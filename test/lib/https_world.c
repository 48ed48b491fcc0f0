#include "lib/https_world.h"
#include "edgeprobe/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Ample for loopback under sanitizers, and never waited for but in the tests
 * of silence, which set their own. */
#define TIMEOUT_NS (20 * EP_NS_PER_S)

void https_on_sample(const struct ep_target *target,
		     const struct ep_sample *sample, void *arg)
{
	struct https_world *w = arg;

	(void)target;
	w->got = *sample;
	w->n++;
	uv_stop(&w->loop);
	if (w->then != NULL)
		w->then(w);
}

static void on_closed(void *arg)
{
	((struct https_world *)arg)->closed++;
}

void https_open(struct https_world *w, const char *ca_path)
{
	struct ep_engine_options o = { .ca_file = ca_path,
				       .user_agent = "probe-test/1" };
	struct ep_err err = { 0 };

	if (ep_engine_open(&w->loop, &o, &w->engine, &err) < 0)
		fail_msg("%s", err.text);
}

void https_close(struct https_world *w)
{
	struct ep_engine *engine = w->engine;

	w->engine = NULL;
	ep_engine_close(engine, on_closed, w);
}

void https_make_path(char *ret_path, size_t size)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(ret_path, size, "%s/edgeprobe-ca-XXXXXX",
		 dir != NULL && strlen(dir) < 32 ? dir : "/tmp");
	fd = mkstemp(ret_path);
	assert_true(fd >= 0);
	close(fd);
}

int https_set_up(void **state)
{
	struct https_world *w = test_calloc(1, sizeof(*w));

	https_make_path(w->ca_path, sizeof(w->ca_path));
	w->ca = web_ca_create(AUTHORITY, w->ca_path);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	https_open(w, w->ca_path);
	*state = w;
	return 0;
}

int https_tear_down(void **state)
{
	struct https_world *w = *state;

	if (w->engine != NULL)
		https_close(w);
	assert_int_equal(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(w->closed, 1);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	web_ca_destroy(w->ca);
	unlink(w->ca_path);
	test_free(w);
	return 0;
}

struct web_server *https_serve(struct https_world *w, const char *address,
			       const char *names)
{
	return web_server_start(&(struct web_server_options){
		.address = address,
		.ca = w->ca,
		.names = names,
		.from_days = -1,
		.to_days = 9,
	});
}

struct ep_target https_target(const char *host, uint16_t port, const char *path)
{
	return (struct ep_target){ .kind = ep_kind_find("https"),
				   .host = host,
				   .port = port,
				   .path = path,
				   .timeout_ns = TIMEOUT_NS };
}

void https_start(struct https_world *w, const struct ep_target *target)
{
	unsigned before = w->n;

	assert_int_equal(
		ep_probe_start(w->engine, target, 0, https_on_sample, w, NULL),
		0);
	assert_int_equal(w->n, before);
}

void https_wait(struct https_world *w, unsigned n)
{
	while (w->n < n)
		uv_run(&w->loop, UV_RUN_DEFAULT);
}

const struct ep_sample *https_measure(struct https_world *w,
				      const struct ep_target *target)
{
	unsigned before = w->n;

	https_start(w, target);
	https_wait(w, before + 1);
	return &w->got;
}

const struct ep_sample *https_ask(struct https_world *w, const char *path)
{
	struct web_server *s = https_serve(w, NULL, NAMES);
	struct ep_target t =
		https_target("127.0.0.1", web_server_port(s), path);
	const struct ep_sample *got = https_measure(w, &t);

	web_server_stop(s);
	return got;
}

void expect_outcome(const struct ep_sample *got, enum ep_outcome outcome,
		    enum ep_reason reason)
{
	assert_string_equal(ep_outcome_name(got->outcome),
			    ep_outcome_name(outcome));
	assert_string_equal(ep_reason_name(got->reason),
			    ep_reason_name(reason));
}

/* The handshake was measured, whatever came after it. */
void expect_handshake(const struct ep_sample *got)
{
	assert_true(got->rtt_ns > 0 && got->rtt_ns < INT64_C(1000000000));
	assert_int_equal(got->stamp, EP_STAMP_KERNEL);
	assert_int_equal(got->retransmits, 0);
	assert_true(got->uncertainty_ns > 0);
	assert_true(got->https.connect_ns > 0);
}

void expect_whole(const struct ep_sample *got)
{
	const struct ep_https *h = &got->https;

	expect_handshake(got);
	assert_true(h->tls_ns > 0);
	assert_true(h->first_byte_ns > 0);
	assert_true(h->total_ns >=
		    h->connect_ns + h->tls_ns + h->first_byte_ns);
}
