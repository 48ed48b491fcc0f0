/* The TCP kind while probes are dense, and while this process does other things:
 * answers are read late, all together, and that spoils nothing. */
#include "../lib/tcp_world.h"
#include "../lib/tun_net.h"
#include "edgeprobe/clock.h"
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MS   EP_NS_PER_MS
#define MANY 1000

/* --- what the library asks the kernel --- */

static _Thread_local unsigned calls;

int __real_epoll_wait(int fd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int ms)
{
	calls++;
	return __real_epoll_wait(fd, events, max, ms);
}

int __real_getsockopt(int fd, int level, int name, void *value,
		      socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value,
		      socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value,
		      socklen_t *length)
{
	calls++;
	return __real_getsockopt(fd, level, name, value, length);
}

int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	calls++;
	return __real_poll(fds, n, ms);
}

/* --- many dials --- */

struct many {
	struct tcp_world *w;
	struct tun_host host;
	struct ep_sample samples[TUN_SEEN_MAX]; /* in the order of the dials */
	unsigned started, answered;
	struct ep_sample late;
};

static void on_one(const struct ep_target *target,
		   const struct ep_sample *sample, void *arg)
{
	struct many *m = arg;

	(void)target;
	m->samples[sample->id - 1] = *sample;
	m->answered++;
	uv_stop(&m->w->loop);
}

static void start_target(struct many *m, const struct ep_target *target)
{
	assert_true(m->started < TUN_SEEN_MAX);
	assert_int_equal(
		ep_probe_start(m->w->engine, target, 0, on_one, m, NULL), 0);
	m->started++;
}

static void start_one(struct many *m)
{
	start_target(m, &m->w->target);
}

static void await_all(struct many *m)
{
	while (m->answered < m->started)
		uv_run(&m->w->loop, UV_RUN_ONCE);
}

/* About a thousand a second. */
static void start_some(struct many *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		start_one(m);
		poll(NULL, 0, 1);
		uv_run(&m->w->loop, UV_RUN_NOWAIT);
	}
}

static void become_dense(struct many *m)
{
	while (!ep_engine_dense(m->w->engine))
		start_some(m, 1);
}

static int open_many(void **state)
{
	struct many *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(tcp_world_open((void **)&m->w), 0);
	m->w->target.host = TUN_HOST4;
	m->host.fd = tun_net_fd();
	m->host.delay_ns = 5 * MS;
	*state = m;
	return 0;
}

static int close_many(void **state)
{
	struct many *m = *state;

	tcp_world_close((void **)&m->w);
	tun_host_finish(&m->host);
	free(m);
	return 0;
}

/* --- dense --- */

/* Somebody looks every few milliseconds; to be woken for each of them would be
 * three calls more. */
static void answers_wake_nobody(void **state)
{
	struct many *m = *state;
	unsigned before, first;
	uint64_t began_ns;

	tun_host_start(&m->host);
	become_dense(m);
	first = m->started;
	before = calls;
	began_ns = ep_clock_mono_ns();
	start_some(m, 200);
	await_all(m);
	tun_host_stop(&m->host);
	before += 200; /* poll() in start_some() */
	before += (unsigned)((ep_clock_mono_ns() - began_ns) / (2 * MS));
	assert_true(calls < before + 200 + 100);
	for (unsigned i = first; i < m->started; i++)
		tcp_world_expect_handshake(&m->samples[i]);
}

