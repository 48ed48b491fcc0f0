/* Stamps that do not come: what the kernel says is real, but some of it is
 * hidden from the library. */
#include "../lib/icmp_world.h"
#include "../lib/own_net.h"
#include "core/icmp_line.h"
#include "edgeprobe/line.h"
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	bool driver, queue, received; /* hide these stamps */
	unsigned shown_queue;         /* stamps of the queue that came */
	int watches;                  /* descriptors in the engine's epoll */
} kernel;

static void hide_transmit(struct cmsghdr *c)
{
	struct sock_extended_err error;

	memcpy(&error, CMSG_DATA(c), sizeof(error));
	if (error.ee_origin != SO_EE_ORIGIN_TIMESTAMPING)
		return;
	kernel.shown_queue += error.ee_info == SCM_TSTAMP_SCHED;
	if ((error.ee_info == SCM_TSTAMP_SND && kernel.driver) ||
	    (error.ee_info == SCM_TSTAMP_SCHED && kernel.queue))
		error.ee_origin = SO_EE_ORIGIN_NONE;
	memcpy(CMSG_DATA(c), &error, sizeof(error));
}

static void hide(struct msghdr *m, bool queued)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c))
		if (queued && c->cmsg_level != SOL_SOCKET)
			hide_transmit(c);
		else if (!queued && kernel.received &&
			 c->cmsg_level == SOL_SOCKET)
			c->cmsg_level = SOL_PACKET;
}

int __real_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
		    struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
		    struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
		    struct timespec *timeout)
{
	int r = __real_recvmmsg(fd, messages, n, flags, timeout);

	for (int i = 0; i < r; i++)
		hide(&messages[i].msg_hdr, flags & MSG_ERRQUEUE);
	return r;
}

int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	int r = __real_epoll_ctl(epoll, what, fd, event);

	if (r == 0)
		kernel.watches +=
			(what == EPOLL_CTL_ADD) - (what == EPOLL_CTL_DEL);
	return r;
}

/* Until the kernel stamps what is received: it begins when first asked. */
static int open_world(void **state)
{
	struct icmp_world *w;
	int tries = 1000;

	memset(&kernel, 0, sizeof(kernel));
	icmp_world_open(state);
	w = *state;
	while (icmp_world_measure(w)->stamp != EP_STAMP_KERNEL && tries > 0)
		tries--;
	assert_true(tries > 0);
	return 0;
}

/* Enough replies without the device's stamp to ask for the queue's. */
static void measure_bare(struct icmp_world *w)
{
	for (int i = 0; i < ICMP_LINE_BARE; i++)
		icmp_world_measure(w);
}

static void without_the_devices_stamp_the_queues_counts(void **state)
{
	struct icmp_world *w = *state;

	assert_int_equal(w->last.flags, 0);
	kernel.shown_queue = 0;
	icmp_world_measure(w);
	assert_int_equal(kernel.shown_queue, 0); /* nor is it asked for */
	kernel.driver = true;
	measure_bare(w);
	for (int i = 0; i < 5; i++) {
		icmp_world_measure(w);
		assert_int_equal(w->last.stamp, EP_STAMP_KERNEL);
		assert_int_equal(w->last.flags, EP_FLAG_TX_SCHED);
		assert_true(w->last.rtt_ns > 0);
	}
	kernel.driver = false;
	icmp_world_measure(w);
	assert_int_equal(w->last.flags, 0);
	kernel.shown_queue = 0;
	icmp_world_measure(w);
	assert_int_equal(kernel.shown_queue, 0);
}

static void without_a_transmit_stamp_the_send_call_counts(void **state)
{
	struct icmp_world *w = *state;
	uint64_t sure_ns = w->last.uncertainty_ns;

	kernel.driver = kernel.queue = true;
	measure_bare(w);
	icmp_world_measure(w);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	assert_int_equal(w->last.stamp, EP_STAMP_MIXED);
	assert_int_equal(w->last.flags, 0);
	assert_true(w->last.uncertainty_ns >= sure_ns);
	kernel.received = true;
	icmp_world_measure(w);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	assert_int_equal(w->last.stamp, EP_STAMP_USER);
	assert_true(w->last.rtt_ns > 0);
}

static void without_a_receive_stamp_reading_counts(void **state)
{
	struct icmp_world *w = *state;

	kernel.received = true;
	icmp_world_measure(w);
	assert_int_equal(w->last.outcome, EP_REPLIED);
	assert_int_equal(w->last.stamp, EP_STAMP_MIXED);
	assert_int_equal(w->last.flags, 0);
	assert_true(w->last.rtt_ns > 0);
}

static void burn(uint64_t until_ns)
{
	while (ep_clock_mono_ns() < until_ns)
		;
}

