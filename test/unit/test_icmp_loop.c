/* The ICMP kind against this host's own loopback, by both kinds of socket. */
#include "../lib/icmp_world.h"
#include "../lib/own_net.h"
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The first replies may come without a stamp: the kernel turns them on when
 * the first socket asks. */
static void assert_kernel_stamps(struct icmp_world *w)
{
	uint64_t end_ns = ep_clock_mono_ns() + 5 * EP_NS_PER_S;

	while (w->kernel == 0 && ep_clock_mono_ns() < end_ns)
		icmp_world_measure(w);
	assert_true(w->kernel > 0);
	assert_int_equal(w->outcomes[EP_REPLIED], w->answers);
	assert_int_equal(w->last.stamp, EP_STAMP_KERNEL);
	assert_true(w->last.rtt_ns > 0);
	assert_true(w->last.rtt_ns < (int64_t)EP_NS_PER_S);
	assert_true(w->last.uncertainty_ns > 0);
	assert_true(w->last.uncertainty_ns < 100 * EP_NS_PER_US);
	assert_true(w->last.slip_ns >= 0);
	assert_true(w->last.ttl > 0);
	assert_true(w->last.sent_ns > UINT64_C(1600000000) * EP_NS_PER_S);
	assert_int_equal(w->lates, 0);
}

static void a_reply_over_ipv4_is_measured_by_the_kernel(void **state)
{
	struct icmp_world *w = *state;

	assert_kernel_stamps(w);
	assert_int_equal(w->last.address.family, 4);
}

static void a_reply_over_ipv6_is_measured_by_the_kernel(void **state)
{
	struct icmp_world *w = *state;

	w->target.host = "::1";
	if (icmp_world_measure(w)->outcome == EP_FAILED)
		skip(); /* this host has no IPv6 */
	assert_kernel_stamps(w);
	assert_int_equal(w->last.address.family, 6);
}

static void many_in_flight_are_told_apart(void **state)
{
	struct icmp_world *w = *state;

	for (unsigned i = 0; i < 200; i++)
		icmp_world_start(w);
	assert_int_equal(ep_engine_in_flight(w->engine), 200);
	assert_int_equal(w->answers, 0); /* none from inside the start */
	icmp_world_wait(w, 200);
	assert_int_equal(w->outcomes[EP_REPLIED], 200);
	assert_int_equal(w->lates, 0);
	assert_int_equal(ep_engine_in_flight(w->engine), 0);
}

static void all_sizes_come_back(void **state)
{
	static const uint64_t sizes[] = { 0, 24, 25, 56, 1471, 1472 };
	struct icmp_world *w = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		w->target.size = sizes[i];
		assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	}
	w->target.size = 23;
	assert_int_equal(icmp_world_measure(w)->outcome, EP_FAILED);
	w->target.size = 1473;
	assert_int_equal(icmp_world_measure(w)->outcome, EP_FAILED);
	w->target.size = 0;
	w->target.ttl = 256;
	assert_int_equal(icmp_world_measure(w)->outcome, EP_FAILED);
}

static void cancelled_with_its_reply_on_the_way(void **state)
{
	struct icmp_world *w = *state;
	struct ep_probe *probe;

	w->target.timeout_ns = 1; /* nor is it late */
	probe = icmp_world_start(w);
	ep_probe_cancel(probe);
	ep_probe_cancel(probe);
	w->target.timeout_ns = 0;
	icmp_world_start(w);
	icmp_world_wait(w, 2);
	assert_int_equal(w->outcomes[EP_CANCELLED], 1);
	assert_int_equal(w->outcomes[EP_REPLIED], 1);
	assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	assert_int_equal(w->lates, 0);
}

static void closed_in_mid_flight(void **state)
{
	struct icmp_world *w = *state;

	icmp_world_measure(w);
	for (unsigned i = 0; i < 10; i++)
		icmp_world_start(w);
	ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
	w->wanted = UINT32_MAX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->outcomes[EP_CANCELLED], 10);
	assert_int_equal(w->outcomes[EP_REPLIED], 1);
}

static void after_its_deadline_it_is_lost_and_then_late(void **state)
{
	struct icmp_world *w = *state;

	w->target.timeout_ns = 1; /* no path is as short as that */
	icmp_world_start(w);
	icmp_world_wait(w, 2);
	assert_string_equal(w->story, "Ll");
	assert_int_equal(w->last.reason, EP_REASON_TIMEOUT);
	assert_true(w->last.rtt_ns == EP_ABSENT);
	assert_int_equal(w->last_late.id, w->last.id);
	assert_int_equal(w->last_late.sent_ns, w->last.sent_ns);
	assert_int_equal(w->last_late.outcome, EP_REPLIED);
	assert_true(w->last_late.rtt_ns > 0);
	assert_true(ep_address_equal(&w->last_late.address, &w->last.address));
}

