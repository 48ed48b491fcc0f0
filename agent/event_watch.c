#include "event_watch.h"
#include "edgeprobe/clock.h"

struct events *event_watch(const struct config *c, events_cb cb, void *arg)
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
	return events_create(&options, cb, arg);
}
