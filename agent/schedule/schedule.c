/* Happy path: the timerfd is set for plan_next_ns(); on_ready() hands out what
 * is due and sets it for the next.
 *
 * A timerfd and not a uv_timer, because that one counts in milliseconds of the
 * loop's cached clock and is half a millisecond late in the median.
 *
 * What can fail: the loop is late (plan_take() says what was missed); the
 * callback stops the schedule (checked after each call). */
#include "schedule/schedule.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/private/scope.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Taken in one turn of the loop; then others' turn. After a stall there is
 * something to be said of every item. */
#define TAKES_MAX 1024

struct schedule {
	struct ep_scope scope;
	uv_poll_t poll;
	int fd;
	struct plan *plan;
	schedule_cb cb;
	void *arg;
	bool running;
	uint64_t armed_ns; /* when the timer is to call us */
	struct hist lag;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* Setting it takes what has expired out of the descriptor, too: no read. What
 * is over already is not late once more. */
static void arm(struct schedule *s, uint64_t now_ns)
{
	uint64_t next_ns = plan_next_ns(s->plan);
	struct itimerspec at = { 0 };

	s->armed_ns = next_ns > now_ns ? next_ns : now_ns;
	if (s->running && next_ns != UINT64_MAX) {
		at.it_value.tv_sec = (time_t)(next_ns / EP_NS_PER_S);
		at.it_value.tv_nsec = (long)(next_ns % EP_NS_PER_S);
		if (next_ns == 0)
			at.it_value.tv_nsec = 1; /* zero would disarm */
	}
	timerfd_settime(s->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct schedule *s = container_of(poll, struct schedule, poll);
	uint64_t now_ns = ep_clock_mono_ns();
	struct plan_due due;
	unsigned taken = 0;

	(void)status;
	(void)events;
	hist_add(&s->lag, now_ns > s->armed_ns ? now_ns - s->armed_ns : 0);
	for (; s->running && taken < TAKES_MAX &&
	       plan_take(s->plan, now_ns, &due);
	     taken++)
		s->cb(&due, s->arg);
	arm(s, now_ns);
}

static void free_schedule(struct ep_scope *scope)
{
	struct schedule *s = container_of(scope, struct schedule, scope);
	void (*closed)(void *arg) = s->closed;
	void *arg = s->closed_arg;

	close(s->fd);
	plan_destroy(s->plan);
	free(s);
	if (closed != NULL)
		closed(arg);
}

int schedule_open(uv_loop_t *loop, struct plan *plan, schedule_cb cb, void *arg,
		  struct schedule **ret_schedule)
{
	struct schedule *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (s == NULL)
		return r;
	s->cb = cb;
	s->arg = arg;
	s->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	r = s->fd < 0 ? -errno : uv_poll_init(loop, &s->poll, s->fd);
	if (r < 0)
		goto err_close;
	s->plan = plan;
	ep_scope_init(&s->scope);
	ep_scope_adopt(&s->scope, (uv_handle_t *)&s->poll);
	*ret_schedule = s;
	return 0;

err_close:
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return r;
}

void schedule_start(struct schedule *schedule)
{
	uint64_t now_ns = ep_clock_mono_ns();

	schedule->running = true;
	plan_start(schedule->plan, now_ns);
	uv_poll_start(&schedule->poll, UV_READABLE, on_ready);
	arm(schedule, now_ns);
}

void schedule_stop(struct schedule *schedule)
{
	schedule->running = false;
	arm(schedule, ep_clock_mono_ns());
}

void schedule_take_lag(struct schedule *schedule, struct hist *ret_lag)
{
	*ret_lag = schedule->lag;
	memset(&schedule->lag, 0, sizeof(schedule->lag));
}

void schedule_close(struct schedule *schedule, void (*cb)(void *arg), void *arg)
{
	schedule->running = false;
	schedule->closed = cb;
	schedule->closed_arg = arg;
	ep_scope_shut(&schedule->scope, (uv_handle_t *)&schedule->poll);
	ep_scope_end(&schedule->scope, free_schedule);
}
