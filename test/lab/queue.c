#include "queue.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct queue {
	size_t max;
	size_t n;
	uint64_t pushed;
	struct held *slots;
	struct held **heap; /* 0..n held, due first on top; n..max free */
};

struct queue *queue_create(size_t max)
{
	struct queue *q = calloc(1, sizeof(*q));
	size_t i;

	if (!q)
		return NULL;
	q->max = max;
	q->slots = calloc(max, sizeof(*q->slots));
	q->heap = calloc(max, sizeof(struct held *));
	if (!q->slots || !q->heap) {
		queue_destroy(q);
		return NULL;
	}
	for (i = 0; i < max; i++)
		q->heap[i] = &q->slots[i];
	return q;
}

void queue_destroy(struct queue *q)
{
	if (!q)
		return;
	free(q->slots);
	free(q->heap);
	free(q);
}

static bool before(const struct held *x, const struct held *y)
{
	if (x->due_ns != y->due_ns)
		return x->due_ns < y->due_ns;
	return x->order < y->order;
}

static void swap(struct queue *q, size_t i, size_t j)
{
	struct held *h = q->heap[i];

	q->heap[i] = q->heap[j];
	q->heap[j] = h;
}

static void rise(struct queue *q, size_t i)
{
	while (i > 0 && before(q->heap[i], q->heap[(i - 1) / 2])) {
		swap(q, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void sink(struct queue *q, size_t i)
{
	size_t least = i, child;

	for (;;) {
		for (child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < q->n &&
			    before(q->heap[child], q->heap[least]))
				least = child;
		if (least == i)
			return;
		swap(q, i, least);
		i = least;
	}
}

int queue_push(struct queue *q, uint64_t due_ns, int way, const uint8_t *data,
	       size_t len)
{
	struct held *h;

	if (len > PACKET_MAX)
		return -EMSGSIZE;
	if (q->n == q->max)
		return -ENOBUFS;
	h = q->heap[q->n];
	h->due_ns = due_ns;
	h->order = q->pushed++;
	h->way = way;
	h->len = len;
	memcpy(h->data, data, len);
	rise(q, q->n++);
	return 0;
}

const struct held *queue_first(const struct queue *q)
{
	return q->n > 0 ? q->heap[0] : NULL;
}

void queue_pop(struct queue *q)
{
	assert(q->n > 0);
	swap(q, 0, --q->n);
	sink(q, 0);
}
