/* The TCP kind on a network of our own: a TUN interface in a network namespace,
 * on whose other side this test answers SYNs as routers and hosts do. */
#include "../lib/tun_net.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

struct world {
	uv_loop_t loop;
	struct ep_engine *engine;
	struct ep_target target;
	struct ep_sample last;
	bool answered;
};

/* --- a test's world --- */

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, NULL, &w->engine, NULL), 0);
	w->target.kind = ep_kind_find("tcp");
	w->target.host = TUN_HOST4;
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	ep_engine_close(w->engine, NULL, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
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
	w->answered = true;
	uv_stop(&w->loop);
}

static void start(struct world *w, struct tun_packet *ret_syn)
{
	tun_flush(tun_net_fd()); /* what a dial before left there */
	w->answered = false;
	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_sample, w, NULL),
		0);
	tun_read_syn(tun_net_fd(), ret_syn);
}

static void await(struct world *w)
{
	while (!w->answered)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void expect(const struct ep_sample *s, enum ep_outcome outcome,
		   const char *reason)
{
	assert_string_equal(ep_outcome_name(s->outcome),
			    ep_outcome_name(outcome));
	assert_string_equal(ep_reason_name(s->reason), reason);
}

/* --- tests --- */

static void icmp_errors_have_their_reasons(void **state)
{
	static const struct {
		const char *host, *from;
		uint8_t type, code;
		const char *reason;
	} rows[] = {
		{ TUN_HOST4, TUN_ROUTER4, 3, 0, "net_unreachable" },
		{ TUN_HOST4, TUN_ROUTER4, 3, 1, "host_unreachable" },
		{ TUN_HOST4, TUN_HOST4, 3, 2, "protocol_unreachable" },
		{ TUN_HOST4, TUN_HOST4, 3, 3, "port_unreachable" },
		{ TUN_HOST4, TUN_ROUTER4, 3, 9, "admin_prohibited" },
		{ TUN_HOST4, TUN_ROUTER4, 3, 13, "admin_prohibited" },
		{ TUN_HOST4, TUN_ROUTER4, 11, 0, "time_exceeded" },
		{ TUN_HOST6, TUN_ROUTER6, 1, 0, "net_unreachable" },
		{ TUN_HOST6, TUN_ROUTER6, 1, 1, "admin_prohibited" },
		{ TUN_HOST6, TUN_ROUTER6, 1, 3, "host_unreachable" },
		{ TUN_HOST6, TUN_HOST6, 1, 4, "port_unreachable" },
		{ TUN_HOST6, TUN_ROUTER6, 3, 0, "time_exceeded" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tun_packet syn;

		w->target.host = rows[i].host;
		start(w, &syn);
		tun_answer_icmp(tun_net_fd(), &syn, rows[i].from, rows[i].type,
				rows[i].code);
		await(w);
		expect(&w->last, EP_UNREACHABLE, rows[i].reason);
		assert_int_equal(w->last.rtt_ns, EP_ABSENT);
	}
}

/* What our own host says when it finds no neighbour. */
static void own_icmp_error_is_our_failure(void **state)
{
	struct world *w = *state;
	struct tun_packet syn;

	start(w, &syn);
	tun_answer_icmp(tun_net_fd(), &syn, TUN_OWN4, 3, 1);
	await(w);
	expect(&w->last, EP_FAILED, "no_route");
	start(w, &syn);
	tun_answer_icmp(tun_net_fd(), &syn, TUN_OWN4, 3, 13);
	await(w);
	expect(&w->last, EP_FAILED, "permission");
	w->target.host = TUN_HOST6;
	start(w, &syn);
	tun_answer_icmp(tun_net_fd(), &syn, TUN_OWN6, 1, 3);
	await(w);
	expect(&w->last, EP_FAILED, "no_route");
}

static void no_route_fails(void **state)
{
	struct world *w = *state;

	w->target.host = "203.0.113.7";
	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_sample, w, NULL),
		0);
	await(w);
	expect(&w->last, EP_FAILED, "no_route");
}

/* Without TCP timestamps nobody knows which SYN was answered. */
static void resent_syn_without_timestamps_has_no_rtt(void **state)
{
	struct world *w = *state;
	struct tun_packet syn;

	start(w, &syn);
	tun_read_syn(tun_net_fd(),
		     &syn); /* the kernel's second one, after a second */
	tun_answer_tcp(tun_net_fd(), &syn, TUN_SYN_ACK, false);
	await(w);
	expect(&w->last, EP_REPLIED, "");
	assert_int_equal(w->last.retransmits, 1);
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);

	start(w, &syn);
	tun_answer_tcp(tun_net_fd(), &syn, TUN_SYN_ACK, false);
	await(w);
	expect(&w->last, EP_REPLIED, "");
	assert_int_equal(w->last.retransmits, 0);
	assert_true(w->last.rtt_ns > 0);
}

static void refusal_of_a_resent_syn_has_no_rtt(void **state)
{
	struct world *w = *state;
	struct tun_packet syn;

	start(w, &syn);
	tun_read_syn(tun_net_fd(), &syn);
	tun_answer_tcp(tun_net_fd(), &syn, TUN_RST, false);
	await(w);
	expect(&w->last, EP_REFUSED, "tcp_reset");
	assert_int_equal(w->last.retransmits, 1);
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);
}

struct refusal {
	struct tun_packet syn;
	uint64_t sent_ns;
};

/* The path is 20 ms long. */
static void *refuse_later(void *arg)
{
	struct refusal *r = arg;

	poll(NULL, 0, 20);
	tun_answer_tcp(tun_net_fd(), &r->syn, TUN_RST, false);
	r->sent_ns = ep_clock_mono_ns();
	return NULL;
}

/* The loop sleeps until the RST comes: the uncertainty is that of waking up,
 * and it covers what our own clock has too much. */
static void refusal_is_timed_within_its_uncertainty(void **state)
{
	struct world *w = *state;
	uint64_t least_ns = UINT64_MAX;

	for (unsigned i = 0; i < 5; i++) {
		struct refusal r;
		pthread_t thread;
		uint64_t seen_ns;

		start(w, &r.syn);
		assert_int_equal(
			pthread_create(&thread, NULL, refuse_later, &r), 0);
		await(w);
		seen_ns = ep_clock_mono_ns();
		pthread_join(thread, NULL);
		expect(&w->last, EP_REFUSED, "tcp_reset");
		assert_true(w->last.rtt_ns >= (int64_t)(19 * MS));
		assert_true(w->last.uncertainty_ns <
			    (uint64_t)w->last.rtt_ns + MS);
		if (seen_ns > r.sent_ns + MS) /* woken late */
			assert_true(w->last.uncertainty_ns > 20000);
		if (w->last.uncertainty_ns < least_ns)
			least_ns = w->last.uncertainty_ns;
	}
	assert_true(least_ns < 5 * MS);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(icmp_errors_have_their_reasons),
		TEST(own_icmp_error_is_our_failure),
		TEST(no_route_fails),
		TEST(resent_syn_without_timestamps_has_no_rtt),
		TEST(refusal_of_a_resent_syn_has_no_rtt),
		TEST(refusal_is_timed_within_its_uncertainty),
	};

	return cmocka_run_group_tests(tests, tun_net_enter, NULL);
}
