#ifndef LAB_QUEUE_H
#define LAB_QUEUE_H

/* Packets on their way, ordered by the time they are due; equal times leave
 * in the order they came. Bounded: all memory is taken by create. */

#include <stddef.h>
#include <stdint.h>

#include "packet.h"

struct queue;

struct held {
	uint64_t due_ns;
	uint64_t order;
	int way; /* the caller's: where it goes */
	size_t len;
	uint8_t data[PACKET_MAX];
};

struct queue *queue_create(size_t max); /* NULL: out of memory */
void queue_destroy(struct queue *q);

/* Copies. -ENOBUFS when `max` packets are held, -EMSGSIZE when too long. */
int queue_push(struct queue *q, uint64_t due_ns, int way, const uint8_t *data,
	       size_t len);
/* The one that is due first, borrowed until the next call; NULL if none. */
const struct held *queue_first(const struct queue *q);
void queue_pop(struct queue *q);

#endif
