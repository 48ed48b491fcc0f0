/* STUN probes to a server of the test's own, on loopback. A probe's request has
 * left when it has been started; what the server says is the test's choice. */
#include "core/stun_wire.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/probe.h"
#include "lib/own_net.h"
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

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	int server;
	unsigned answers, lates, wanted;
	struct ep_sample last, last_late;
	void (*then)(struct world *w); /* once, at the next answer */
};

/* By how much the engine's clock is ahead. */
static uint64_t ahead_ns;

uint64_t __real_ep_clock_mono_ns(void);
uint64_t __wrap_ep_clock_mono_ns(void);
uint64_t __wrap_ep_clock_mono_ns(void)
{
	return __real_ep_clock_mono_ns() + ahead_ns;
}

/* A request as the server got it. */
struct request {
	uint8_t bytes[64];
	size_t n;
	union ep_sockaddr from;
	socklen_t from_size;
};

static void told(struct world *w)
{
	if (w->answers + w->lates >= w->wanted)
		uv_stop(&w->loop);
}

static void on_answer(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct world *w = arg;
	void (*then)(struct world * w) = w->then;

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
	struct world *w = arg;

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

static void aim(struct world *w, const char *address)
{
	if (w->server >= 0)
		close(w->server);
	w->server = listen_on(address);
	w->target.host = address;
	w->target.port = port_of(w->server);
}

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
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
	aim(w, "127.0.0.1");
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	if (w->engine != NULL)
		ep_engine_close(w->engine, NULL, NULL);
	w->wanted = UINT32_MAX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	close(w->server);
	free(w);
	return 0;
}

static struct ep_probe *start(struct world *w)
{
	struct ep_probe *probe;

	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_answer, w, &probe),
		0);
	return probe;
}

