/* A heap of things that are due: the smallest key is on top. The item is
 * embedded in what is due; the heap holds pointers, and the keys beside them,
 * so that finding a place touches few of the things themselves. */
#ifndef EDGEPROBE_PRIVATE_HEAP_H
#define EDGEPROBE_PRIVATE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct ep_heap_item {
	uint64_t key;
	size_t at; /* place in the heap, from 1; 0: not in it */
};

struct ep_heap_place {
	uint64_t key;
	struct ep_heap_item *item;
};

/* Zero-initialise; ep_heap_finish() frees. */
struct ep_heap {
	struct ep_heap_place *places; /* from 1 */
	size_t n, room;
};

void ep_heap_finish(struct ep_heap *heap);

/* Make room for `n` items in all. 0 or -ENOMEM. */
int ep_heap_reserve(struct ep_heap *heap, size_t n);

/* Insert, or move to a new key. The room was reserved. */
void ep_heap_put(struct ep_heap *heap, struct ep_heap_item *item, uint64_t key);

/* Take out; harmless if it is not in. */
void ep_heap_remove(struct ep_heap *heap, struct ep_heap_item *item);

/* The item with the smallest key, or NULL. */
struct ep_heap_item *ep_heap_top(const struct ep_heap *heap);

#endif
