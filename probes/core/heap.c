#include "edgeprobe/private/heap.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Four children each: half the levels of two, and the keys to compare lie side
 * by side. Counted from 1: the children of 1 are 2 to 5. */
#define CHILDREN 4

static size_t parent_of(size_t at)
{
	return (at + CHILDREN - 2) / CHILDREN;
}

static size_t first_child_of(size_t at)
{
	return CHILDREN * at - (CHILDREN - 2);
}

void ep_heap_finish(struct ep_heap *heap)
{
	free(heap->places);
	*heap = (struct ep_heap){ 0 };
}

int ep_heap_reserve(struct ep_heap *heap, size_t n)
{
	size_t room = heap->room == 0 ? 64 : heap->room;
	struct ep_heap_place *places;

	while (room <= n)
		room *= 2;
	if (room == heap->room)
		return 0;
	places = realloc(heap->places, room * sizeof(*places));
	if (places == NULL)
		return -ENOMEM;
	heap->places = places;
	heap->room = room;
	return 0;
}

static void put_at(struct ep_heap *heap, const struct ep_heap_place *place,
		   size_t at)
{
	heap->places[at] = *place;
	place->item->at = at;
}

static size_t sift_up(struct ep_heap *heap, uint64_t key, size_t at)
{
	while (at > 1 && heap->places[parent_of(at)].key > key) {
		put_at(heap, &heap->places[parent_of(at)], at);
		at = parent_of(at);
	}
	return at;
}

/* The smallest child of `at`; 0: it has none. */
static size_t least_child(const struct ep_heap *heap, size_t at)
{
	size_t first = first_child_of(at), least = first;

	if (first > heap->n)
		return 0;
	for (size_t i = first + 1; i < first + CHILDREN && i <= heap->n; i++)
		if (heap->places[i].key < heap->places[least].key)
			least = i;
	return least;
}

static size_t sift_down(struct ep_heap *heap, uint64_t key, size_t at)
{
	size_t child;

	while ((child = least_child(heap, at)) != 0 &&
	       heap->places[child].key < key) {
		put_at(heap, &heap->places[child], at);
		at = child;
	}
	return at;
}

/* What is at `at` makes room, or is gone. */
static void settle(struct ep_heap *heap, struct ep_heap_item *item, size_t at)
{
	struct ep_heap_place place = { item->key, item };

	at = sift_up(heap, item->key, at);
	put_at(heap, &place, sift_down(heap, item->key, at));
}

void ep_heap_put(struct ep_heap *heap, struct ep_heap_item *item, uint64_t key)
{
	item->key = key;
	if (item->at == 0) {
		assert(heap->n + 1 < heap->room);
		heap->n++;
		item->at = heap->n;
	}
	settle(heap, item, item->at);
}

void ep_heap_remove(struct ep_heap *heap, struct ep_heap_item *item)
{
	struct ep_heap_item *last;

	if (item->at == 0)
		return;
	last = heap->places[heap->n].item;
	heap->n--;
	if (last != item)
		settle(heap, last, item->at);
	item->at = 0;
}

struct ep_heap_item *ep_heap_top(const struct ep_heap *heap)
{
	return heap->n == 0 ? NULL : heap->places[1].item;
}
