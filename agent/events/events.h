/* The door of this room: samples in, rows of type `event` out, when service
 * degrades, recovers, or comes from another edge location. */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "base/record.h"
#include "events/watch.h"
#include <stdbool.h>
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

/* What series `id` has learned of the edge locations that answer it, as words
 * appended to `out`; false: nothing, or they are configured. */
bool events_learned(const struct events *events, uint32_t id, struct buf *out);

/* The same of an earlier run, before the first sample of this series. False: it
 * is none that learns, or no such text; then it begins anew. */
bool events_recall(struct events *events, uint32_t id,
		   const struct series *series, const char *text);

/* How many series are not as usual. */
size_t events_open(const struct events *events);

#endif
