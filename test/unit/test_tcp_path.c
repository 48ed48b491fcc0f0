/* What a TCP probe looks like to load balancers, NATs and servers, and what they
 * may do to it. On a network of our own, whose packets this test sees. */
#include "../lib/own_net.h"
#include "../lib/tcp_world.h"
#include "../lib/tun_net.h"
#include "edgeprobe/clock.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

struct path {
	struct tcp_world *w;
	struct tun_host host;
	struct ep_target silent;
};

static int open_path(void **state)
{
	static unsigned flow = 1000;
	struct path *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(tcp_world_open((void **)&p->w), 0);
	p->w->target.host = TUN_HOST4;
	p->w->target.flow = flow += 100; /* not what is in TIME_WAIT */
	p->host.fd = tun_net_fd();
	p->host.delay_ns = 2 * MS;
	*state = p;
	return 0;
}

static int close_path(void **state)
{
	struct path *p = *state;

	tcp_world_close((void **)&p->w);
	tun_host_finish(&p->host);
	free(p);
	return 0;
}

static const struct ep_sample *measure(struct path *p)
{
	return tcp_world_measure(p->w, 443);
}

static uint16_t port_of(const struct path *p, unsigned n)
{
	return tun_source_port(&p->host.seen[n].packet);
}

/* --- one flow --- */

/* `n` dials from one port, each after the last one has ended. */
static void expect_one_flow(struct path *p, unsigned n)
{
	tun_host_start(&p->host);
	for (unsigned i = 0; i < n; i++) {
		tcp_world_expect_handshake(measure(p));
		tun_host_await_parted(&p->host, i + 1);
	}
	tun_host_stop(&p->host);
	assert_int_equal(p->host.n_seen, n);
	for (unsigned i = 1; i < n; i++)
		assert_int_equal(port_of(p, i), port_of(p, 0));
}

static void flow_is_one_and_ends_politely(void **state)
{
	struct path *p = *state;

	p->host.timestamps = true;
	expect_one_flow(p, 6);
	assert_int_equal(p->host.n_rst, 0);
}

static void measure_ten(struct path *p, bool backwards)
{
	unsigned before = p->w->answered;
	struct ep_target targets[10];

	for (unsigned i = 0; i < 10; i++) {
		targets[i] = p->w->target;
		targets[i].flow += backwards ? 9 - i : i;
		tcp_world_start_target(p->w, &targets[i]);
	}
	for (unsigned i = 0; i < 10; i++) {
		tcp_world_await(p->w, before + i + 1);
		tcp_world_expect_handshake(&p->w->last);
	}
}

/* Port 9 never answers, and an engine that waits for something stays dense. */
static enum tun_fate ignore_9(const struct tun_host *host, unsigned n,
			      const struct tun_packet *syn)
{
	(void)host;
	(void)n;
	return syn->bytes[23] == 9 ? TUN_IGNORE : TUN_REPLY;
}

/* `host.fate` is ignore_9: set before the host's thread is there. */
static void never_idle(struct path *p)
{
	p->silent = p->w->target;
	p->silent.port = 9;
	tcp_world_start_target(p->w, &p->silent);
}

/* Ten at a time, so that sockets are kept; each from its own port always. */
static void flows_are_one_each_while_dense(void **state)
{
	struct path *p = *state;
	unsigned rounds, n = 0;
	uint16_t ports[10];

	p->host.timestamps = true;
	p->host.fate = ignore_9;
	tun_host_start(&p->host);
	never_idle(p);
	for (rounds = 0; n < 20; rounds++) {
		measure_ten(p, rounds % 2 == 1);
		tun_host_await_parted(&p->host, 10 * (rounds + 1));
		n += ep_engine_dense(p->w->engine);
	}
	tun_host_stop(&p->host);
	assert_int_equal(p->host.n_seen, 1 + 10 * rounds);
	for (unsigned i = 0; i < 10; i++)
		ports[i] = port_of(p, 1 + i);
	for (unsigned i = 0; i < 10 * rounds; i++)
		assert_int_equal(port_of(p, 1 + i),
				 ports[i / 10 % 2 == 0 ? i % 10 : 9 - i % 10]);
	assert_int_equal(p->host.n_rst, 0);
}

/* Without timestamps TIME_WAIT would block the port for a minute. */
static void flow_is_one_without_timestamps(void **state)
{
	struct path *p = *state;

	expect_one_flow(p, 6);
	assert_true(p->host.n_rst >= 6);
}

static void flow_is_one_where_timestamps_are_off(void **state)
{
	struct path *p = *state;
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	uint16_t port, first = 0;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);

	own_net_write("/proc/sys/net/ipv4/tcp_timestamps", "0");
	p->w->target.host = "127.0.0.1";
	for (unsigned i = 0; i < 6; i++) {
		int taken;

		tcp_world_expect_handshake(tcp_world_measure(p->w, port));
		taken = accept(fd, (struct sockaddr *)&peer, &length);
		assert_true(taken >= 0);
		close(taken);
		if (i == 0)
			first = ntohs(peer.sin_port);
		assert_int_equal(ntohs(peer.sin_port), first);
	}
	own_net_write("/proc/sys/net/ipv4/tcp_timestamps", "1");
	close(fd);
}

static enum tun_fate ignore_first(const struct tun_host *host, unsigned n,
				  const struct tun_packet *syn)
{
	(void)host;
	(void)syn;
	return n == 0 ? TUN_IGNORE : TUN_REPLY;
}

