/* A family's ICMP socket and what must be remembered beside it: which packet
 * the kernel stamped, when packets were dropped here, which errors were found
 * at a moment when they could not be told. */
#ifndef CORE_ICMP_LANE_H
#define CORE_ICMP_LANE_H

#include "core/icmp_line.h"
#include "core/icmp_socket.h"
#include "core/inflight.h"
#include "core/stamp.h"

/* Errors found while sending. */
#define ICMP_PARKED_MAX ICMP_SOCKET_BATCH

struct icmp_lane {
	struct icmp_socket socket;
	struct inflight *table;       /* borrowed; both families' requests */
	struct icmp_buffers *buffers; /* borrowed; both families' */
	struct icmp_lines *lines;     /* borrowed; the family's */
	struct stamp_ring ring;
	struct icmp_seen parked[ICMP_PARKED_MAX];
	unsigned n_parked;
	uint64_t empty_ns; /* the receive queue was seen empty then */
	uint32_t drops;
	uint64_t drops_read_ns; /* when `drops` was read */
	uint64_t drops_grew_ns; /* when a reading was larger than before */
	int64_t offset_ns;      /* wall minus monotonic */
	uint64_t offset_read_ns;
};

/* As closed. Borrows all until the end. */
void icmp_lane_init(struct icmp_lane *l, struct inflight *table,
		    struct icmp_buffers *buffers, struct icmp_lines *lines);

/* As icmp_socket_open(). */
int icmp_lane_open(struct icmp_lane *l, int family, enum icmp_socket_want want,
		   uint32_t magic, struct ep_err *err);

/* Set id and checksum: constant for a target, over restarts as well, because
 * routers and NATs know a flow by them. */
void icmp_lane_set_flow(const struct icmp_lane *l, uint64_t flow,
			struct icmp_request *request);

/* Wall minus monotonic time, at most a millisecond old. */
int64_t icmp_lane_offset_ns(struct icmp_lane *l, uint64_t now_ns);

/* Give the packet of `slot`, which has just left, its number. */
void icmp_lane_sent(struct icmp_lane *l, struct inflight_slot *slot);

/* Read the error queue until it is empty, or until there is no more room:
 * stamps go to their slots, errors are parked. */
void icmp_lane_read_stamps(struct icmp_lane *l);

/* Take the parked errors. `ret_parked` has room for ICMP_PARKED_MAX. */
unsigned icmp_lane_take_parked(struct icmp_lane *l,
			       struct icmp_seen *ret_parked);

/* Read the kernel's count of drops if the last reading is getting old. */
void icmp_lane_watch_drops(struct icmp_lane *l, uint64_t now_ns);

/* Read it unless that has just been done. True if packets may have been dropped since `since_ns`. */
bool icmp_lane_dropped(struct icmp_lane *l, uint64_t since_ns, uint64_t now_ns);

#endif
