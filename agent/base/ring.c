#include "base/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define SLOTS_MIN  2
#define SLOTS_MAX  ((size_t)1 << 24)

/* `head` and `tail` count pushes and pops and are never wrapped: the slot is
 * the count modulo the size. Each side keeps what it last saw of the other's
 * count, so that it touches the other's cache line only when that is used
 * up. */
struct ring {
	size_t slot_bytes, mask;
	unsigned char *slots;

	/* The producer's line. */
	_Alignas(CACHE_LINE) _Atomic size_t head;
	size_t tail_seen;
	_Atomic uint64_t overflown;

	/* The consumer's line. */
	_Alignas(CACHE_LINE) _Atomic size_t tail;
	size_t head_seen;
};

static size_t round_up(size_t slots)
{
	size_t n = SLOTS_MIN;

	while (n < slots && n < SLOTS_MAX)
		n *= 2;
	return n;
}

struct ring *ring_create(size_t slot_bytes, size_t slots)
{
	size_t n = round_up(slots);
	struct ring *ring;

	assert(slot_bytes > 0);
	ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->slot_bytes = slot_bytes;
	ring->mask = n - 1;
	ring->slots = calloc(n, slot_bytes);
	if (!ring->slots) {
		free(ring);
		return NULL;
	}
	return ring;
}

void ring_destroy(struct ring *ring)
{
	if (!ring)
		return;
	free(ring->slots);
	free(ring);
}

int ring_push(struct ring *ring, const void *slot)
{
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head - ring->tail_seen > ring->mask)
		ring->tail_seen =
			atomic_load_explicit(&ring->tail, memory_order_acquire);
	if (head - ring->tail_seen > ring->mask) {
		atomic_fetch_add_explicit(&ring->overflown, 1,
					  memory_order_relaxed);
		return -ENOBUFS;
	}
	memcpy(ring->slots + (head & ring->mask) * ring->slot_bytes, slot,
	       ring->slot_bytes);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return 0;
}

static void copy_out(const struct ring *ring, size_t from, void *slots,
		     size_t n)
{
	size_t start = from & ring->mask;
	size_t straight = ring->mask + 1 - start;

	if (straight > n)
		straight = n;
	memcpy(slots, ring->slots + start * ring->slot_bytes,
	       straight * ring->slot_bytes);
	if (n > straight)
		memcpy((unsigned char *)slots + straight * ring->slot_bytes,
		       ring->slots, (n - straight) * ring->slot_bytes);
}

size_t ring_pop(struct ring *ring, void *slots, size_t max)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t n = ring->head_seen - tail;

	if (n < max) {
		ring->head_seen =
			atomic_load_explicit(&ring->head, memory_order_acquire);
		n = ring->head_seen - tail;
	}
	if (n > max)
		n = max;
	if (n == 0)
		return 0;
	copy_out(ring, tail, slots, n);
	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
	return n;
}

size_t ring_used(const struct ring *ring)
{
	/* The tail first: the head can then only be ahead of it. */
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	size_t used = head - tail;

	return used > ring->mask + 1 ? ring->mask + 1 : used;
}

size_t ring_slots(const struct ring *ring)
{
	return ring->mask + 1;
}

uint64_t ring_take_overflown(struct ring *ring)
{
	return atomic_exchange_explicit(&ring->overflown, 0,
					memory_order_relaxed);
}