static void resent_syn_is_no_second(void **state)
{
	struct path *p = *state;

	p->host.fate = ignore_first;
	for (unsigned i = 0; i < 2; i++) {
		const struct ep_sample *s;

		p->host.timestamps = i == 1;
		tun_host_start(&p->host);
		s = measure(p);
		tun_host_stop(&p->host);
		tcp_world_expect(s, EP_REPLIED, "");
		assert_int_equal(s->retransmits, 1);
		if (i == 0) {
			assert_int_equal(s->rtt_ns, EP_ABSENT);
			continue;
		}
		assert_true(s->rtt_ns > 0);
		assert_true(s->rtt_ns < (int64_t)(900 * MS));
		assert_int_equal(s->uncertainty_ns, MS);
	}
}

static void flow_label_is_one(void **state)
{
	struct path *p = *state;

	p->w->target.host = TUN_HOST6;
	p->host.timestamps = true;
	p->host.fate = ignore_first; /* so that it is sent again */
	tun_host_start(&p->host);
	for (unsigned i = 0; i < 3; i++) {
		tcp_world_expect(measure(p), EP_REPLIED, "");
		tun_host_await_parted(&p->host, i + 1);
	}
	tun_host_stop(&p->host);
	assert_int_equal(p->host.n_seen, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(port_of(p, i), port_of(p, 0));
		assert_int_equal(tun_flow_label(&p->host.seen[i].packet), 0);
	}
}

/* --- another flow --- */

static void fresh_flow_is_another_one(void **state)
{
	static const char *const hosts[] = { TUN_HOST4, TUN_HOST6 };
	struct path *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		p->w->target.host = hosts[i];
		p->host.timestamps = true;
		tun_host_start(&p->host);
		for (unsigned k = 0; k < 6; k++) {
			p->w->target.fresh_flow = k == 1 || k == 3;
			tcp_world_expect_handshake(measure(p));
			tun_host_await_parted(&p->host, k + 1);
			assert_int_equal(p->w->last.flags & EP_FLAG_FRESH_FLOW,
					 p->w->target.fresh_flow
						 ? EP_FLAG_FRESH_FLOW
						 : 0);
		}
		tun_host_stop(&p->host);
		assert_int_not_equal(port_of(p, 1), port_of(p, 0));
		assert_int_not_equal(port_of(p, 3), port_of(p, 0));
		assert_int_not_equal(port_of(p, 3), port_of(p, 1));
		assert_int_equal(port_of(p, 2), port_of(p, 0));
		assert_int_equal(port_of(p, 4), port_of(p, 0));
		assert_int_equal(port_of(p, 5), port_of(p, 0));
	}
}

/* A NAT whose entry for the first port has gone wrong. */
static enum tun_fate dead_entry(const struct tun_host *host, unsigned n,
				const struct tun_packet *syn)
{
	uint16_t first = tun_source_port(&host->seen[0].packet);

	return n > 0 && tun_source_port(syn) == first ? TUN_IGNORE : TUN_REPLY;
}

static void dead_nat_entry_shows(void **state)
{
	struct path *p = *state;

	p->host.fate = dead_entry;
	p->host.timestamps = true;
	p->w->target.timeout_ns = 300 * MS;
	tun_host_start(&p->host);
	tcp_world_expect(measure(p), EP_REPLIED, "");
	tun_host_await_parted(&p->host, 1);
	for (unsigned i = 0; i < 2; i++) {
		p->w->target.fresh_flow = false;
		tcp_world_expect(measure(p), EP_LOST, "timeout");
		p->w->target.fresh_flow = true;
		tcp_world_expect(measure(p), EP_REPLIED, "");
	}
	tun_host_stop(&p->host);
}

/* --- the way out --- */

static void interface_that_goes(void **state)
{
	struct path *p = *state;
	int edge1 = tun_net_make("edge1", "203.0.113.1");
	struct tun_packet syn;

	p->w->target.source = "edge1";
	p->w->target.timeout_ns = 300 * MS;
	tcp_world_start(p->w);
	tun_read_syn(edge1, &syn);
	close(edge1);
	tun_flush(tun_net_fd());
	tcp_world_await(p->w, 1);
	tcp_world_expect(&p->w->last, EP_FAILED, "no_source");
	tcp_world_expect(measure(p), EP_FAILED, "no_source");
	assert_int_equal(p->w->last.rtt_ns, EP_ABSENT);
}

/* A socket that is kept for the next dial knows the old interface only. */
static void interface_that_comes_again(void **state)
{
	struct path *p = *state;

	p->w->target.source = "edge1";
	p->host.fate = ignore_9;
	for (unsigned i = 0; i < 3; i++) {
		p->host.fd = tun_net_make("edge1", "203.0.113.1");
		p->host.timestamps = true;
		tun_host_start(&p->host);
		if (i == 0)
			never_idle(p);
		measure_ten(p, false);
		while (!ep_engine_dense(p->w->engine))
			measure_ten(p, false);
		measure_ten(p, false);
		tun_host_stop(&p->host);
		close(p->host.fd);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_path, close_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(flow_is_one_and_ends_politely),
		TEST(flows_are_one_each_while_dense),
		TEST(flow_is_one_without_timestamps),
		TEST(flow_is_one_where_timestamps_are_off),
		TEST(resent_syn_is_no_second),
		TEST(flow_label_is_one),
		TEST(fresh_flow_is_another_one),
		TEST(dead_nat_entry_shows),
		TEST(interface_that_goes),
		TEST(interface_that_comes_again),
	};

	return cmocka_run_group_tests(tests, tun_net_enter, NULL);
}