static void measure_dense(struct icmp_world *w, int n)
{
	uint64_t at_ns = ep_clock_mono_ns();

	for (int i = 0; i < n; i++) {
		burn(at_ns += 2 * EP_NS_PER_MS);
		icmp_world_start(w);
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	assert_true(ep_engine_dense(w->engine));
}

/* Reading every 20 ms would be part of the figure. */
static void dense_without_receive_stamps_is_waited_for(void **state)
{
	struct icmp_world *w = *state;
	int dense;

	measure_dense(w, 200);
	dense = kernel.watches;
	kernel.received = true;
	measure_dense(w, 100);
	assert_int_equal(kernel.watches, dense + 1);
	kernel.received = false;
	measure_dense(w, 50);
	assert_int_equal(kernel.watches, dense);
	icmp_world_wait(w, ep_engine_in_flight(w->engine));
	assert_int_equal(w->outcomes[EP_REPLIED], w->answers);
}

/* --- lines --- */

static void each_line_is_learnt_by_itself(void **state)
{
	struct icmp_lines lines;
	uint8_t first, second;

	(void)state;
	icmp_lines_init(&lines);
	assert_int_equal(icmp_lines_find(&lines, NULL), 0);
	first = icmp_lines_find(&lines, "wan0");
	second = icmp_lines_find(&lines, "192.0.2.1");
	assert_int_equal(icmp_lines_find(&lines, "wan0"), first);
	assert_true(first != second && first != 0 && second != 0);
	assert_true(icmp_line_asks_queue(&lines.line[first]));
	icmp_line_left(&lines.line[first], true);
	assert_true(icmp_line_asks_queue(&lines.line[first]));
	icmp_line_left(&lines.line[first], false);
	assert_false(icmp_line_asks_queue(&lines.line[first]));
	assert_true(icmp_line_asks_queue(&lines.line[second]));
	for (int i = 0; i < ICMP_LINE_BARE; i++) {
		assert_false(icmp_line_asks_queue(&lines.line[first]));
		icmp_line_replied(&lines.line[first], false, true);
	}
	assert_true(icmp_line_asks_queue(&lines.line[first]));
}

static void too_many_lines_share_the_last(void **state)
{
	struct icmp_lines lines;
	char name[16];

	(void)state;
	icmp_lines_init(&lines);
	for (int i = 0; i < 2 * ICMP_LINES_MAX; i++) {
		snprintf(name, sizeof(name), "wan%d", i);
		assert_true(icmp_lines_find(&lines, name) < ICMP_LINES_MAX);
	}
	assert_int_equal(icmp_lines_find(&lines, "wan0"), 1);
	assert_int_equal(icmp_lines_find(&lines, name), ICMP_LINES_MAX - 1);
}

/* --- the self-test --- */

static struct ep_line told;
static unsigned tellings;
static const char *asked; /* source of the line */

static void on_line(const struct ep_line *line, void *arg)
{
	struct icmp_world *w = arg;

	told = *line;
	tellings++;
	assert_true((line->source == NULL) == (asked == NULL));
	if (asked != NULL)
		assert_string_equal(line->source, asked);
	if (w->engine != NULL)
		uv_stop(&w->loop);
}

static void test_line(struct icmp_world *w, const char *source)
{
	tellings = 0;
	asked = source;
	assert_int_equal(
		ep_engine_self_test(w->engine, source, "127.0.0.1", on_line, w),
		0);
	assert_int_equal(tellings, 0);
	w->wanted = UINT32_MAX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(tellings, 1);
	assert_int_equal(told.family, 4);
	assert_true(told.replies > 0);
	assert_int_equal(told.replies, told.echoes); /* no gateway counts */
	assert_true(told.buffer_bytes > 0);
}

static void the_self_test_says_what_comes(void **state)
{
	struct icmp_world *w = *state;

	test_line(w, "127.0.0.1");
	assert_true(told.tx_driver && told.tx_queue && told.rx);
	kernel.driver = true;
	test_line(w, "127.0.0.2");
	assert_true(!told.tx_driver && told.tx_queue && told.rx);
	kernel.queue = kernel.received = true;
	test_line(w, "127.0.0.3");
	assert_true(!told.tx_driver && !told.tx_queue && !told.rx);
}

static void a_self_test_that_is_cut_short_says_so(void **state)
{
	struct icmp_world *w = *state;

	tellings = 0;
	asked = NULL;
	assert_int_equal(
		ep_engine_self_test(w->engine, NULL, "127.0.0.1", on_line, w),
		0);
	ep_engine_close(w->engine, NULL, NULL);
	w->engine = NULL;
	w->wanted = UINT32_MAX;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(tellings, 1);
	assert_int_equal(told.replies, 0);
}

static bool any_socket = false, raw_socket = true;

#define WITH(test, which)                                                      \
	{                                                                      \
#test " (" #which ")", test, open_world, icmp_world_close,     \
			&which                                                 \
	}
#define BOTH(test) WITH(test, raw_socket), WITH(test, any_socket)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(without_the_devices_stamp_the_queues_counts),
		BOTH(without_a_transmit_stamp_the_send_call_counts),
		BOTH(without_a_receive_stamp_reading_counts),
		BOTH(dense_without_receive_stamps_is_waited_for),
		BOTH(the_self_test_says_what_comes),
		BOTH(a_self_test_that_is_cut_short_says_so),
		cmocka_unit_test(each_line_is_learnt_by_itself),
		cmocka_unit_test(too_many_lines_share_the_last),
	};

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
