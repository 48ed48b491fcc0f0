#include "base/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define SLOTS_MIN  2
#define SLOTS_MAX  ((size_t)1 << 24)
#define PART_SLOTS ((size_t)64) /* at most */

/* `head` and `tail` count pushes and pops and only wrap with their type. Each
 * side keeps what it last saw of the other's count, so that it touches the
 * other's cache line only when that is used up.
 *
 * The slots are in parts, and the producer fills again what the consumer is
 * done with before it touches a part that was never used: so a queue that is
 * mostly short takes memory for what it held at most, not for all it may. The
 * part of slots counted from n * part_slots on is order[n & order_mask]: the
 * producer writes it with the first of them, and takes it back from there when
 * the consumer has passed. All parts ever used are in the order, from `reused`
 * on, one more than there are in full, since both ends may be inside of one. */
struct ring {
	size_t slot_bytes, mask, part_slots, order_mask;
	unsigned char *slots;
	uint32_t *order;

	/* The producer's line. */
	_Alignas(CACHE_LINE) _Atomic size_t head;
	size_t tail_seen;
	_Atomic uint64_t overflown;
	size_t reused; /* counted in slots */
	unsigned char *part;

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
	size_t n = round_up(slots), parts;
	struct ring *ring;

	assert(slot_bytes > 0);
	ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->slot_bytes = slot_bytes;
	ring->mask = n - 1;
	ring->part_slots = n < PART_SLOTS ? n : PART_SLOTS;
	parts = n / ring->part_slots + 1;
	ring->order_mask = round_up(parts) - 1;
	ring->slots = calloc(parts * ring->part_slots, slot_bytes);
	ring->order = calloc(ring->order_mask + 1, sizeof(*ring->order));
	if (!ring->slots || !ring->order) {
		ring_destroy(ring);
		return NULL;
	}
	return ring;
}

void ring_destroy(struct ring *ring)
{
	if (!ring)
		return;
	free(ring->slots);
	free(ring->order);
	free(ring);
}

static uint32_t *order_at(const struct ring *ring, size_t count)
{
	return &ring->order[count / ring->part_slots & ring->order_mask];
}

static unsigned char *slot_at(const struct ring *ring, size_t count)
{
	size_t slot = *order_at(ring, count) * ring->part_slots +
		      count % ring->part_slots;

	return ring->slots + slot * ring->slot_bytes;
}

/* The part that begins at `head`: the first that the consumer is done with, or
 * one more. */
static void begin_part(struct ring *ring, size_t head)
{
	size_t used = (head - ring->reused) / ring->part_slots;
	uint32_t part = (uint32_t)used;

	ring->tail_seen =
		atomic_load_explicit(&ring->tail, memory_order_acquire);
	if (ring->tail_seen - ring->reused >= ring->part_slots) {
		part = *order_at(ring, ring->reused);
		ring->reused += ring->part_slots;
	}
	*order_at(ring, head) = part;
	ring->part = slot_at(ring, head);
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
	if (head % ring->part_slots == 0)
		begin_part(ring, head);
	memcpy(ring->part + head % ring->part_slots * ring->slot_bytes, slot,
	       ring->slot_bytes);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return 0;
}

static void copy_out(const struct ring *ring, size_t from, void *slots,
		     size_t n)
{
	unsigned char *out = slots;

	while (n > 0) {
		size_t some = ring->part_slots - from % ring->part_slots;

		if (some > n)
			some = n;
		memcpy(out, slot_at(ring, from), some * ring->slot_bytes);
		out += some * ring->slot_bytes;
		from += some;
		n -= some;
	}
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
