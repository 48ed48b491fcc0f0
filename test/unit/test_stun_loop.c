/* STUN probes to a server of the test's own, on loopback. A probe's request has
 * left when it has been started; what the server says is the test's choice. */
#include "core/stun_wire.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include "edgeprobe/probe.h"
#include "lib/own_net.h"
#include "lib/stun_world.h"
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

/* By how much the engine's clock is ahead. */
static uint64_t ahead_ns;

uint64_t __real_ep_clock_mono_ns(void);
uint64_t __wrap_ep_clock_mono_ns(void);
uint64_t __wrap_ep_clock_mono_ns(void)
{
	return __real_ep_clock_mono_ns() + ahead_ns;
}

static void a_binding_is_measured_between_kernel_stamps(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	struct stun_world *w = *state;
	char text[EP_ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < 2; i++) {
		uint16_t port;

		stun_world_aim(w, hosts[i]);
		port = stun_world_measure_stamped(w);
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
	struct stun_world *w = *state;
	uint16_t first = stun_world_measure(w), other;

	for (int i = 0; i < 5; i++)
		assert_int_equal(stun_world_measure(w), first);
	w->target.flow = 43;
	other = stun_world_measure(w);
	assert_int_not_equal(other, first);
	w->target.fresh_flow = true;
	for (int i = 0; i < 5; i++) {
		uint16_t fresh = stun_world_measure(w);

		assert_int_not_equal(fresh, first);
		assert_int_not_equal(fresh, other);
		assert_int_equal(w->last.flags, EP_FLAG_FRESH_FLOW);
	}
}

#define FLOWS 5

/* So much later that all flows that nobody waits for are to be closed. */
static void start_much_later(struct stun_world *w)
{
	struct ep_probe *probe;

	assert_int_equal(w->last.outcome, EP_REPLIED);
	ahead_ns = 3600 * EP_NS_PER_S;
	probe = stun_world_start(w);
	ahead_ns = 0;
	ep_probe_cancel(probe);
}

/* The deadline has passed before the answer was read: then all that has come is
 * read flow by flow, and a callback in the middle of that starts a probe. */
static void what_is_read_next_is_not_closed(void **state)
{
	struct stun_world *w = *state;
	uint16_t ports[FLOWS];
	struct stun_request r;
	uint64_t until_ns;

	for (unsigned i = 0; i < FLOWS; i++) {
		w->target.flow = 1 + i;
		ports[i] = stun_world_measure_stamped(w);
	}
	w->target.flow = 1 + FLOWS / 2;
	w->target.timeout_ns = 20 * EP_NS_PER_MS;
	w->then = start_much_later;
	stun_world_start(w);
	until_ns = ep_clock_mono_ns() + w->target.timeout_ns;
	stun_world_hear(w, &r);
	stun_world_answer(w, &r);
	while (ep_clock_mono_ns() <= until_ns)
		;
	stun_world_wait(w, 2); /* and that the other one is cancelled */
	assert_null(w->then);
	w->target.timeout_ns = 10 * EP_NS_PER_S;
	stun_world_hear(w, &r); /* of the one that was cancelled */
	for (unsigned i = 0; i < FLOWS; i++) {
		w->target.flow = 1 + i;
		assert_int_equal(stun_world_measure(w), ports[i]);
	}
}

/* A burst is on its way at once; answers come in another order. */
static void many_at_once_are_told_apart(void **state)
{
	struct stun_request r[50];
	struct stun_world *w = *state;

	for (size_t i = 0; i < 50; i++) {
		stun_world_start(w);
		stun_world_hear(w, &r[i]);
	}
	for (size_t i = 50; i-- > 0;)
		stun_world_answer(w, &r[i]);
	stun_world_wait(w, 50);
	assert_int_equal(w->answers, 50);
	assert_int_equal(w->last.outcome, EP_REPLIED);
}

static void a_forged_answer_is_nobodys(void **state)
{
	struct stun_world *w = *state;
	struct stun_request r, forged;
	uint8_t junk[1500] = "nothing of the kind";

	stun_world_start(w);
	stun_world_hear(w, &r);
	for (size_t at = 8; at < STUN_REQUEST_BYTES; at++) {
		forged = r;
		forged.bytes[at] ^= 1;
		stun_world_answer(w, &forged);
	}
	stun_world_say(w, &r, junk, sizeof(junk));
	stun_world_say(w, &r, r.bytes, r.n);
	stun_world_say(w, &r, junk, 0);
	stun_world_answer(w, &r);
	stun_world_wait(w, 1);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->lates, 0);
	assert_int_equal(w->last.outcome, EP_REPLIED);
}

