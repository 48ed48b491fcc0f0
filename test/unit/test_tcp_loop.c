/* The TCP kind on a real loop, against real listeners on loopback. */
#include "../lib/tcp_world.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/engine.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS EP_NS_PER_MS

/* --- answers --- */

static void listener_replies(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct tcp_world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint16_t port;
		int fd = tcp_world_listen(addresses[i], 16, &port);

		w->target.host = addresses[i];
		tcp_world_expect_handshake(tcp_world_measure(w, port));
		assert_int_equal(w->last.port, port);
		assert_int_equal(w->last.address.family, i == 0 ? 4 : 6);
		close(fd);
	}
}

static void closed_port_refuses(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct tcp_world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint16_t port;
		int fd = tcp_world_listen(addresses[i], -1,
					  &port); /* bound only */

		w->target.host = addresses[i];
		tcp_world_expect(tcp_world_measure(w, port), EP_REFUSED,
				 "tcp_reset");
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
	struct tcp_world *w = *state;
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);

	w->target.port = port;
	tcp_world_start(w);
	spin(20 * MS);
	tcp_world_await(w, 1);
	tcp_world_expect_handshake(&w->last);
	assert_true(w->last.rtt_ns < (int64_t)(15 * MS));
	close(fd);
}

/* Our own clock's figure does, and says so. */
static void busy_loop_is_uncertainty_of_a_refusal(void **state)
{
	struct tcp_world *w = *state;
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", -1, &port);

	w->target.port = port;
	tcp_world_start(w);
	spin(20 * MS);
	tcp_world_await(w, 1);
	tcp_world_expect(&w->last, EP_REFUSED, "tcp_reset");
	if (w->last.rtt_ns >= (int64_t)(20 * MS))
		assert_true(w->last.uncertainty_ns >= 19 * MS);
	close(fd);
}

static void greeting_does_not_matter(void **state)
{
	struct tcp_world *w = *state;
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);
	int peer;

	w->target.port = port;
	tcp_world_start(w);
	peer = accept(fd, NULL, NULL);
	assert_true(peer >= 0);
	assert_int_equal(send(peer, "220 hello\r\n", 11, 0), 11);
	tcp_world_await(w, 1);
	tcp_world_expect_handshake(&w->last);
	close(peer);
	close(fd);
}

/* --- silence --- */

static void full_listener_is_silent(void **state)
{
	struct tcp_world *w = *state;
	int fillers[2];
	uint16_t port;
	int fd = tcp_world_listen_full(&port, fillers);

	w->target.timeout_ns = 50 * MS;
	tcp_world_expect(tcp_world_measure(w, port), EP_LOST, "timeout");
	assert_int_equal(w->last.rtt_ns, EP_ABSENT);
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
}

/* The SYN is dropped until the queue has room: the second one is answered, and
 * the second between them is not a round trip. */
static void syn_sent_again_is_no_second(void **state)
{
	struct tcp_world *w = *state;
	int fillers[2];
	uint16_t port;
	int fd = tcp_world_listen_full(&port, fillers);
	int peer;

	w->target.port = port;
	tcp_world_start(w);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_int_equal(w->answered, 0);
	peer = accept(fd, NULL, NULL);
	close(peer);
	tcp_world_await(w, 1);
	tcp_world_expect(&w->last, EP_REPLIED, "");
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
	struct tcp_world *w = *state;
	uint16_t port;
	int fd = tcp_world_listen("127.0.0.1", 16, &port);

	w->target.port = port;
	w->target.timeout_ns = 5 * MS;
	for (unsigned i = 0; i < 3; i++)
		tcp_world_start(w);
	spin(20 * MS);
	while (w->answered < 3) {
		uv_run(&w->loop, UV_RUN_ONCE);
		if (w->answered > 0)
			tcp_world_expect_handshake(&w->last);
	}
	close(fd);
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
	struct tcp_world *w = *state;
	unsigned before = count_fds();
	uint16_t port, closed;
	int fd = tcp_world_listen("127.0.0.1", 128, &port);
	int bound = tcp_world_listen("127.0.0.1", -1, &closed);

	for (unsigned i = 0; i < 2000; i++) {
		w->target.flow = i % 3;
		if (i % 2 == 0) {
			tcp_world_expect_handshake(tcp_world_measure(w, port));
			close(accept(fd, NULL, NULL));
		} else {
			tcp_world_expect(tcp_world_measure(w, closed),
					 EP_REFUSED, "tcp_reset");
		}
	}
	while (count_fds() >= before + 10) /* until the last have parted */
		tcp_world_measure(w, closed);
	close(fd);
	close(bound);
	tcp_world_shut(w);
	assert_true(count_fds() < before); /* its epoll is gone, too */
}

static void cancel_during_the_dial(void **state)
{
	struct tcp_world *w = *state;
	int fillers[2];
	uint16_t port;
	int fd = tcp_world_listen_full(&port, fillers);
	struct ep_probe *probe;

	w->target.port = port;
	probe = tcp_world_start(w);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	ep_probe_cancel(probe);
	ep_probe_cancel(probe);
	assert_int_equal(w->answered, 0);
	tcp_world_await(w, 1);
	assert_int_equal(w->last.outcome, EP_CANCELLED);
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
}

static void close_mid_way(void **state)
{
	struct tcp_world *w = *state;
	int fillers[2];
	uint16_t full, port;
	int fd = tcp_world_listen_full(&full, fillers);
	int good = tcp_world_listen("127.0.0.1", 16, &port);

	w->target.port = full;
	for (unsigned i = 0; i < 10; i++)
		tcp_world_start(w);
	tcp_world_shut(w);
	assert_int_equal(w->answered, 10);
	assert_int_equal(w->last.outcome, EP_CANCELLED);
	close(fillers[0]);
	close(fillers[1]);
	close(fd);
	close(good);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, tcp_world_open, tcp_world_close)

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
		TEST(thousands_leak_nothing),
		TEST(cancel_during_the_dial),
		TEST(close_mid_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
