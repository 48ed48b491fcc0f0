#include "taken.h"
#include "base/ring.h"
#include "items.h"
#include <string.h>

/* The ring holds what comes in while a disk is slow. */
#define RING_SECONDS  15
#define RING_AT_LEAST 1024
#define RING_AT_MOST  (1u << 20)

size_t taken_bytes(bool https)
{
	return https ? sizeof(struct taken)
		     : offsetof(struct taken, sample) + EP_SAMPLE_CORE;
}

struct ring *taken_ring(const struct items *items, bool https)
{
	double slots = items_rate(items) * RING_SECONDS + (double)items->n;

	if (slots < RING_AT_LEAST)
		slots = RING_AT_LEAST;
	if (slots > RING_AT_MOST)
		slots = RING_AT_MOST;
	return ring_create(taken_bytes(https), (size_t)slots);
}

void taken_spread(struct taken *taken, size_t n)
{
	const char *packed = (const char *)taken;
	size_t bytes = taken_bytes(false);
	struct ep_sample absent;

	ep_sample_init(&absent);
	for (size_t i = n; i-- > 0;) {
		memmove(&taken[i], packed + i * bytes, bytes);
		taken[i].sample.https = absent.https;
	}
}
