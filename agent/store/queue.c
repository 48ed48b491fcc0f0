#include "store/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One that is written while another is filled. */
#define BLOCKS_MIN 2

static size_t aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static size_t item_bytes(const struct queue_item *item)
{
	return aligned(sizeof(*item)) + aligned(item->size);
}

void queue_init(struct queue *queue, uint64_t max_bytes)
{
	memset(queue, 0, sizeof(*queue));
	queue->max_blocks = (size_t)(max_bytes / sizeof(struct queue_block));
	if (queue->max_blocks < BLOCKS_MIN)
		queue->max_blocks = BLOCKS_MIN;
}

void queue_finish(struct queue *queue)
{
	while (queue_drop(queue))
		;
	free(queue->spare);
	queue->spare = NULL;
}

static int add_block(struct queue *queue)
{
	struct queue_block *block = queue->spare;

	if (queue->blocks >= queue->max_blocks)
		return -ENOBUFS;
	queue->spare = NULL;
	if (!block)
		block = malloc(sizeof(*block));
	if (!block)
		return -ENOBUFS;
	block->next = NULL;
	block->used = 0;
	block->rows = 0;
	block->last_seq = 0;
	if (queue->tail)
		queue->tail->next = block;
	else
		queue->head = block;
	queue->tail = block;
	queue->blocks++;
	return 0;
}

int queue_put(struct queue *queue, const struct queue_item *item,
	      const void *payload)
{
	struct queue_block *block = queue->tail;
	size_t bytes = item_bytes(item);

	assert(item->size <= QUEUE_PAYLOAD_MAX);
	if (!block || QUEUE_BLOCK_BYTES - block->used < bytes) {
		int r = add_block(queue);

		if (r < 0)
			return r;
		block = queue->tail;
	}
	memcpy(block->data + block->used, item, sizeof(*item));
	if (item->size)
		memcpy(block->data + block->used + aligned(sizeof(*item)),
		       payload, item->size);
	block->used += bytes;
	block->last_seq = item->seq;
	block->rows++;
	queue->rows++;
	return 0;
}

uint64_t queue_drop(struct queue *queue)
{
	struct queue_block *block = queue->head;
	uint64_t last;

	if (!block)
		return 0;
	last = block->last_seq;
	queue->head = block->next;
	if (!queue->head)
		queue->tail = NULL;
	queue->blocks--;
	queue->rows -= block->rows;
	free(queue->spare);
	queue->spare = block;
	return last;
}

const struct queue_item *queue_next(const struct queue_block *block, size_t *at)
{
	const void *item = block->data + *at;

	if (*at >= block->used)
		return NULL;
	*at += item_bytes(item);
	return item;
}

const void *queue_payload(const struct queue_item *item)
{
	return (const unsigned char *)item + aligned(sizeof(*item));
}
