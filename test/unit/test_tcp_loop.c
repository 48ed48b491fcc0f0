/* The TCP kind on a real loop, against real listeners on loopback. */
#include "core/engine_i.h"
#include "core/loop_delay.h"
#include "core/tcp_dial.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	struct ep_sample last;
	unsigned answered;
};

/* --- listeners --- */

static int listen_at(const char *address, int backlog, uint16_t *ret_port)
{
	struct ep_address a;
	union ep_sockaddr name;
	socklen_t length;
	int fd;

	assert_int_equal(ep_address_parse(address, &a), 0);
	length = ep_address_to_sockaddr(&a, 0, &name);
	fd = socket(name.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &name.sa, length), 0);
	assert_int_equal(getsockname(fd, &name.sa, &length), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	*ret_port =
		ntohs(a.family == 4 ? name.in4.sin_port : name.in6.sin6_port);
	return fd;
}

static int dial(const char *address, uint16_t port)
{
	struct ep_address a;
	union ep_sockaddr name;
	socklen_t length;
	int fd;

	assert_int_equal(ep_address_parse(address, &a), 0);
	length = ep_address_to_sockaddr(&a, port, &name);
	fd = socket(name.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	(void)connect(fd, &name.sa, length);
	return fd;
}

/* A listener whose queue is full drops every SYN. */
static int listen_full(uint16_t *ret_port, int fillers[2])
{
	int fd = listen_at("127.0.0.1", 0, ret_port);

	fillers[0] = dial("127.0.0.1", *ret_port);
	fillers[1] = dial("127.0.0.1", *ret_port);
	return fd;
}

/* --- a test's world --- */

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, NULL, &w->engine, NULL), 0);
	w->target.kind = ep_kind_find("tcp");
	w->target.host = "127.0.0.1";
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	*state = w;
	return 0;
}

static void shut_engine(struct world *w)
{
	if (w->engine != NULL)
		ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

static int close_world(void **state)
{
	struct world *w = *state;

	shut_engine(w);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	free(w);
	return 0;
}

static void on_sample(const struct ep_target *target,
		      const struct ep_sample *sample, void *arg)
{
	struct world *w = arg;

	(void)target;
	w->last = *sample;
	w->answered++;
	uv_stop(&w->loop); /* a timer may have answered: do not poll */
}

static struct ep_probe *start(struct world *w)
{
	struct ep_probe *probe;
	unsigned before = w->answered;

	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_sample, w, &probe),
		0);
	assert_int_equal(w->answered, before); /* never from inside */
	return probe;
}

static void await(struct world *w, unsigned answered)
{
	while (w->answered < answered)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static const struct ep_sample *measure(struct world *w, uint16_t port)
{
	w->target.port = port;
	start(w);
	await(w, w->answered + 1);
	return &w->last;
}

static void expect(const struct ep_sample *s, enum ep_outcome outcome,
		   const char *reason)
{
	assert_string_equal(ep_outcome_name(s->outcome),
			    ep_outcome_name(outcome));
	assert_string_equal(ep_reason_name(s->reason), reason);
}

/* --- answers --- */

static void expect_handshake(const struct ep_sample *s)
{
	expect(s, EP_REPLIED, "");
	assert_int_equal(s->stamp, EP_STAMP_KERNEL);
	assert_true(s->rtt_ns > 0);
	assert_true(s->rtt_ns < (int64_t)(900 * MS));
	assert_int_equal(s->retransmits, 0);
	assert_int_equal(s->uncertainty_ns, 10000);
	assert_int_equal(s->dns_ns, EP_ABSENT);
	assert_true(s->sent_ns > 0);
	assert_true(s->slip_ns >= 0);
}

static void listener_replies(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint16_t port;
		int fd = listen_at(addresses[i], 16, &port);

		w->target.host = addresses[i];
		expect_handshake(measure(w, port));
		assert_int_equal(w->last.port, port);
		assert_int_equal(w->last.address.family, i == 0 ? 4 : 6);
		close(fd);
	}
}

static void closed_port_refuses(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint16_t port;
		int fd = listen_at(addresses[i], -1, &port); /* bound only */

		w->target.host = addresses[i];
		expect(measure(w, port), EP_REFUSED, "tcp_reset");
		assert_int_equal(w->last.stamp, EP_STAMP_USER);
		assert_true(w->last.rtt_ns > 0);
		assert_true(w->last.uncertainty_ns > 0);
		assert_true(w->last.uncertainty_ns <= (uint64_t)w->last.rtt_ns);
		close(fd);
	}
}

static void spin(uint64_t ns)
{
	uint64_t end_ns = ep_clock_mono_ns() + ns;

	while (ep_clock_mono_ns() < end_ns)
		;
}

/* The kernel's figure does not contain what this loop does meanwhile. */
static void busy_loop_spoils_nothing(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = listen_at("127.0.0.1", 16, &port);

	w->target.port = port;
	start(w);
	spin(20 * MS);
	await(w, 1);
	expect_handshake(&w->last);
	assert_true(w->last.rtt_ns < (int64_t)(15 * MS));
	close(fd);
}

