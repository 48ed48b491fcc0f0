#include "lib/stun_world.h"
#include "core/stun_wire.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void told(struct stun_world *w)
{
	if (w->answers + w->lates >= w->wanted)
		uv_stop(&w->loop);
}

static void on_answer(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct stun_world *w = arg;
	void (*then)(struct stun_world * w) = w->then;

	(void)target;
	w->last = *sample;
	w->answers++;
	w->then = NULL;
	if (then != NULL)
		then(w);
	told(w);
}

static void on_late(const struct ep_sample *sample, void *arg)
{
	struct stun_world *w = arg;

	w->last_late = *sample;
	w->lates++;
	told(w);
}

static int listen_on(const char *address)
{
	struct ep_address a;
	union ep_sockaddr name;
	socklen_t size;
	int fd;

	assert_int_equal(ep_address_parse(address, &a), 0);
	size = ep_address_to_sockaddr(&a, 0, &name);
	fd = socket(name.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &name.sa, size), 0);
	return fd;
}

static uint16_t port_of(int fd)
{
	union ep_sockaddr name;
	socklen_t size = sizeof(name);

	assert_int_equal(getsockname(fd, &name.sa, &size), 0);
	return ntohs(name.in4.sin_port); /* at the same place in both */
}

void stun_world_aim(struct stun_world *w, const char *address)
{
	if (w->server >= 0)
		close(w->server);
	w->server = listen_on(address);
	w->target.host = address;
	w->target.port = port_of(w->server);
}

int stun_world_open(void **state)
{
	struct stun_world *w = calloc(1, sizeof(*w));
	struct ep_engine_options options = { 0 };
	struct ep_err err = { 0 };

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, &options, &w->engine, &err),
			 0);
	ep_engine_on_late(w->engine, on_late, w);
	w->target.kind = ep_kind_find("stun");
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	w->target.flow = 42;
	w->server = -1;
	stun_world_aim(w, "127.0.0.1");
	*state = w;
	return 0;
}

int stun_world_close(void **state)
{
	struct stun_world *w = *state;

	if (w->engine != NULL)
		ep_engine_close(w->engine, NULL, NULL);
	w->wanted = UINT32_MAX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	close(w->server);
	free(w);
	return 0;
}

struct ep_probe *stun_world_start(struct stun_world *w)
{
	struct ep_probe *probe;

	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_answer, w, &probe),
		0);
	return probe;
}

void stun_world_wait(struct stun_world *w, unsigned n)
{
	w->wanted = w->answers + w->lates + n;
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

void stun_world_hear(const struct stun_world *w, struct stun_request *r)
{
	struct pollfd server = { .fd = w->server, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&server, 1, 5000), 1);
	r->from_size = sizeof(r->from);
	n = recvfrom(w->server, r->bytes, sizeof(r->bytes), 0, &r->from.sa,
		     &r->from_size);
	assert_int_equal(n, STUN_REQUEST_BYTES);
	r->n = (size_t)n;
}

void stun_world_say(const struct stun_world *w, const struct stun_request *to,
		    const uint8_t *bytes, size_t n)
{
	assert_int_equal(
		sendto(w->server, bytes, n, 0, &to->from.sa, to->from_size), n);
}

/* The answer of a server that knows where the request came from. */
static size_t compose(const struct stun_request *r, uint8_t *bytes)
{
	struct ep_address from = ep_address_from_sockaddr(&r->from.sa);
	size_t size = from.family == 4 ? 4 : 16;
	uint16_t port = r->from.in4.sin_port;

	memcpy(bytes, r->bytes, STUN_REQUEST_BYTES);
	bytes[0] = 1;
	bytes[3] = (uint8_t)(8 + size);
	memcpy(bytes + 20, "\0\x20\0\0\0\0\0\0", 8);
	bytes[23] = (uint8_t)(4 + size);
	bytes[25] = from.family == 4 ? 1 : 2;
	memcpy(bytes + 26, &port, 2);
	memcpy(bytes + 28, from.bytes, size);
	for (size_t i = 0; i < 2; i++)
		bytes[26 + i] ^= bytes[4 + i];
	for (size_t i = 0; i < size; i++)
		bytes[28 + i] ^= bytes[4 + i];
	return 28 + size;
}

void stun_world_answer(const struct stun_world *w, const struct stun_request *r)
{
	uint8_t bytes[64];

	stun_world_say(w, r, bytes, compose(r, bytes));
}

uint16_t stun_world_port_from(const struct stun_request *r)
{
	return ntohs(r->from.in4.sin_port);
}

/* One probe that is answered; the port that it came from. */
uint16_t stun_world_measure(struct stun_world *w)
{
	struct stun_request r;

	stun_world_start(w);
	stun_world_hear(w, &r);
	stun_world_answer(w, &r);
	stun_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	return stun_world_port_from(&r);
}

/* The kernel begins to stamp what comes some time after it was first asked to. */
uint16_t stun_world_measure_stamped(struct stun_world *w)
{
	uint16_t port = 0;

	for (int i = 0; i < 1000; i++) {
		port = stun_world_measure(w);
		if (w->last.stamp == EP_STAMP_KERNEL)
			break;
		assert_int_equal(w->last.stamp, EP_STAMP_MIXED);
	}
	return port;
}