/* The loop stands still past the deadline, and the reply is in the socket. */
static void in_time_but_read_late_is_a_reply(void **state)
{
	struct icmp_world *w = *state;
	uint64_t end_ns;

	icmp_world_measure(w);
	w->target.timeout_ns = 20 * EP_NS_PER_MS;
	for (unsigned i = 0; i < 20; i++)
		icmp_world_start(w);
	end_ns = ep_clock_mono_ns() + 60 * EP_NS_PER_MS;
	while (ep_clock_mono_ns() < end_ns)
		;
	icmp_world_wait(w, 20);
	assert_int_equal(w->outcomes[EP_REPLIED], 21);
	assert_true(w->last.rtt_ns <= (int64_t)w->target.timeout_ns);
}

/* 0.0.0.0 is answered by 127.0.0.1: not whom we asked. */
static void a_reply_from_another_address_is_nobodys(void **state)
{
	struct icmp_world *w = *state;

	w->target.host = "0.0.0.0";
	w->target.timeout_ns = 30 * EP_NS_PER_MS;
	icmp_world_measure(w);
	assert_int_equal(w->last.outcome, EP_LOST);
	assert_int_equal(w->last.reason, EP_REASON_TIMEOUT);
	assert_int_equal(w->lates, 0);
}

/* More replies than the buffer holds: the rest was not lost by the net. */
static void what_this_host_drops_is_unmeasured(void **state)
{
	struct icmp_world *w = *state;
	const unsigned n = 30000;

	w->target.timeout_ns = 300 * EP_NS_PER_MS;
	icmp_world_measure(w);
	for (unsigned i = 0; i < n; i++)
		icmp_world_start(w);
	icmp_world_wait(w, n);
	assert_int_equal(w->outcomes[EP_LOST], 0);
	assert_true(w->unmeasured > 0);
	assert_int_equal(w->outcomes[EP_FAILED], w->unmeasured);
	assert_int_equal(w->outcomes[EP_REPLIED] + w->unmeasured, n + 1);
}

static void it_leaves_by_its_source_or_not_at_all(void **state)
{
	static const struct {
		const char *host, *source;
		enum ep_outcome outcome;
	} rows[] = {
		{ "127.0.0.1", "lo", EP_REPLIED },
		{ "127.0.0.1", "127.0.0.9", EP_REPLIED },
		{ "127.0.0.1", "nosuchif0", EP_FAILED },
		{ "127.0.0.1", "a-name-too-long-for-any", EP_FAILED },
		{ "127.0.0.1", "192.0.2.77", EP_FAILED },
		{ "127.0.0.1", "::1", EP_FAILED },
		{ "127.0.0.1", "", EP_FAILED },
	};
	struct icmp_world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w->target.host = rows[i].host;
		w->target.source = rows[i].source;
		icmp_world_measure(w);
		assert_int_equal(w->last.outcome, rows[i].outcome);
		if (rows[i].outcome == EP_FAILED)
			assert_int_equal(w->last.reason, EP_REASON_NO_SOURCE);
	}
}

static void ready_opens_each_family_once(void **state)
{
	struct icmp_world *w = *state;
	const struct ep_kind *icmp = ep_kind_find("icmp");
	struct ep_err err = { 0 };

	assert_int_equal(ep_engine_ready(w->engine, icmp, 4, &err), 0);
	assert_int_equal(ep_engine_ready(w->engine, icmp, 4, &err), 0);
	if (icmp_allowed(6, true))
		assert_int_equal(ep_engine_ready(w->engine, icmp, 6, &err), 0);
	assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
}

/* Our own lateness is no part of the figure. */
static void a_loop_that_is_blocked_measures_right(void **state)
{
	struct icmp_world *w = *state;

	for (int i = 0; i < 40; i++) {
		uint64_t began_ns = ep_clock_mono_ns(), seen_ns;

		icmp_world_start(w);
		while (ep_clock_mono_ns() < began_ns + 5 * EP_NS_PER_MS)
			;
		icmp_world_wait(w, 1);
		seen_ns = ep_clock_mono_ns() - began_ns;
		assert_int_equal(w->last.outcome, EP_REPLIED);
		if (w->last.stamp != EP_STAMP_KERNEL)
			continue; /* the first ones */
		assert_true((uint64_t)w->last.rtt_ns * 4 < seen_ns);
		assert_true(w->last.uncertainty_ns * 4 < seen_ns);
	}
	assert_true(w->kernel > 20);
}

