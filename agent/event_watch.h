/* Samples are watched for events, within the limits that are configured. */
#ifndef AGENT_EVENT_WATCH_H
#define AGENT_EVENT_WATCH_H

#include "config/config.h"
#include "events/events.h"

/* As events_create(). */
struct events *event_watch(const struct config *config, events_cb cb,
			   void *arg);

#endif
