/* A bounded queue from one measuring thread to the keeping thread: one
 * producer, one consumer, no lock, never blocks. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* `slots` is rounded up to a power of two, 2 to 2^24. NULL: out of memory. */
struct ring *ring_create(size_t slot_bytes, size_t slots);
void ring_destroy(struct ring *ring);

/* Producer: copy `slot_bytes` in. 0, or -ENOBUFS and one more is counted as
 * overflown. */
int ring_push(struct ring *ring, const void *slot);

/* Consumer: copy up to `max` slots out; returns how many. */
size_t ring_pop(struct ring *ring, void *slots, size_t max);

/* Either side: slots in use now, and how many there are. */
size_t ring_used(const struct ring *ring);
size_t ring_slots(const struct ring *ring);

/* Consumer: pushes refused since the last call. */
uint64_t ring_take_overflown(struct ring *ring);

#endif