static void wait_for(struct world *w, unsigned n)
{
	w->wanted = w->answers + w->lates + n;
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

static void hear(const struct world *w, struct request *r)
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

static void say(const struct world *w, const struct request *to,
		const uint8_t *bytes, size_t n)
{
	assert_int_equal(
		sendto(w->server, bytes, n, 0, &to->from.sa, to->from_size), n);
}

/* The answer of a server that knows where the request came from. */
static size_t compose(const struct request *r, uint8_t *bytes)
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

static void answer(const struct world *w, const struct request *r)
{
	uint8_t bytes[64];

	say(w, r, bytes, compose(r, bytes));
}

static uint16_t port_from(const struct request *r)
{
	return ntohs(r->from.in4.sin_port);
}

/* One probe that is answered; the port that it came from. */
static uint16_t measure(struct world *w)
{
	struct request r;

	start(w);
	hear(w, &r);
	answer(w, &r);
	wait_for(w, 1);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	return port_from(&r);
}

/* The kernel begins to stamp what comes some time after it was first asked to. */
static uint16_t measure_stamped(struct world *w)
{
	uint16_t port = 0;

	for (int i = 0; i < 1000; i++) {
		port = measure(w);
		if (w->last.stamp == EP_STAMP_KERNEL)
			break;
		assert_int_equal(w->last.stamp, EP_STAMP_MIXED);
	}
	return port;
}

static void a_binding_is_measured_between_kernel_stamps(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	struct world *w = *state;
	char text[EP_ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < 2; i++) {
		uint16_t port;

		aim(w, hosts[i]);
		port = measure_stamped(w);
		assert_int_equal(w->last.stamp, EP_STAMP_KERNEL);
		assert_true(w->last.rtt_ns > 0);
		assert_int_equal(w->last.ttl, 64);
		assert_int_equal(w->last.port, w->target.port);
		assert_int_equal(w->last.mapped_port, port);
		assert_string_equal(
			ep_address_format(&w->last.mapped, text, sizeof(text)),
			hosts[i]);
		assert_int_equal(w->last.flags, 0);
	}
}

static void a_flow_keeps_its_port_and_a_fresh_one_does_not(void **state)
{
	struct world *w = *state;
	uint16_t first = measure(w), other;

	for (int i = 0; i < 5; i++)
		assert_int_equal(measure(w), first);
	w->target.flow = 43;
	other = measure(w);
	assert_int_not_equal(other, first);
	w->target.fresh_flow = true;
	for (int i = 0; i < 5; i++) {
		uint16_t fresh = measure(w);

		assert_int_not_equal(fresh, first);
		assert_int_not_equal(fresh, other);
		assert_int_equal(w->last.flags, EP_FLAG_FRESH_FLOW);
	}
}

#define FLOWS 5

/* So much later that all flows that nobody waits for are to be closed. */
static void start_much_later(struct world *w)
{
	struct ep_probe *probe;

	assert_int_equal(w->last.outcome, EP_REPLIED);
	ahead_ns = 3600 * EP_NS_PER_S;
	probe = start(w);
	ahead_ns = 0;
	ep_probe_cancel(probe);
}

/* The deadline has passed before the answer was read: then all that has come is
 * read flow by flow, and a callback in the middle of that starts a probe. */
static void what_is_read_next_is_not_closed(void **state)
{
	struct world *w = *state;
	uint16_t ports[FLOWS];
	struct request r;
	uint64_t until_ns;

	for (unsigned i = 0; i < FLOWS; i++) {
		w->target.flow = 1 + i;
		ports[i] = measure_stamped(w);
	}
	w->target.flow = 1 + FLOWS / 2;
	w->target.timeout_ns = 20 * EP_NS_PER_MS;
	w->then = start_much_later;
	start(w);
	until_ns = ep_clock_mono_ns() + w->target.timeout_ns;
	hear(w, &r);
	answer(w, &r);
	while (ep_clock_mono_ns() <= until_ns)
		;
	wait_for(w, 2); /* and that the other one is cancelled */
	assert_null(w->then);
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	hear(w, &r); /* of the one that was cancelled */
	for (unsigned i = 0; i < FLOWS; i++) {
		w->target.flow = 1 + i;
		assert_int_equal(measure(w), ports[i]);
	}
}

/* A burst is on its way at once; answers come in another order. */
static void many_at_once_are_told_apart(void **state)
{
	struct request r[50];
	struct world *w = *state;

	for (size_t i = 0; i < 50; i++) {
		start(w);
		hear(w, &r[i]);
	}
	for (size_t i = 50; i-- > 0;)
		answer(w, &r[i]);
	wait_for(w, 50);
	assert_int_equal(w->answers, 50);
	assert_int_equal(w->last.outcome, EP_REPLIED);
}

static void a_forged_answer_is_nobodys(void **state)
{
	struct world *w = *state;
	struct request r, forged;
	uint8_t junk[1500] = "nothing of the kind";

	start(w);
	hear(w, &r);
	for (size_t at = 8; at < STUN_REQUEST_BYTES; at++) {
		forged = r;
		forged.bytes[at] ^= 1;
		answer(w, &forged);
	}
	say(w, &r, junk, sizeof(junk));
	say(w, &r, r.bytes, r.n);
	say(w, &r, junk, 0);
	answer(w, &r);
	wait_for(w, 1);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->lates, 0);
	assert_int_equal(w->last.outcome, EP_REPLIED);
}

static void a_refusal_is_a_round_trip(void **state)
{
	struct world *w = *state;
	struct request r;
	uint8_t bytes[32];

	start(w);
	hear(w, &r);
	memcpy(bytes, r.bytes, STUN_REQUEST_BYTES);
	memcpy(bytes, "\1\x11\0\x08", 4);
	memcpy(bytes + 20, "\0\x09\0\4\0\0\4\1", 8);
	say(w, &r, bytes, 28);
	wait_for(w, 1);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	assert_int_equal(w->last.mapped.family, 0);
	assert_true(w->last.rtt_ns > 0);
}

