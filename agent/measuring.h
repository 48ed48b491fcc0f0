/* A measuring thread: one loop, one schedule, one engine for each set of name
 * servers that circuits ask for, and a ring into which every sample goes. It never touches the disk and never waits. */
#ifndef AGENT_MEASURING_H
#define AGENT_MEASURING_H

#include "base/ring.h"
#include "edgeprobe/engine.h"
#include "items.h"
#include "notices.h"
#include "taken.h"
#include <stdbool.h>
#include <stddef.h>

struct measuring;
struct meter;
struct vitals;

/* Engines in a thread: one for each circuit that a configuration can have, and
 * one for the rest. Which one it was is in the upper bits of a sample's id;
 * below them the ids of each count up. */
#define MEASURING_LANES_MAX  65
#define MEASURING_LANE_SHIFT 48

/* Borrowed until measuring_join(). */
struct measuring_options {
	const char *name; /* of the thread, 15 bytes at most */
	const struct items *items;
	struct meter *meters; /* one for each circuit, shared by threads */
	struct ep_engine_options engine;
	bool https; /* slots hold whole samples */
	/* Of a thread that tells of changed addresses, so that this one need
	 * not where they ask for the same; NULL: there is none. */
	const struct items *elsewhere;
	/* The ring is half full: called on the measuring thread. */
	void (*wake)(void *arg);
	void *arg;
};

/* Start the thread. 0, or a negative errno with `err`. */
int measuring_start(const struct measuring_options *options,
		    struct measuring **ret_measuring, struct ep_err *err);

/* Ask it to end: no further probe, those under way are cancelled. */
void measuring_stop(struct measuring *measuring);

/* Forget the addresses of names: the lines that they were learnt over are other
 * ones now. From any thread, until measuring_stop(). */
void measuring_flush_names(struct measuring *measuring);

/* Wait for the end; the ring stays. */
void measuring_join(struct measuring *measuring);

/* After measuring_join(). NULL is fine. */
void measuring_destroy(struct measuring *measuring);

/* What the thread knows of itself; lives as long as `measuring`. And its name
 * there: "packets" or "https". */
struct vitals *measuring_vitals(struct measuring *measuring);
const char *measuring_part(const struct measuring *measuring);

/* Of its ring: slots in use now, and how many there are. */
size_t measuring_ring_used(const struct measuring *measuring);
size_t measuring_ring_slots(const struct measuring *measuring);

/* Take up to `max` entries out (keeping thread). */
size_t measuring_take(struct measuring *measuring, struct taken *ret_taken,
		      size_t max);
uint64_t measuring_take_overflown(struct measuring *measuring);

/* On the measuring thread: a row that is no sample; as notices_put(). */
int measuring_note(struct measuring *measuring, enum row_type type,
		   const char *body);

/* What measuring_note() has put, for notices_keep(); lives as long as
 * `measuring`. */
struct ring *measuring_notices(const struct measuring *measuring);

#endif
