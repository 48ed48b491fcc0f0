/* What is usual for each series (event_watch_learned()), over a restart: kept as
 * a memo of the store, a line each, now and then and at the end. On the keeping
 * thread. */
#ifndef AGENT_USUAL_H
#define AGENT_USUAL_H

#include <stdint.h>

struct event_watch;
struct items;
struct store;
struct usual;

#define USUAL_EVERY_NS UINT64_C(600000000000)

/* Both are borrowed. NULL: out of memory. */
struct usual *usual_create(struct store *store, struct event_watch *watch);
void usual_destroy(struct usual *usual);

/* Recall what is known of `items`, which are borrowed, and whose first is series
 * number `first` of the watch: before its first sample. Once. */
void usual_recall(struct usual *usual, const struct items *items,
		  uint32_t first);

/* Keep it, if USUAL_EVERY_NS are over since the last time; in monotonic time. */
void usual_tick(struct usual *usual, uint64_t now_ns);

/* Now. What cannot be kept is learned anew. */
void usual_keep(struct usual *usual);

#endif
