/* Whose reply is this? The table of echo requests that may still be answered.
 * Pure: told the time, told the random number.
 *
 *   take --> (sent) WAITING --> ANSWERED   a reply: others are duplicates
 *     |                 |-----> LOST       counted lost, or an error came:
 *     v                 |                  a reply is late, then ANSWERED
 *   give back           `-----> ABANDONED  cancelled: replies are nobody's
 *
 * A slot that was sent is kept for the larger of twice the timeout and 10 s,
 * and for as long as it waits, and is not used again before, so that whatever
 * comes is told from the reply to a newer probe. Memory grows by chunks up to a bound and is not given back
 * until the end; slots never move. */
#ifndef CORE_INFLIGHT_H
#define CORE_INFLIGHT_H

#include "core/icmp_wire.h"
#include "core/stamp.h"
#include "edgeprobe/address.h"
#include <stddef.h>
#include <stdint.h>

/* 20,000 probes a second for 26 s. */
#define INFLIGHT_SLOTS_MAX (UINT32_C(1) << 19)

struct ep_probe;
struct inflight;

enum inflight_state {
	INFLIGHT_FREE,
	INFLIGHT_WAITING,
	INFLIGHT_ANSWERED,
	INFLIGHT_LOST,
	INFLIGHT_ABANDONED,
};

/* The first part is the table's; what follows is its user's. */
struct inflight_slot {
	uint32_t index; /* what the packet carries; its low half is the seq */
	uint32_t next;
	uint64_t nonce;
	struct ep_address address; /* asked, and expected to answer */
	uint16_t icmp_id;
	uint8_t state;  /* enum inflight_state */
	uint8_t copies; /* duplicates seen, not above 255 */

	uint8_t line;           /* index among struct icmp_lines */
	uint8_t flags;          /* sample: enum ep_flag */
	uint32_t opt_id;        /* the kernel's number of this packet */
	struct ep_probe *owner; /* NULL when it was settled */
	uint64_t id;            /* of the sample */
	int64_t slip_ns;
	uint64_t timeout_ns;
	struct stamp_send sent; /* before_ns: when it was, for the table */
};

/* `slots_max` at most INFLIGHT_SLOTS_MAX, and is rounded up to whole chunks.
 * NULL: no memory. */
struct inflight *inflight_create(uint32_t slots_max);
void inflight_destroy(struct inflight *table);

/* A slot for a packet that is about to leave, with address, icmp_id and nonce
 * set by the caller afterwards. -ENOBUFS at the bound, -ENOMEM. */
int inflight_take(struct inflight *table, uint64_t now_ns,
		  struct inflight_slot **ret_slot);

/* It did not leave: usable again at once. */
void inflight_give_back(struct inflight *table, struct inflight_slot *slot);

/* It left at `slot->sent.before_ns`: INFLIGHT_WAITING. */
void inflight_sent(struct inflight *table, struct inflight_slot *slot,
		   uint64_t timeout_ns);

/* Nothing that comes after this is looked at. */
uint64_t inflight_until_ns(const struct inflight_slot *slot);

/* The request that `seen` answers, or quotes; NULL: none of ours, or its
 * window is over. A reply must have the nonce and come from the address that
 * was asked. A quote must have the nonce as far as it goes, else the address,
 * id and seq of exactly one waiting request. */
struct inflight_slot *inflight_find(struct inflight *table,
				    const struct icmp_seen *seen,
				    uint64_t now_ns);

/* By index; NULL if there is no such slot or it is free. */
struct inflight_slot *inflight_at(struct inflight *table, uint32_t index);

/* Bytes of memory now. */
size_t inflight_bytes(const struct inflight *table);

#endif