static void late_and_second_answers_are_told(void **state)
{
	struct world *w = *state;
	struct request r;

	w->target.timeout_ns = 20 * EP_NS_PER_MS;
	start(w);
	hear(w, &r);
	wait_for(w, 1);
	assert_int_equal(w->last.outcome, EP_LOST);
	assert_int_equal(w->last.reason, EP_REASON_TIMEOUT);
	answer(w, &r);
	wait_for(w, 1);
	assert_int_equal(w->lates, 1);
	assert_true(w->last_late.id == w->last.id);
	assert_true(w->last_late.rtt_ns > (int64_t)w->target.timeout_ns);
	assert_int_equal(w->last_late.mapped_port, port_from(&r));

	w->target.timeout_ns = 10 * EP_NS_PER_S;
	start(w);
	hear(w, &r);
	answer(w, &r);
	answer(w, &r);
	wait_for(w, 2);
	assert_int_equal(w->answers, 2);
	assert_int_equal(w->lates, 2);
	assert_int_equal(w->last_late.flags & EP_FLAG_DUPLICATE,
			 EP_FLAG_DUPLICATE);
}

static void where_nobody_listens_icmp_says_so(void **state)
{
	struct world *w = *state;
	unsigned wanted[] = { EP_UNREACHABLE, EP_UNREACHABLE };

	close(w->server);
	w->server = -1;
	/* the second send is told of the first one's error, and goes */
	for (size_t i = 0; i < 2; i++) {
		start(w);
		wait_for(w, 1);
		assert_int_equal(w->last.outcome, wanted[i]);
		assert_int_equal(w->last.reason, EP_REASON_PORT_UNREACHABLE);
	}
	aim(w, "127.0.0.1");
	measure(w);
}

static void it_leaves_by_its_source_or_not_at_all(void **state)
{
	static const char *const sources[] = { "192.0.2.77", "::1", "nosuch0" };
	struct world *w = *state;
	struct request r;

	w->target.source = "127.0.0.9";
	start(w);
	hear(w, &r);
	assert_int_equal(ntohl(r.from.in4.sin_addr.s_addr), 0x7f000009);
	answer(w, &r);
	wait_for(w, 1);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	for (size_t i = 0; i < 3; i++) {
		w->target.source = sources[i];
		start(w);
		wait_for(w, 1);
		assert_int_equal(w->last.outcome, EP_FAILED);
		assert_int_equal(w->last.reason, EP_REASON_NO_SOURCE);
	}
}

/* The answer comes when our own buffer is full: that is no loss. */
static void what_our_host_dropped_is_no_loss(void **state)
{
	static const uint8_t junk[1000];
	struct world *w = *state;
	struct request r;

	w->target.timeout_ns = 200 * EP_NS_PER_MS;
	start(w);
	hear(w, &r);
	for (int i = 0; i < 8000; i++)
		say(w, &r, junk, i < 7000 ? sizeof(junk) : 1);
	answer(w, &r);
	wait_for(w, 1);
	assert_int_equal(w->last.outcome, EP_FAILED);
	assert_int_equal(w->last.reason, EP_REASON_UNMEASURED);
}

static void cancelled_and_closed_while_under_way(void **state)
{
	struct world *w = *state;
	struct ep_probe *probe = start(w);
	struct request r;

	hear(w, &r);
	ep_probe_cancel(probe);
	wait_for(w, 1);
	assert_int_equal(w->last.outcome, EP_CANCELLED);
	answer(w, &r); /* is nobody's */
	measure(w);
	assert_int_equal(w->lates, 0);
	start(w);
	w->target.fresh_flow = true;
	start(w);
	ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_binding_is_measured_between_kernel_stamps),
		TEST(a_flow_keeps_its_port_and_a_fresh_one_does_not),
		TEST(what_is_read_next_is_not_closed),
		TEST(many_at_once_are_told_apart),
		TEST(a_forged_answer_is_nobodys),
		TEST(a_refusal_is_a_round_trip),
		TEST(late_and_second_answers_are_told),
		TEST(where_nobody_listens_icmp_says_so),
		TEST(it_leaves_by_its_source_or_not_at_all),
		TEST(what_our_host_dropped_is_no_loss),
		TEST(cancelled_and_closed_while_under_way),
	};

	own_net_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
