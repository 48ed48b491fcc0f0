#include "core/inflight.h"
#include "edgeprobe/clock.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SLOTS UINT32_C(1024)
#define NONE        UINT32_MAX
#define KEEP_MIN_NS (10 * EP_NS_PER_S)

/* Slots wait for the end of their window in queues by how long they are kept:
 * 10 to 20 s, 20 to 40 s, and so on, the last without a limit. Within a queue
 * they are in the order of sending, so that only heads need looking at, and a
 * slot waits at most for as long again as its own window. */
#define QUEUES 8

struct queue {
	uint32_t head, tail;
};

struct inflight {
	struct inflight_slot **chunk;
	uint32_t n_chunks, chunks_max;
	struct queue unused;
	struct queue kept[QUEUES];
};

static struct inflight_slot *slot_at(struct inflight *t, uint32_t index)
{
	return &t->chunk[index / CHUNK_SLOTS][index % CHUNK_SLOTS];
}

/* --- queues of slots --- */

static void push(struct inflight *t, struct queue *q,
		 struct inflight_slot *slot)
{
	slot->next = NONE;
	if (q->head == NONE)
		q->head = slot->index;
	else
		slot_at(t, q->tail)->next = slot->index;
	q->tail = slot->index;
}

static struct inflight_slot *pop(struct inflight *t, struct queue *q)
{
	struct inflight_slot *slot;

	if (q->head == NONE)
		return NULL;
	slot = slot_at(t, q->head);
	q->head = slot->next;
	return slot;
}

static uint64_t keep_ns(uint64_t timeout_ns)
{
	return 2 * timeout_ns < KEEP_MIN_NS ? KEEP_MIN_NS : 2 * timeout_ns;
}

static unsigned queue_of(uint64_t ns)
{
	unsigned k = 0;

	while (k < QUEUES - 1 && ns >= (2 * KEEP_MIN_NS) << k)
		k++;
	return k;
}

/* --- life --- */

struct inflight *inflight_create(uint32_t slots_max)
{
	struct inflight *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->chunks_max = (slots_max + CHUNK_SLOTS - 1) / CHUNK_SLOTS;
	t->chunk = calloc(t->chunks_max, sizeof(struct inflight_slot *));
	if (t->chunk == NULL) {
		free(t);
		return NULL;
	}
	t->unused = (struct queue){ NONE, NONE };
	for (unsigned k = 0; k < QUEUES; k++)
		t->kept[k] = (struct queue){ NONE, NONE };
	return t;
}

void inflight_destroy(struct inflight *table)
{
	if (table == NULL)
		return;
	for (uint32_t i = 0; i < table->n_chunks; i++)
		free(table->chunk[i]);
	free(table->chunk);
	free(table);
}

size_t inflight_bytes(const struct inflight *table)
{
	return sizeof(*table) +
	       table->chunks_max * sizeof(struct inflight_slot *) +
	       (size_t)table->n_chunks * CHUNK_SLOTS *
		       sizeof(struct inflight_slot);
}

static int grow(struct inflight *t)
{
	struct inflight_slot *chunk;

	if (t->n_chunks == t->chunks_max)
		return -ENOBUFS;
	chunk = calloc(CHUNK_SLOTS, sizeof(*chunk));
	if (chunk == NULL)
		return -ENOMEM;
	t->chunk[t->n_chunks] = chunk;
	for (uint32_t i = 0; i < CHUNK_SLOTS; i++) {
		chunk[i].index = t->n_chunks * CHUNK_SLOTS + i;
		/* reachable only once its chunk is counted */
	}
	t->n_chunks++;
	for (uint32_t i = 0; i < CHUNK_SLOTS; i++)
		push(t, &t->unused, &chunk[i]);
	return 0;
}

/* --- slots --- */

uint64_t inflight_until_ns(const struct inflight_slot *slot)
{
	return slot->sent.before_ns + keep_ns(slot->timeout_ns);
}

/* While its owner waits its window is open: we may have stood still for longer
 * than that, and then the reply is there, but was not read. */
static bool is_over(const struct inflight_slot *slot, uint64_t now_ns)
{
	return slot->state != INFLIGHT_WAITING &&
	       inflight_until_ns(slot) <= now_ns;
}

/* A few a time, so that a lull is not paid for by one probe. */
static void release(struct inflight *t, uint64_t now_ns)
{
	for (unsigned k = 0; k < QUEUES; k++) {
		struct queue *q = &t->kept[k];

		for (unsigned n = 0; n < 2 && q->head != NONE; n++) {
			struct inflight_slot *slot = slot_at(t, q->head);

			if (!is_over(slot, now_ns))
				break;
			(void)pop(t, q);
			slot->state = INFLIGHT_FREE;
			push(t, &t->unused, slot);
		}
	}
}

int inflight_take(struct inflight *table, uint64_t now_ns,
		  struct inflight_slot **ret_slot)
{
	struct inflight_slot *slot;
	uint32_t index;
	int r;

	release(table, now_ns);
	if (table->unused.head == NONE) {
		r = grow(table);
		if (r < 0)
			return r;
	}
	slot = pop(table, &table->unused);
	assert(slot != NULL); /* grown, if it was empty */
	index = slot->index;
	memset(slot, 0, sizeof(*slot));
	slot->index = index;
	*ret_slot = slot;
	return 0;
}

void inflight_give_back(struct inflight *table, struct inflight_slot *slot)
{
	slot->state = INFLIGHT_FREE;
	push(table, &table->unused, slot);
}

void inflight_sent(struct inflight *table, struct inflight_slot *slot,
		   uint64_t timeout_ns)
{
	slot->state = INFLIGHT_WAITING;
	slot->timeout_ns = timeout_ns;
	push(table, &table->kept[queue_of(keep_ns(timeout_ns))], slot);
}

struct inflight_slot *inflight_at(struct inflight *table, uint32_t index)
{
	struct inflight_slot *slot;

	if (index >= table->n_chunks * CHUNK_SLOTS)
		return NULL;
	slot = slot_at(table, index);
	return slot->state == INFLIGHT_FREE ? NULL : slot;
}

/* --- whose is it? --- */

static struct inflight_slot *find_signed(struct inflight *t,
					 const struct icmp_seen *seen)
{
	struct inflight_slot *slot = inflight_at(t, seen->slot);

	return slot != NULL && slot->nonce == seen->nonce ? slot : NULL;
}

/* Eight quoted bytes: only the low half of the index is there. Two requests
 * that fit are worse than none. */
static struct inflight_slot *find_by_seq(struct inflight *t,
					 const struct icmp_seen *seen)
{
	struct inflight_slot *found = NULL;

	for (uint32_t i = seen->seq; i < t->n_chunks * CHUNK_SLOTS;
	     i += UINT32_C(1) << 16) {
		struct inflight_slot *slot = slot_at(t, i);

		if (slot->state != INFLIGHT_WAITING ||
		    slot->icmp_id != seen->id ||
		    !ep_address_equal(&slot->address, &seen->asked))
			continue;
		if (found != NULL)
			return NULL;
		found = slot;
	}
	return found;
}

struct inflight_slot *inflight_find(struct inflight *table,
				    const struct icmp_seen *seen,
				    uint64_t now_ns)
{
	struct inflight_slot *slot;

	if (seen->what == ICMP_ERROR && !seen->has_nonce)
		return find_by_seq(table, seen);
	slot = find_signed(table, seen);
	if (slot == NULL || is_over(slot, now_ns))
		return NULL;
	if (seen->what == ICMP_REPLY &&
	    !ep_address_equal(&slot->address, &seen->source))
		return NULL;
	return slot;
}
