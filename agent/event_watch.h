/* Samples are watched for events, within the limits that are configured, and
 * for what they say of the circuits; rows of both kinds come out. */
#ifndef AGENT_EVENT_WATCH_H
#define AGENT_EVENT_WATCH_H

#include "base/record.h"
#include "config/config.h"
#include <stdbool.h>
#include <stdint.h>

struct event_watch;

/* A row of type event or self: its body (struct record), until the callback
 * returns. */
typedef void (*event_watch_cb)(enum row_type type, const char *body, void *arg);

/* `config` is borrowed. NULL: out of memory. */
struct event_watch *event_watch_create(const struct config *config,
				       event_watch_cb cb, void *arg);
void event_watch_destroy(struct event_watch *watch);

/* As events_see(). `sample` gets the flags that say what stands between it and
 * the edge. */
struct item;
void event_watch_see(struct event_watch *watch, uint32_t id,
		     const struct item *item, struct ep_sample *sample);

/* As events_learned() and events_recall(). */
bool event_watch_learned(const struct event_watch *watch, uint32_t id,
			 struct buf *out);
bool event_watch_recall(struct event_watch *watch, uint32_t id,
			const struct item *item, const char *text);

/* Circuit `i` (as in load_test.h) was filled from `since_ns` to `until_ns`, wall
 * clock: samples that were sent then get the flag that says so. */
void event_watch_load(struct event_watch *watch, size_t i, uint64_t since_ns,
		      uint64_t until_ns);

/* Circuit `i` of the configuration (n_circuits: none) is asked for by this name
 * server: whoami.h. */
void event_watch_resolver(struct event_watch *watch, size_t i,
			  const struct ep_address *address);

/* Whose networks the circuits' addresses are in is asked of `provider` from now
 * on, which is borrowed until there is another; NULL: no more. */
struct provider;
void event_watch_ask(struct event_watch *watch, struct provider *provider);

/* About once a second, in monotonic time: says what is due (facts.h). */
void event_watch_tick(struct event_watch *watch, uint64_t now_ns);

/* The store is a new one: what is always in one comes at the next tick. */
void event_watch_again(struct event_watch *watch);

#endif