static void a_refusal_is_a_round_trip(void **state)
{
	struct stun_world *w = *state;
	struct stun_request r;
	uint8_t bytes[32];

	stun_world_start(w);
	stun_world_hear(w, &r);
	memcpy(bytes, r.bytes, STUN_REQUEST_BYTES);
	memcpy(bytes, "\1\x11\0\x08", 4);
	memcpy(bytes + 20, "\0\x09\0\4\0\0\4\1", 8);
	stun_world_say(w, &r, bytes, 28);
	stun_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	assert_int_equal(w->last.mapped.family, 0);
	assert_true(w->last.rtt_ns > 0);
}

static void late_and_second_answers_are_told(void **state)
{
	struct stun_world *w = *state;
	struct stun_request r;

	w->target.timeout_ns = 20 * EP_NS_PER_MS;
	stun_world_start(w);
	stun_world_hear(w, &r);
	stun_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_LOST);
	assert_int_equal(w->last.reason, EP_REASON_TIMEOUT);
	stun_world_answer(w, &r);
	stun_world_wait(w, 1);
	assert_int_equal(w->lates, 1);
	assert_true(w->last_late.id == w->last.id);
	assert_true(w->last_late.rtt_ns > (int64_t)w->target.timeout_ns);
	assert_int_equal(w->last_late.mapped_port, stun_world_port_from(&r));

	w->target.timeout_ns = 10 * EP_NS_PER_S;
	stun_world_start(w);
	stun_world_hear(w, &r);
	stun_world_answer(w, &r);
	stun_world_answer(w, &r);
	stun_world_wait(w, 2);
	assert_int_equal(w->answers, 2);
	assert_int_equal(w->lates, 2);
	assert_int_equal(w->last_late.flags & EP_FLAG_DUPLICATE,
			 EP_FLAG_DUPLICATE);
}

static void where_nobody_listens_icmp_says_so(void **state)
{
	struct stun_world *w = *state;
	unsigned wanted[] = { EP_UNREACHABLE, EP_UNREACHABLE };

	close(w->server);
	w->server = -1;
	/* the second send is told of the first one's error, and goes */
	for (size_t i = 0; i < 2; i++) {
		stun_world_start(w);
		stun_world_wait(w, 1);
		assert_int_equal(w->last.outcome, wanted[i]);
		assert_int_equal(w->last.reason, EP_REASON_PORT_UNREACHABLE);
	}
	stun_world_aim(w, "127.0.0.1");
	stun_world_measure(w);
}

static void it_leaves_by_its_source_or_not_at_all(void **state)
{
	static const char *const sources[] = { "192.0.2.77", "::1", "nosuch0" };
	struct stun_world *w = *state;
	struct stun_request r;

	w->target.source = "127.0.0.9";
	stun_world_start(w);
	stun_world_hear(w, &r);
	assert_int_equal(ntohl(r.from.in4.sin_addr.s_addr), 0x7f000009);
	stun_world_answer(w, &r);
	stun_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	for (size_t i = 0; i < 3; i++) {
		w->target.source = sources[i];
		stun_world_start(w);
		stun_world_wait(w, 1);
		assert_int_equal(w->last.outcome, EP_FAILED);
		assert_int_equal(w->last.reason, EP_REASON_NO_SOURCE);
	}
}

/* The answer comes when our own buffer is full: that is no loss. */
static void what_our_host_dropped_is_no_loss(void **state)
{
	static const uint8_t junk[1000];
	struct stun_world *w = *state;
	struct stun_request r;

	w->target.timeout_ns = 200 * EP_NS_PER_MS;
	stun_world_start(w);
	stun_world_hear(w, &r);
	for (int i = 0; i < 8000; i++)
		stun_world_say(w, &r, junk, i < 7000 ? sizeof(junk) : 1);
	stun_world_answer(w, &r);
	stun_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_FAILED);
	assert_int_equal(w->last.reason, EP_REASON_UNMEASURED);
}

static void cancelled_and_closed_while_under_way(void **state)
{
	struct stun_world *w = *state;
	struct ep_probe *probe = stun_world_start(w);
	struct stun_request r;

	stun_world_hear(w, &r);
	ep_probe_cancel(probe);
	stun_world_wait(w, 1);
	assert_int_equal(w->last.outcome, EP_CANCELLED);
	stun_world_answer(w, &r); /* is nobody's */
	stun_world_measure(w);
	assert_int_equal(w->lates, 0);
	stun_world_start(w);
	w->target.fresh_flow = true;
	stun_world_start(w);
	ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, stun_world_open, stun_world_close)

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