static void spin(uint64_t ns)
{
	uint64_t end_ns = ep_clock_mono_ns() + ns;

	while (ep_clock_mono_ns() < end_ns)
		;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The loop stands still for 5 ms at a time. The host's own lateness is part of
 * the path, so that only the middle is judged. */
static void blocked_loop_spoils_no_figure(void **state)
{
	struct many *m = *state;
	int64_t errors[200];
	unsigned first;

	tun_host_start(&m->host);
	become_dense(m);
	first = m->started;
	for (unsigned i = 0; i < 200; i += 5) {
		for (unsigned k = 0; k < 5; k++)
			start_one(m);
		spin(5 * MS);
		uv_run(&m->w->loop, UV_RUN_NOWAIT);
	}
	await_all(m);
	tun_host_stop(&m->host);
	assert_int_equal(m->host.n_seen, m->started);
	for (unsigned i = 0; i < 200; i++) {
		const struct tun_seen *seen = &m->host.seen[first + i];
		const struct ep_sample *s = &m->samples[first + i];

		tcp_world_expect_handshake(s);
		errors[i] = s->rtt_ns -
			    (int64_t)(seen->answered_ns - seen->came_ns);
	}
	qsort(errors, 200, sizeof(errors[0]), compare);
	assert_true(errors[100] < (int64_t)MS);
}

static enum tun_fate refuse_81(const struct tun_host *host, unsigned n,
			       const struct tun_packet *syn)
{
	(void)host;
	(void)n;
	return syn->bytes[23] == 81 ? TUN_REFUSE : TUN_REPLY;
}

/* The first one is found when somebody looks; then they are waited for. */
static void known_refuser_is_seen_at_once(void **state)
{
	struct many *m = *state;
	struct ep_target refuser = m->w->target;
	uint64_t least_ns = UINT64_MAX;

	refuser.port = 81;
	m->host.fate = refuse_81;
	tun_host_start(&m->host);
	become_dense(m);
	for (unsigned i = 0; i < 11; i++) {
		const struct ep_sample *s = &m->samples[m->started];

		start_target(m, &refuser);
		start_some(m, 20);
		await_all(m);
		tcp_world_expect(s, EP_REFUSED, "tcp_reset");
		assert_int_equal(s->stamp, EP_STAMP_USER);
		assert_true(s->uncertainty_ns <= (uint64_t)s->rtt_ns);
		assert_true(s->uncertainty_ns + 5 * MS >= (uint64_t)s->rtt_ns ||
			    i > 0);
		if (i > 0 && s->uncertainty_ns < least_ns)
			least_ns = s->uncertainty_ns;
	}
	tun_host_stop(&m->host);
	assert_true(least_ns < 2 * MS);
}

static enum tun_fate ignore_9(const struct tun_host *host, unsigned n,
			      const struct tun_packet *syn)
{
	(void)host;
	(void)n;
	return syn->bytes[23] == 9 ? TUN_IGNORE : TUN_REPLY;
}

/* A dead line: all wait, and there is a deadline every moment. */
static void thousand_silent_ones_cost_little(void **state)
{
	struct many *m = *state;
	struct ep_target silent = m->w->target;
	unsigned before, first;

	silent.port = 9;
	silent.timeout_ns = 300 * MS;
	m->host.fate = ignore_9;
	tun_host_start(&m->host);
	become_dense(m);
	await_all(m);
	first = m->started;
	before = calls;
	for (unsigned i = 0; i < MANY; i++) {
		start_target(m, &silent);
		if (i % 8 == 0)
			uv_run(&m->w->loop, UV_RUN_NOWAIT);
	}
	await_all(m);
	tun_host_stop(&m->host);
	for (unsigned i = 0; i < MANY; i++)
		tcp_world_expect(&m->samples[first + i], EP_LOST, "timeout");
	assert_true(calls - before < 3 * MANY);
}

static void cancelled_while_their_answers_lie_there(void **state)
{
	struct many *m = *state;
	struct ep_probe *probes[20];

	tun_host_start(&m->host);
	become_dense(m);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(ep_probe_start(m->w->engine, &m->w->target, 0,
						on_one, m, &probes[i]),
				 0);
		m->started++;
	}
	spin(30 * MS); /* it is time to look, before anything else */
	for (unsigned i = 0; i < 20; i += 2)
		ep_probe_cancel(probes[i]);
	await_all(m);
	tun_host_stop(&m->host);
	for (unsigned i = 0; i < 20; i++) {
		unsigned at = m->started - 20 + i;

		assert_int_equal(m->samples[at].outcome,
				 i % 2 == 0 ? EP_CANCELLED : EP_REPLIED);
		assert_int_equal(m->samples[at].rtt_ns == EP_ABSENT,
				 i % 2 == 0);
	}
}

/* --- stopped --- */

static void on_late(const struct ep_sample *sample, void *arg)
{
	struct many *m = arg;

	m->late = *sample;
}

/* The process that measures. */
static int measure_one(bool in_time)
{
	struct many *m;
	const struct ep_sample *s;
	int64_t timeout_ns = (int64_t)(400 * MS);

	open_many((void **)&m);
	ep_engine_on_late(m->w->engine, on_late, m);
	m->w->target.timeout_ns = 400 * MS;
	s = &m->samples[0];
	start_one(m);
	await_all(m);
	if (in_time)
		return s->outcome == EP_REPLIED && s->rtt_ns <= timeout_ns;
	return s->outcome == EP_LOST && s->rtt_ns == EP_ABSENT &&
	       m->late.id == s->id && m->late.outcome == EP_REPLIED &&
	       m->late.rtt_ns > timeout_ns;
}

static void stop_it(pid_t child)
{
	int status;

	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
}

static void stopped_on_the_way(bool in_time)
{
	struct tun_packet syn;
	int status;
	pid_t child;

	tun_flush(tun_net_fd());
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(measure_one(in_time) ? 0 : 1);
	tun_read_syn(tun_net_fd(), &syn);
	stop_it(child);
	if (in_time)
		tun_answer_tcp(tun_net_fd(), &syn, TUN_SYN_ACK, false);
	poll(NULL, 0, 500); /* its deadline passes */
	if (!in_time)
		tun_answer_tcp(tun_net_fd(), &syn, TUN_SYN_ACK, false);
	assert_int_equal(kill(child, SIGCONT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void answer_in_time_to_a_stopped_process(void **state)
{
	(void)state;
	stopped_on_the_way(true);
}

static void late_answer_to_a_stopped_process(void **state)
{
	(void)state;
	stopped_on_the_way(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_many, close_many)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_wake_nobody),
		TEST(blocked_loop_spoils_no_figure),
		TEST(known_refuser_is_seen_at_once),
		TEST(thousand_silent_ones_cost_little),
		TEST(cancelled_while_their_answers_lie_there),
		cmocka_unit_test(answer_in_time_to_a_stopped_process),
		cmocka_unit_test(late_answer_to_a_stopped_process),
	};

	return cmocka_run_group_tests(tests, tun_net_enter, NULL);
}