/* Ping sockets need one each: what is too much says so, and is over soon. */
static void many_fresh_flows_at_once(void **state)
{
	struct icmp_world *w = *state;

	w->target.fresh_flow = true;
	for (int round = 1; round <= 2; round++) {
		for (unsigned i = 0; i < 300; i++)
			icmp_world_start(w);
		icmp_world_wait(w, 300);
		assert_true(w->outcomes[EP_REPLIED] >= 100U * (unsigned)round);
		assert_int_equal(w->outcomes[EP_REPLIED] +
					 w->outcomes[EP_FAILED],
				 w->answers);
	}
	icmp_world_measure(w);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	assert_int_equal(w->last.flags, EP_FLAG_FRESH_FLOW);
}

static void closed_with_fresh_flows_in_flight(void **state)
{
	struct icmp_world *w = *state;

	w->target.fresh_flow = true;
	for (int i = 0; i < 10; i++)
		icmp_world_start(w);
	ep_probe_cancel(icmp_world_start(w));
	ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
	icmp_world_wait(w, 11);
	assert_int_equal(w->outcomes[EP_CANCELLED], 11);
}

static bool set_loopback_mtu(int mtu)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = ioctl(fd, SIOCSIFMTU, &request);

	close(fd);
	return r == 0;
}

static void too_big_is_cut_unless_it_must_not_be(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	struct icmp_world *w = *state;

	if (geteuid() != 0 || !set_loopback_mtu(1300))
		skip(); /* the host's own loopback is not ours to change */
	w->target.size = 1400;
	for (size_t i = 0; i < 2; i++) {
		w->target.host = hosts[i];
		if (icmp_world_measure(w)->reason == EP_REASON_NO_ROUTE)
			continue; /* no IPv6 */
		assert_int_equal(w->last.outcome, EP_REPLIED);
		w->target.dont_fragment = true;
		icmp_world_measure(w);
		assert_int_equal(w->last.outcome, EP_FAILED);
		assert_int_equal(w->last.reason, EP_REASON_PACKET_TOO_BIG);
		w->target.dont_fragment = false;
		assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	}
	assert_true(set_loopback_mtu(65536));
}

static bool any_socket = false, raw_socket = true;

/* Such as the agent's, and that of somebody who looks by hand meanwhile. */
static void two_engines_do_not_take_each_others_replies(void **state)
{
	struct icmp_world *w = *state;
	void *other = &any_socket;

	assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	assert_int_equal(icmp_world_open(&other), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(icmp_world_measure(other)->outcome,
				 EP_REPLIED);
		assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
	}
	assert_int_equal(icmp_world_close(&other), 0);
	assert_int_equal(icmp_world_measure(w)->outcome, EP_REPLIED);
}

#define WITH(test, which)                                                      \
	{                                                                      \
#test " (" #which ")", test, icmp_world_open,                  \
			icmp_world_close, &which                               \
	}
#define BOTH(test) WITH(test, raw_socket), WITH(test, any_socket)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_reply_over_ipv4_is_measured_by_the_kernel),
		BOTH(a_reply_over_ipv6_is_measured_by_the_kernel),
		BOTH(many_in_flight_are_told_apart),
		BOTH(all_sizes_come_back),
		BOTH(cancelled_with_its_reply_on_the_way),
		BOTH(closed_in_mid_flight),
		BOTH(after_its_deadline_it_is_lost_and_then_late),
		BOTH(in_time_but_read_late_is_a_reply),
		BOTH(a_reply_from_another_address_is_nobodys),
		BOTH(what_this_host_drops_is_unmeasured),
		BOTH(it_leaves_by_its_source_or_not_at_all),
		BOTH(ready_opens_each_family_once),
		BOTH(a_loop_that_is_blocked_measures_right),
		BOTH(many_fresh_flows_at_once),
		BOTH(closed_with_fresh_flows_in_flight),
		BOTH(too_big_is_cut_unless_it_must_not_be),
		BOTH(two_engines_do_not_take_each_others_replies),
	};

	/* Both kinds of sockets are there, whatever this host allows. */
	if (geteuid() == 0) {
		own_net_enter(0);
		own_net_write("/proc/sys/net/ipv4/ping_group_range",
			      "0 2147483647");
	}
	raw_socket = icmp_allowed(4, true);
	if (!raw_socket && !icmp_allowed(4, false)) {
		printf("1..0 # SKIP ICMP needs CAP_NET_RAW or "
		       "net.ipv4.ping_group_range\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
