/* Happy path: a dial is added once, for one event (EPOLLONESHOT), and nothing is
 * taken out: closing the descriptor does that.
 *
 * What can fail: an event that decides nothing (the owner adds the dial again,
 * which then is a change); a dial that ends while its event lies in the batch
 * (it is blanked there). */
#include "core/tcp_answers.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <unistd.h>

/* Batches at one look; what comes faster than that waits for the next. */
#define ROUNDS_MAX 64

static bool read_batch(struct tcp_answers *a, int fd)
{
	int n = epoll_wait(fd, a->batch, TCP_ANSWERS_BATCH, 0);

	a->n_batch = n > 0 ? n : 0;
	for (a->at_batch = 0; a->at_batch < a->n_batch; a->at_batch++) {
		struct epoll_event *event = &a->batch[a->at_batch];
		struct tcp_await *await = event->data.ptr;

		if (await == NULL)
			continue;
		await->waiting = false;
		a->n_quiet -= !await->loud;
		a->cb(await, event->events);
	}
	n = a->n_batch;
	a->n_batch = 0;
	return n == TCP_ANSWERS_BATCH;
}

static void read_loud(struct tcp_answers *a)
{
	for (unsigned i = 0; i < ROUNDS_MAX && read_batch(a, a->loud.fd); i++)
		;
}

static void read_quiet(struct tcp_answers *a)
{
	uint64_t now_ns = ep_clock_mono_ns();
	unsigned i = 0;

	while (i < ROUNDS_MAX && read_batch(a, a->quiet.fd))
		i++;
	if (i < ROUNDS_MAX)
		a->looked_ns = now_ns;
}

void tcp_answers_look(struct tcp_answers *answers)
{
	read_loud(answers);
	if (answers->n_quiet > 0)
		read_quiet(answers);
}

static void on_loud(struct ep_watch *watch, uint32_t events)
{
	(void)events;
	read_loud(container_of(watch, struct tcp_answers, loud));
}

static void on_quiet(struct ep_watch *watch, uint32_t events)
{
	(void)events;
	read_quiet(container_of(watch, struct tcp_answers, quiet));
}

/* In which of the two instances it is, if in any, does not matter: in each it is
 * told of once. */
static int add(int epoll_fd, const struct tcp_await *await,
	       struct epoll_event *event)
{
	int first = await->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int other = await->known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (epoll_ctl(epoll_fd, first, await->fd, event) == 0 ||
	    ((errno == EEXIST || errno == ENOENT) &&
	     epoll_ctl(epoll_fd, other, await->fd, event) == 0))
		return 0;
	return -errno;
}

int tcp_answers_add(struct tcp_answers *answers, struct tcp_await *await,
		    bool wake)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT,
				     .data.ptr = await };
	bool loud = wake || !answers->dense;
	int r;

	if (!loud && answers->n_quiet == 0)
		answers->looked_ns = ep_clock_mono_ns();
	r = add(loud ? answers->loud.fd : answers->quiet.fd, await, &event);
	if (r < 0)
		return r;
	await->known = true;
	await->waiting = true;
	await->loud = loud;
	answers->n_quiet += !loud;
	return 0;
}

void tcp_answers_remove(struct tcp_answers *answers, struct tcp_await *await)
{
	if (!await->waiting)
		return;
	await->waiting = false;
	answers->n_quiet -= !await->loud;
	for (int i = answers->at_batch + 1; i < answers->n_batch; i++)
		if (answers->batch[i].data.ptr == await)
			answers->batch[i].data.ptr = NULL;
}

/* Those that wait quietly when probes become sparse wake the loop from then on,
 * all together. */
void tcp_answers_pace(struct tcp_answers *answers, bool dense)
{
	answers->dense = dense;
	if (dense)
		ep_engine_unwatch(answers->engine, &answers->quiet);
	else
		ep_engine_watch(answers->engine, &answers->quiet, EPOLLIN);
}

int tcp_answers_open(struct tcp_answers *answers, struct ep_engine *engine,
		     tcp_answered_cb cb)
{
	int r;

	answers->engine = engine;
	answers->cb = cb;
	answers->loud.on_ready = on_loud;
	answers->quiet.on_ready = on_quiet;
	answers->quiet.fd = -1;
	answers->loud.fd = epoll_create1(EPOLL_CLOEXEC);
	if (answers->loud.fd < 0)
		return -errno;
	answers->quiet.fd = epoll_create1(EPOLL_CLOEXEC);
	r = answers->quiet.fd < 0
		    ? -errno
		    : ep_engine_watch(engine, &answers->loud, EPOLLIN);
	if (r < 0)
		tcp_answers_shut(answers);
	else
		tcp_answers_pace(answers, ep_engine_dense(engine));
	return r;
}

static void shut(struct tcp_answers *a, struct ep_watch *watch)
{
	if (watch->fd < 0)
		return;
	ep_engine_unwatch(a->engine, watch);
	close(watch->fd);
	watch->fd = -1;
}

void tcp_answers_shut(struct tcp_answers *answers)
{
	shut(answers, &answers->loud);
	shut(answers, &answers->quiet);
}
