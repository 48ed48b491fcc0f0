/* TCP connections that take leave, and sockets that wait for their next dial. */
#ifndef PROBES_CORE_TCP_PARTINGS_H
#define PROBES_CORE_TCP_PARTINGS_H

#include "edgeprobe/private/list.h"
#include <stdbool.h>
#include <stdint.h>

/* Let go with a RST, or before the handshake with nothing. */
void tcp_part_abruptly(int fd);

/* Send a FIN and, without waiting for the peer's, a RST: no TIME_WAIT stays.
 * If the RST is lost, the peer's own FIN brings about another. */
void tcp_part_quickly(int fd);

#define TCP_PARTINGS_BUCKETS 256

/* Connections that take leave with a FIN and wait for the peer's, so that the
 * next dial of the flow finds none of its predecessor there: a SYN that meets
 * one costs a second. What is over is closed, or kept: a third of the cost of a
 * dial is making a socket. Embedded. */
struct tcp_partings {
	struct list leaving; /* oldest first */
	struct list kept;    /* the same */
	unsigned n_leaving, n_kept, kept_max;
	uint64_t swept_ns;
	struct list buckets[TCP_PARTINGS_BUCKETS]; /* of those kept */
};

void tcp_partings_init(struct tcp_partings *partings);

/* Abort what is left. */
void tcp_partings_finish(struct tcp_partings *partings);

/* Take the connected `fd` and send a FIN. The peer's answer is not looked for
 * before `rtt_ns` have passed. Afterwards the socket is kept for whoever asks
 * for `key`; 0: for nobody. */
void tcp_partings_take(struct tcp_partings *partings, int fd, uint64_t key,
		       uint64_t rtt_ns, uint64_t now_ns);

/* A socket that was kept, unconnected, with its port and options; it is the
 * caller's. -1: there is none. */
int tcp_partings_reuse(struct tcp_partings *partings, uint64_t key);

/* Close all that are kept. */
void tcp_partings_keep_none(struct tcp_partings *partings);

/* Let go of those whose peer has closed, and abort those that had time enough.
 * No event is watched for this: ask at every dial; it does something every few
 * milliseconds only. */
void tcp_partings_sweep(struct tcp_partings *partings, uint64_t now_ns);

#endif