/* Our own clock's figure does, and says so. */
static void busy_loop_is_uncertainty_of_a_refusal(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = listen_at("127.0.0.1", -1, &port);

	w->target.port = port;
	start(w);
	spin(20 * MS);
	await(w, 1);
	expect(&w->last, EP_REFUSED, "tcp_reset");
	if (w->last.rtt_ns >= (int64_t)(20 * MS))
		assert_true(w->last.uncertainty_ns >= 19 * MS);
	close(fd);
}

static void greeting_does_not_matter(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = listen_at("127.0.0.1", 16, &port);
	int peer;

	w->target.port = port;
	start(w);
	peer = accept(fd, NULL, NULL);
	assert_true(peer >= 0);
	assert_int_equal(send(peer, "220 hello\r\n", 11, 0), 11);
	await(w, 1);
	expect_handshake(&w->last);
	close(peer);
	close(fd);
}

/* --- silence --- */

static void full_listener_is_silent(void **state)
{
	struct world *w = *state;
	int fillers[2];
	uint16_t port;
	int fd = listen_full(&port, fillers);

	w->target.timeout_ns = 50 * MS;
	expect(measure(w, port), EP_LOST, "timeout");
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
}

/* The SYN is dropped until the queue has room: the second one is answered, and
 * the second between them is not a round trip. */
static void syn_sent_again_is_no_second(void **state)
{
	struct world *w = *state;
	int fillers[2];
	uint16_t port;
	int fd = listen_full(&port, fillers);
	int peer;

	w->target.port = port;
	start(w);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(w->answered, 0);
	peer = accept(fd, NULL, NULL);
	close(peer);
	await(w, 1);
	expect(&w->last, EP_REPLIED, "");
	assert_true(w->last.retransmits >= 1);
	if (w->last.rtt_ns != EP_ABSENT) {
		assert_true(w->last.rtt_ns < (int64_t)(900 * MS));
		assert_int_equal(w->last.uncertainty_ns, MS);
	}
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
}

/* The loop stands still past the deadline, and the answer came in time. */
static void stalled_loop_is_no_loss(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = listen_at("127.0.0.1", 16, &port);

	w->target.port = port;
	w->target.timeout_ns = 5 * MS;
	for (unsigned i = 0; i < 3; i++)
		start(w);
	spin(20 * MS);
	while (w->answered < 3) {
		uv_run(&w->loop, UV_RUN_ONCE);
		if (w->answered > 0)
			expect_handshake(&w->last);
	}
	close(fd);
}

/* --- the way out --- */

static void leaves_by_its_source(void **state)
{
	struct world *w = *state;
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	uint16_t port;
	int fd = listen_at("127.0.0.1", 16, &port), taken;

	w->target.source = "127.0.0.9";
	for (w->target.flow = 0; w->target.flow < 2; w->target.flow++) {
		expect_handshake(measure(w, port));
		taken = accept(fd, (struct sockaddr *)&peer, &length);
		assert_true(taken >= 0);
		assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000009);
		close(taken);
	}
	w->target.source = "lo";
	expect_handshake(measure(w, port));
	close(fd);
}

static void missing_source_fails(void **state)
{
	static const char *const sources[] = { "192.0.2.77", "::1", "nosuch0",
					       "interface-with-a-long-name" };
	struct world *w = *state;
	uint16_t port;
	int fd = listen_at("127.0.0.1", 16, &port);

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		for (w->target.flow = 0; w->target.flow < 2; w->target.flow++) {
			w->target.source = sources[i];
			expect(measure(w, port), EP_FAILED, "no_source");
		}
	close(fd);
}

static uint16_t accept_port(int fd)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	int taken = accept(fd, (struct sockaddr *)&peer, &length);

	assert_true(taken >= 0);
	close(taken);
	return ntohs(peer.sin_port);
}

static void flow_keeps_its_port(void **state)
{
	struct world *w = *state;
	uint16_t port, first, again, other;
	int fd = listen_at("127.0.0.1", 16, &port);

	w->target.flow = 7;
	expect_handshake(measure(w, port));
	first = accept_port(fd);
	assert_true(first >= 61000);
	for (unsigned i = 0; i < 5; i++) {
		expect_handshake(measure(w, port));
		again = accept_port(fd);
		assert_int_equal(again, first);
	}
	w->target.flow = 8;
	expect_handshake(measure(w, port));
	other = accept_port(fd);
	assert_int_not_equal(other, first);
	close(fd);
}

/* A peer that does not close its side keeps the old connection; the next dial
 * must not run into it, which would cost a second: neither at once nor when our
 * side is long done. */
