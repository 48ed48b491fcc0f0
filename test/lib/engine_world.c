#include "engine_world.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct fake {
	struct ep_watch watch;
	struct ep_probe *probe;
	struct list link; /* in waiting, for drain */
};

struct fakes *current;

static int fake_open(struct ep_engine *engine, void *shared)
{
	(void)engine;
	current = shared;
	list_init(&current->waiting);
	return 0;
}

static void on_ready(struct ep_watch *watch, uint32_t events)
{
	struct fake *f = container_of(watch, struct fake, watch);

	(void)events;
	ep_probe_sample(f->probe)->rtt_ns = 1000;
	ep_probe_settle(f->probe, EP_REPLIED, EP_REASON_NONE);
}

static int fake_start(struct ep_probe *p)
{
	enum script script = (enum script)ep_probe_target(p)->flow;
	struct fake *f = ep_probe_state(p);

	f->probe = p;
	f->watch.fd = -1;
	list_init(&f->link);
	if (script == REFUSE_TO_SEND)
		return -ENETUNREACH;
	ep_probe_sent(p);
	if (script == SETTLE_INSIDE)
		ep_probe_settle(p, EP_REFUSED, EP_REASON_TCP_RESET);
	if (script == DRAINED)
		list_add(&current->waiting, &f->link);
	if (script != ANSWER)
		return 0;
	f->watch.fd = eventfd(1, EFD_NONBLOCK);
	f->watch.on_ready = on_ready;
	return ep_engine_watch(ep_probe_engine(p), &f->watch, EPOLLIN);
}

static void fake_drain(struct ep_engine *engine, void *shared)
{
	struct fakes *fakes = shared;
	struct list *at, *after;

	(void)engine;
	fakes->drained++;
	list_for_each (at, after, &fakes->waiting)
		ep_probe_settle(container_of(at, struct fake, link)->probe,
				EP_REPLIED, EP_REASON_NONE);
}

static void fake_pace(struct ep_engine *engine, void *shared, bool dense)
{
	struct fakes *fakes = shared;

	assert_true(ep_engine_dense(engine) == dense);
	*(dense ? &fakes->dense : &fakes->sparse) += 1;
}

static void fake_close(struct ep_probe *p)
{
	struct fake *f = ep_probe_state(p);

	current->closed++;
	if (f->link.next != NULL)
		list_remove(&f->link);
	if (f->watch.fd > 0) {
		ep_engine_unwatch(ep_probe_engine(p), &f->watch);
		close(f->watch.fd);
	}
}

const struct ep_kind fake_kind = {
	.name = "fake",
	.phrase = "fake",
	.size = sizeof(struct fake),
	.shared_size = sizeof(struct fakes),
	.open = fake_open,
	.start = fake_start,
	.drain = fake_drain,
	.pace = fake_pace,
	.close = fake_close,
};

/* --- a test's world --- */

void on_engine_gone(void *arg)
{
	((struct world *)arg)->engine_gone = true;
}

void on_sample(const struct ep_target *target, const struct ep_sample *sample,
	       void *arg)
{
	struct world *w = arg;

	assert_ptr_equal(target, &w->target);
	assert_false(w->inside); /* never from inside the call that asked */
	w->last = *sample;
	w->answered++;
	if (w->then != NULL)
		w->then(w);
	if (w->answered == w->wanted)
		uv_stop(&w->loop);
}

void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->target.kind = &fake_kind;
	w->target.host = "127.0.0.1";
	w->target.timeout_ns = 20 * EP_NS_PER_MS;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(ep_engine_open(&w->loop, NULL, &w->engine, NULL), 0);
}

struct ep_probe *start(struct world *w, enum script script)
{
	struct ep_probe *p;

	w->target.flow = script;
	w->inside = true;
	assert_int_equal(
		ep_probe_start(w->engine, &w->target, 0, on_sample, w, &p), 0);
	w->inside = false;
	return p;
}

void wait_for(struct world *w, unsigned answered)
{
	w->wanted = answered;
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(w->answered, answered);
	w->wanted = 0;
}

void end(struct world *w)
{
	if (w->engine != NULL)
		ep_engine_close(w->engine, on_engine_gone, w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_true(w->engine_gone);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}
