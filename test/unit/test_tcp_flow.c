/* The way out of a TCP probe: sources, ports of flows, options, and what is left
 * behind. */
#include "../lib/tcp_world.h"
#include "core/tcp_dial.h"
#include "edgeprobe/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

static void leaves_by_its_source(void **state)
{
	struct tcp_world *w = *state;
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", 16, &port), taken;

	w->target.source = "127.0.0.9";
	for (w->target.flow = 0; w->target.flow < 2; w->target.flow++) {
		tcp_world_expect_handshake(tcp_world_measure(w, port));
		taken = accept(fd, (struct sockaddr *)&peer, &length);
		assert_true(taken >= 0);
		assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000009);
		close(taken);
	}
	w->target.source = "lo";
	tcp_world_expect_handshake(tcp_world_measure(w, port));
	close(fd);
}

static void missing_source_fails(void **state)
{
	static const char *const sources[] = { "192.0.2.77", "::1", "nosuch0",
					       "interface-with-a-long-name" };
	struct tcp_world *w = *state;
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		for (w->target.flow = 0; w->target.flow < 2; w->target.flow++) {
			w->target.source = sources[i];
			tcp_world_expect(tcp_world_measure(w, port), EP_FAILED,
					 "no_source");
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
	struct tcp_world *w = *state;
	uint16_t port, first, again, other;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);

	w->target.flow = 7;
	tcp_world_expect_handshake(tcp_world_measure(w, port));
	first = accept_port(fd);
	assert_true(first >= 61000);
	for (unsigned i = 0; i < 5; i++) {
		tcp_world_expect_handshake(tcp_world_measure(w, port));
		again = accept_port(fd);
		assert_int_equal(again, first);
	}
	w->target.flow = 8;
	tcp_world_expect_handshake(tcp_world_measure(w, port));
	other = accept_port(fd);
	assert_int_not_equal(other, first);
	close(fd);
}

/* A peer that does not close its side keeps the old connection; the next dial
 * must not run into it, which would cost a second: neither at once nor when our
 * side is long done. */
static void peer_that_stays_costs_no_second(void **state)
{
	struct tcp_world *w = *state;
	int fillers[2];
	uint16_t port, full;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);
	int silent = tcp_world_listen_full(&full, fillers);

	w->target.flow = 9;
	for (unsigned i = 0; i < 6; i++) /* nobody accepts */
		tcp_world_expect_handshake(tcp_world_measure(w, port));
	w->target.timeout_ns = 1200 * MS;
	tcp_world_expect(tcp_world_measure(w, full), EP_LOST, "timeout");
	for (unsigned i = 0; i < 2; i++)
		tcp_world_expect_handshake(tcp_world_measure(w, port));
	close(fillers[0]);
	close(fillers[1]);
	close(silent);
	close(fd);
}

/* A dial to a free ephemeral port of our own host could meet itself. */
static void nobody_talks_to_himself(void **state)
{
	struct tcp_world *w = *state;
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", -1, &port);

	close(fd);
	for (unsigned i = 0; i < 2000; i++)
		tcp_world_expect(tcp_world_measure(w, port), EP_REFUSED,
				 "tcp_reset");
	for (w->target.flow = 1; w->target.flow < 300; w->target.flow++)
		tcp_world_expect(tcp_world_measure(w, 61000), EP_REFUSED,
				 "tcp_reset");
}

/* Two sockets of one port, connected to each other's own address. */
static void meeting_oneself_is_noticed(void **state)
{
	struct ep_address home;
	uint16_t port;
	union ep_sockaddr name;
	int fd = tcp_world_listen("127.0.0.1", -1, &port);
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

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, tcp_world_open, tcp_world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(leaves_by_its_source),
		TEST(missing_source_fails),
		TEST(flow_keeps_its_port),
		TEST(peer_that_stays_costs_no_second),
		TEST(nobody_talks_to_himself),
		cmocka_unit_test(meeting_oneself_is_noticed),
		cmocka_unit_test(options_are_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
