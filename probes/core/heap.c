#include "edgeprobe/private/heap.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void ep_heap_finish(struct ep_heap *heap)
{
	free(heap->items);
	*heap = (struct ep_heap){ 0 };
}

int ep_heap_reserve(struct ep_heap *heap, size_t n)
{
	size_t room = heap->room == 0 ? 64 : heap->room;
	struct ep_heap_item **items;

	while (room <= n)
		room *= 2;
	if (room == heap->room)
		return 0;
	items = realloc(heap->items, room * sizeof(struct ep_heap_item *));
	if (items == NULL)
		return -ENOMEM;
	heap->items = items;
	heap->room = room;
	return 0;
}

static void place(struct ep_heap *heap, struct ep_heap_item *item, size_t at)
{
	heap->items[at] = item;
	item->at = at;
}

static void sift_up(struct ep_heap *heap, struct ep_heap_item *item)
{
	size_t at = item->at;

	while (at > 1 && heap->items[at / 2]->key > item->key) {
		place(heap, heap->items[at / 2], at);
		at /= 2;
	}
	place(heap, item, at);
}

static void sift_down(struct ep_heap *heap, struct ep_heap_item *item)
{
	size_t at = item->at;

	for (;;) {
		size_t child = at * 2;

		if (child > heap->n)
			break;
		if (child < heap->n &&
		    heap->items[child + 1]->key < heap->items[child]->key)
			child++;
		if (heap->items[child]->key >= item->key)
			break;
		place(heap, heap->items[child], at);
		at = child;
	}
	place(heap, item, at);
}

void ep_heap_put(struct ep_heap *heap, struct ep_heap_item *item, uint64_t key)
{
	item->key = key;
	if (item->at == 0) {
		assert(heap->n + 1 < heap->room);
		heap->n++;
		place(heap, item, heap->n);
	}
	sift_up(heap, item);
	sift_down(heap, item);
}

void ep_heap_remove(struct ep_heap *heap, struct ep_heap_item *item)
{
	struct ep_heap_item *last;

	if (item->at == 0)
		return;
	last = heap->items[heap->n];
	heap->n--;
	if (last != item) {
		place(heap, last, item->at);
		sift_up(heap, last);
		sift_down(heap, last);
	}
	item->at = 0;
}

struct ep_heap_item *ep_heap_top(const struct ep_heap *heap)
{
	return heap->n == 0 ? NULL : heap->items[1];
}
