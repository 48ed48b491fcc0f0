#include "event_watch.h"
#include "edgeprobe/clock.h"
#include "events/events.h"
#include "facts.h"
#include <stdlib.h>

struct event_watch {
	struct events *events;
	struct facts *facts;
	event_watch_cb cb;
	void *arg;
};

static void on_event(const char *body, void *arg)
{
	struct event_watch *w = arg;

	w->cb(ROW_EVENT, body, w->arg);
}

static void on_fact(const char *body, void *arg)
{
	struct event_watch *w = arg;

	w->cb(ROW_SELF, body, w->arg);
}

static struct events *watch_events(struct event_watch *w,
				   const struct config *c)
{
	struct events_options options = {
		.latitude = c->site.latitude,
		.longitude = c->site.longitude,
		.limits = watch_defaults,
	};

	options.limits.step_ms = (double)c->events.step_ns / EP_NS_PER_MS;
	options.limits.step_share = c->events.step_percent / 100;
	options.limits.loss_percent = c->events.loss_percent;
	options.limits.outage = (unsigned)c->events.outage;
	options.limits.lasting_ns = c->events.lasting_ns;
	return events_create(&options, on_event, w);
}

struct event_watch *event_watch_create(const struct config *config,
				       event_watch_cb cb, void *arg)
{
	struct event_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->cb = cb;
	w->arg = arg;
	w->events = watch_events(w, config);
	w->facts = facts_create(config, on_fact, w);
	if (w->events != NULL && w->facts != NULL)
		return w;
	event_watch_destroy(w);
	return NULL;
}

void event_watch_destroy(struct event_watch *watch)
{
	if (watch == NULL)
		return;
	events_destroy(watch->events);
	facts_destroy(watch->facts);
	free(watch);
}

void event_watch_see(struct event_watch *watch, uint32_t id,
		     const struct series *series,
		     const struct ep_sample *sample)
{
	events_see(watch->events, id, series, sample);
}

void event_watch_tick(struct event_watch *watch, uint64_t now_ns)
{
	facts_tick(watch->facts, now_ns);
}

void event_watch_again(struct event_watch *watch)
{
	facts_again(watch->facts);
}
