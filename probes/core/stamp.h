/* When did the packet leave, when did the reply come, and how sure is that?
 *
 * Kernel stamps are in wall time (CLOCK_REALTIME) and belong to the packet
 * itself; our own are monotonic and contain our delay. The distance of the two
 * clocks, read at the send and at the reading of the reply, ties them together
 * and shows a step of the wall clock. */
#ifndef CORE_STAMP_H
#define CORE_STAMP_H

#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* What is known of a send. */
struct stamp_send {
	uint64_t before_ns, after_ns; /* around the system call, monotonic */
	uint64_t kernel_ns;           /* handed to the driver, wall; 0: none */
	int64_t offset_ns;            /* wall minus monotonic, then */
	bool queue; /* kernel_ns is when it was handed to the local queue */
};

/* What is known of a reply. */
struct stamp_seen {
	uint64_t kernel_ns; /* taken from the driver, wall; 0: none */
	uint64_t empty_ns;  /* monotonic; nothing was there to be read then */
	uint64_t read_ns;   /* when we had it, monotonic */
	int64_t offset_ns;  /* wall minus monotonic, then */
};

struct stamp_rtt {
	uint64_t rtt_ns;
	uint64_t uncertainty_ns;
	enum ep_stamp stamp;
	bool queue; /* time in the local queue is in it, how much none knows */
	bool stepped; /* the wall clock was, and that cost us a stamp: what is
		       * left is the time of our reading */
};

/* The best round trip that the stamps give. */
void stamp_rtt(const struct stamp_send *sent, const struct stamp_seen *seen,
	       struct stamp_rtt *ret_rtt);

/* 1 if a transmit stamp read at `now_ns` (monotonic) can be of this send. */
bool stamp_plausible(const struct stamp_send *sent, uint64_t kernel_ns,
		     uint64_t now_ns);

/* A plausible transmit stamp came, of the local queue or of the driver: keep
 * the better. Each device of a stack gives them: the queue's first is the one
 * that all the rest follows, the driver's last is nearest to the wire. */
void stamp_take(struct stamp_send *sent, uint64_t kernel_ns, bool queue);

/* The software stamp in a message's control data, in wall time; 0: none. */
uint64_t stamp_of_message(const struct msghdr *message);

/* Which packet has which number: SOF_TIMESTAMPING_OPT_ID counts what a socket
 * sent with a stamp asked for. The ring remembers the last sends. */
#define STAMP_RING 4096

struct stamp_ring {
	uint32_t next; /* the number that the next packet will have */
	uint32_t slot[STAMP_RING];
};

/* A packet of `slot` was sent. Returns its number. */
uint32_t stamp_ring_put(struct stamp_ring *ring, uint32_t slot);

/* The slot of packet `opt_id`; UINT32_MAX if it is too old or not ours. A
 * number that is ahead of ours (some kernels count sends that failed) sets
 * our count right, and the stamp is dropped: better none than a wrong one. */
uint32_t stamp_ring_get(struct stamp_ring *ring, uint32_t opt_id);

#endif
