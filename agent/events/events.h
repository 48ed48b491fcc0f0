/* The door of this room: samples in, rows of type `event` out, when service
 * degrades, recovers, or comes from another edge location. */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "base/record.h"
#include "events/watch.h"
#include <stddef.h>
#include <stdint.h>

struct events;

struct events_options {
	double latitude, longitude; /* of the site; NAN: not known */
	struct watch_limits limits;
};

/* The body of a row (struct record); until the callback returns. */
typedef void (*events_cb)(const char *body, void *arg);

/* NULL: out of memory. */
struct events *events_create(const struct events_options *options, events_cb cb,
			     void *arg);
void events_destroy(struct events *events);

/* `id` numbers the series, from 0 without large holes; its texts are borrowed as
 * long as the events live. Of each series in the order of sending. What finds no
 * memory is not watched. */
void events_see(struct events *events, uint32_t id, const struct series *series,
		const struct ep_sample *sample);

/* How many series are not as usual. */
size_t events_open(const struct events *events);

#endif