static void peer_that_stays_costs_no_second(void **state)
{
	struct world *w = *state;
	int fillers[2];
	uint16_t port, full;
	int fd = listen_at("127.0.0.1", 16, &port);
	int silent = listen_full(&full, fillers);

	w->target.flow = 9;
	for (unsigned i = 0; i < 6; i++) /* nobody accepts */
		expect_handshake(measure(w, port));
	w->target.timeout_ns = 1200 * MS;
	expect(measure(w, full), EP_LOST, "timeout");
	for (unsigned i = 0; i < 2; i++)
		expect_handshake(measure(w, port));
	close(fillers[0]);
	close(fillers[1]);
	close(silent);
	close(fd);
}

/* A dial to a free ephemeral port of our own host could meet itself. */
static void nobody_talks_to_himself(void **state)
{
	struct world *w = *state;
	uint16_t port;
	int fd = listen_at("127.0.0.1", -1, &port);

	close(fd);
	for (unsigned i = 0; i < 2000; i++)
		expect(measure(w, port), EP_REFUSED, "tcp_reset");
	for (w->target.flow = 1; w->target.flow < 300; w->target.flow++)
		expect(measure(w, 61000), EP_REFUSED, "tcp_reset");
}

/* Two sockets of one port, connected to each other's own address. */
static void meeting_oneself_is_noticed(void **state)
{
	struct ep_address home;
	uint16_t port;
	union ep_sockaddr name;
	int fd = listen_at("127.0.0.1", -1, &port);
	socklen_t length;

	(void)state;
	ep_address_parse("127.0.0.1", &home);
	length = ep_address_to_sockaddr(&home, port, &name);
	assert_false(tcp_dial_met_itself(fd, &home, (uint16_t)(port ^ 1)));
	assert_int_equal(connect(fd, &name.sa, length), 0);
	assert_true(tcp_dial_met_itself(fd, &home, port));
	close(fd);
}

static void options_are_set(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct ep_target t = { .ttl = 7, .dscp = 46 };
		struct ep_address a;
		bool v4 = i == 0, fixed;
		int fd, value = 0;
		socklen_t length = sizeof(value);

		ep_address_parse(addresses[i], &a);
		assert_int_equal(tcp_dial_open(&t, &a, 443, 0, &fd, &fixed), 0);
		assert_false(fixed);
		getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			   v4 ? IP_TTL : IPV6_UNICAST_HOPS, &value, &length);
		assert_int_equal(value, 7);
		getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			   v4 ? IP_TOS : IPV6_TCLASS, &value, &length);
		assert_int_equal(value, 46 << 2);
		close(fd);
	}
}

/* --- the end --- */

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void thousands_leak_nothing(void **state)
{
	struct world *w = *state;
	unsigned before = count_fds();
	uint16_t port, closed;
	int fd = listen_at("127.0.0.1", 128, &port);
	int bound = listen_at("127.0.0.1", -1, &closed);

	for (unsigned i = 0; i < 2000; i++) {
		w->target.flow = i % 3;
		if (i % 2 == 0) {
			expect_handshake(measure(w, port));
			close(accept(fd, NULL, NULL));
		} else {
			expect(measure(w, closed), EP_REFUSED, "tcp_reset");
		}
	}
	assert_true(count_fds() < before + 40);
	close(fd);
	close(bound);
	shut_engine(w);
	assert_true(count_fds() < before); /* its epoll is gone, too */
}

static void cancel_during_the_dial(void **state)
{
	struct world *w = *state;
	int fillers[2];
	uint16_t port;
	int fd = listen_full(&port, fillers);
	struct ep_probe *probe;

	w->target.port = port;
	probe = start(w);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	ep_probe_cancel(probe);
	ep_probe_cancel(probe);
	assert_int_equal(w->answered, 0);
	await(w, 1);
	assert_int_equal(w->last.outcome, EP_CANCELLED);
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
}

static void close_mid_way(void **state)
{
	struct world *w = *state;
	int fillers[2];
	uint16_t full, port;
	int fd = listen_full(&full, fillers);
	int good = listen_at("127.0.0.1", 16, &port);

	w->target.port = full;
	for (unsigned i = 0; i < 10; i++)
		start(w);
	shut_engine(w);
	assert_int_equal(w->answered, 10);
	assert_int_equal(w->last.outcome, EP_CANCELLED);
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
	close(good);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listener_replies),
		TEST(closed_port_refuses),
		TEST(busy_loop_spoils_nothing),
		TEST(busy_loop_is_uncertainty_of_a_refusal),
		TEST(greeting_does_not_matter),
		TEST(full_listener_is_silent),
		TEST(syn_sent_again_is_no_second),
		TEST(stalled_loop_is_no_loss),
		TEST(leaves_by_its_source),
		TEST(missing_source_fails),
		TEST(flow_keeps_its_port),
		TEST(peer_that_stays_costs_no_second),
		TEST(nobody_talks_to_himself),
		cmocka_unit_test(meeting_oneself_is_noticed),
		cmocka_unit_test(options_are_set),
		TEST(thousands_leak_nothing),
		TEST(cancel_during_the_dial),
		TEST(close_mid_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
