#include "core/loop_delay.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What the account may be off by, and what the kernel does between an event
 * and making us runnable. */
#define SLACK_NS (20 * EP_NS_PER_US)

/* Nanoseconds that this thread ran or wanted to run; 0: not known. The file's
 * own figure for the former is only brought up to date at ticks. */
static uint64_t read_busy(const struct loop_delay *d)
{
	char text[96];
	char *after;
	struct timespec ran;
	ssize_t n;

	if (d->account_fd < 0)
		return 0;
	n = pread(d->account_fd, text, sizeof(text) - 1, 0);
	if (n <= 0 || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran) < 0)
		return 0;
	text[n] = '\0';
	(void)strtoull(text, &after, 10);
	return (uint64_t)ran.tv_sec * EP_NS_PER_S + (uint64_t)ran.tv_nsec +
	       strtoull(after, NULL, 10);
}

/* On the thread that runs the loop, which need not be the one that opened. */
static void open_account(struct loop_delay *d)
{
	d->opened = true;
	d->account_fd =
		open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct loop_delay *d =
		container_of(prepare, struct loop_delay, prepare);

	if (!d->opened)
		open_account(d);
	d->wait_ns = ep_clock_mono_ns();
	d->wait_busy = read_busy(d);
}

/* Time since the loop went to wait in which it did not sleep. */
static uint64_t awake_ns(const struct loop_delay *d, uint64_t now_ns)
{
	uint64_t all_ns = now_ns - d->wait_ns;
	uint64_t busy = read_busy(d);

	if (busy == 0 || d->wait_busy == 0 || busy < d->wait_busy)
		return all_ns;
	busy -= d->wait_busy;
	return busy < all_ns ? busy : all_ns;
}

static void on_check(uv_check_t *check)
{
	struct loop_delay *d = container_of(check, struct loop_delay, check);
	uint64_t now_ns = ep_clock_mono_ns();

	if (d->wait_ns != 0)
		d->woke_ns = now_ns - awake_ns(d, now_ns);
}

uint64_t loop_delay_bound_ns(const struct loop_delay *delay, uint64_t now_ns)
{
	uint64_t awake;

	if (delay->wait_ns == 0)
		return now_ns - delay->woke_ns;
	awake = awake_ns(delay, now_ns);
	if (now_ns - delay->wait_ns > awake + SLACK_NS)
		return awake + SLACK_NS; /* it slept: the event woke it */
	return now_ns - delay->woke_ns + SLACK_NS;
}

void loop_delay_open(struct loop_delay *delay, uv_loop_t *loop,
		     struct ep_scope *scope)
{
	delay->account_fd = -1;
	uv_prepare_init(loop, &delay->prepare);
	ep_scope_adopt(scope, (uv_handle_t *)&delay->prepare);
	uv_unref((uv_handle_t *)&delay->prepare);
	uv_check_init(loop, &delay->check);
	ep_scope_adopt(scope, (uv_handle_t *)&delay->check);
	uv_unref((uv_handle_t *)&delay->check);
}

void loop_delay_shut(struct loop_delay *delay, struct ep_scope *scope)
{
	ep_scope_shut(scope, (uv_handle_t *)&delay->prepare);
	ep_scope_shut(scope, (uv_handle_t *)&delay->check);
	if (delay->account_fd >= 0)
		close(delay->account_fd);
	delay->account_fd = -1;
}

void loop_delay_take(struct loop_delay *delay)
{
	if (delay->wanted++ > 0)
		return;
	delay->wait_ns = 0;
	delay->woke_ns = ep_clock_mono_ns();
	uv_prepare_start(&delay->prepare, on_prepare);
	uv_check_start(&delay->check, on_check);
}

void loop_delay_drop(struct loop_delay *delay)
{
	if (--delay->wanted > 0)
		return;
	uv_prepare_stop(&delay->prepare);
	uv_check_stop(&delay->check);
}
