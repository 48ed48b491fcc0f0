/* What the network says by ICMP instead of letting an https probe connect. On a
 * network of our own. */
#include "edgeprobe/clock.h"
#include "lib/https_world.h"
#include "lib/own_net.h"
#include "lib/tun_net.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define UNREACHABLE 3 /* ICMP */

static const struct ep_sample *told(struct https_world *w, const char *from,
				    uint8_t code)
{
	struct ep_target t = https_target(TUN_HOST4, 443, "/");
	struct tun_packet syn;

	tun_flush(tun_net_fd());
	https_start(w, &t);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	tun_read_syn(tun_net_fd(), &syn);
	tun_answer_icmp(tun_net_fd(), &syn, from, UNREACHABLE, code);
	https_wait(w, 1);
	w->n = 0;
	return &w->got;
}

static void a_router_says_why(void **state)
{
	static const struct {
		uint8_t code;
		enum ep_reason reason;
	} rows[] = {
		{ 0, EP_REASON_NET_UNREACHABLE },
		{ 1, EP_REASON_HOST_UNREACHABLE },
		{ 2, EP_REASON_PROTOCOL_UNREACHABLE },
		{ 9, EP_REASON_ADMIN_PROHIBITED },
		{ 13, EP_REASON_ADMIN_PROHIBITED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ep_sample *got =
			told(*state, TUN_ROUTER4, rows[i].code);

		expect_outcome(got, EP_UNREACHABLE, rows[i].reason);
		assert_int_equal(got->rtt_ns, EP_ABSENT);
		assert_int_equal(got->https.connect_ns, EP_ABSENT);
		assert_in_range(got->bytes, 40, 200);
	}
}

static void our_own_host_says_why(void **state)
{
	expect_outcome(told(*state, TUN_OWN4, 1), EP_FAILED,
		       EP_REASON_NO_ROUTE);
	expect_outcome(told(*state, TUN_OWN4, 13), EP_FAILED,
		       EP_REASON_PERMISSION);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, https_set_up, https_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_router_says_why),
		TEST(our_own_host_says_why),
	};

	return cmocka_run_group_tests(tests, tun_net_enter, NULL);
}
