/* Are probes dense, and how often is it worth looking for replies then? Pure.
 *
 * CPU is wake-ups. With kernel stamps a reply that is read late is as good as
 * one read at once, so when many are in flight nobody is woken for each: what
 * has come is read every few milliseconds, about PACE_REPLIES at a time. */
#ifndef CORE_PACE_H
#define CORE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_REPLIES 20
#define PACE_MAX_NS  UINT64_C(20000000) /* no reply waits longer */
#define PACE_MIN_NS  UINT64_C(2000000)

/* Probes a second; two limits, so that it does not flutter between them. From
 * some 50 a second on it takes fewer wake-ups to look every 20 ms. */
#define PACE_DENSE  75
#define PACE_SPARSE 50

/* Nothing sent for so long, and nothing in flight: sparse. */
#define PACE_QUIET_NS UINT64_C(200000000)

/* Zero-initialise. */
struct pace {
	bool dense;
	uint32_t sends; /* in the window that is open */
	uint64_t window_ns;
	uint64_t sent_ns;     /* when the last probe left */
	uint64_t interval_ns; /* between two looks, while dense */
	uint64_t looked_ns;   /* when the last one was */
};

/* A probe has left. True if `dense` has changed. */
bool pace_sent(struct pace *p, uint64_t now_ns);

/* Somebody has looked. `idle`: nothing is in flight any more. True if `dense`
 * has changed. */
bool pace_looked(struct pace *p, uint64_t now_ns, bool idle);

/* When to look next; UINT64_MAX while sparse. */
uint64_t pace_due(const struct pace *p);

/* From when on whoever is awake for something else should look: soon before
 * somebody would have to be woken for it. */
uint64_t pace_ride(const struct pace *p);

#endif
