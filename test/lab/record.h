#ifndef LAB_RECORD_H
#define LAB_RECORD_H

/* The truth: every echo, reply, SYN, SYN-ACK, RST, ICMP error and segment that
 * begins with a TLS record on one interface, with the kernel's own stamp of the
 * packet, as CSV lines (the format is in README.md). A thread of its own drains
 * a packet socket twenty times a second: the stamps are the kernel's, so late
 * reading costs nothing and the measured program is woken beside as little as
 * can be. */

#include <stdint.h>

struct record;

struct record_totals {
	uint64_t lines;
	uint64_t unstamped; /* seen before the kernel stamps: left out */
	uint64_t lost;      /* the packet socket was full */
};

/* Call it in the interface's network namespace. NULL with errno on failure.
 * Creates or empties the file at `path`. */
struct record *record_start(const char *dev, const char *path);

/* Returns when everything seen so far is in the file; 0 or -errno, the first
 * that ever happened. */
int record_flush(struct record *r, struct record_totals *ret_totals);

/* Flush and end the thread. NULL is fine. */
int record_stop(struct record *r, struct record_totals *ret_totals);

#endif
