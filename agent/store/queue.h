/* Rows that wait for a commit, in memory: a list of blocks, so that the oldest
 * can be given up in one piece and what is on disk be released likewise. */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/record.h"
#include <stddef.h>
#include <stdint.h>

#define QUEUE_BLOCK_BYTES ((size_t)64 << 10)
/* A payload is at most this long. */
#define QUEUE_PAYLOAD_MAX ((size_t)32 << 10)

struct queue_item {
	uint64_t seq;
	uint64_t time_ns;     /* gap and notes */
	uint64_t first, last; /* gap; `first` is the `of` of a late row */
	uint32_t series;      /* sample, late */
	uint32_t size;        /* of the payload: (part of) a struct ep_sample,
			       * or a text with its NUL */
	enum row_type type;
	/* the payload follows, aligned to 8 */
};

struct queue_block {
	struct queue_block *next;
	size_t used;
	uint64_t last_seq, rows;
	_Alignas(8) unsigned char data[QUEUE_BLOCK_BYTES];
};

struct queue {
	struct queue_block *head, *tail; /* oldest, newest */
	struct queue_block *spare;
	size_t blocks, max_blocks;
	uint64_t rows;
};

void queue_init(struct queue *queue, uint64_t max_bytes);
void queue_finish(struct queue *queue);

/* Copy an item and its payload in. 0, or -ENOBUFS: the bound is reached, or
 * there is no memory: queue_drop() first. */
int queue_put(struct queue *queue, const struct queue_item *item,
	      const void *payload);
/* Give up the oldest block. Returns its last sequence number; 0: empty. */
uint64_t queue_drop(struct queue *queue);

/* The item at `*at` bytes of a block, and move on; NULL at its end. */
const struct queue_item *queue_next(const struct queue_block *block,
				    size_t *at);
/* Its payload; valid as long as the block. */
const void *queue_payload(const struct queue_item *item);

#endif
