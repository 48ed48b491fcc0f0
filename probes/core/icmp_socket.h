/* The one socket of a family that all ICMP targets share: a ping socket where
 * the host allows it, else a raw one. What differs between the two ends here.
 *
 * A ping socket has one ICMP id, given by the kernel, gets replies to it only,
 * and errors through its error queue (IP_RECVERR). A raw socket takes any id,
 * sees everything that its filters let pass, and errors as plain messages.
 * Transmit stamps come through the error queue of both. */
#ifndef CORE_ICMP_SOCKET_H
#define CORE_ICMP_SOCKET_H

#include "core/icmp_wire.h"
#include "core/stamp.h"
#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_SOCKET_BATCH 32

struct icmp_socket {
	int fd; /* -1: closed */
	uint8_t family;
	bool raw;
	uint16_t id;        /* of a ping socket's packets */
	int fragments;      /* its setting when opened */
	bool dont_fragment; /* as it is set now */
};

enum icmp_socket_want {
	ICMP_SOCKET_ANY,   /* a ping socket if it may be, else a raw one */
	ICMP_SOCKET_RAW,   /* a raw one */
	ICMP_SOCKET_FRESH, /* a ping socket with another id than before */
};

/* Open; `magic` is what our requests carry. 0; -EACCES with the two remedies in
 * `err`; -EAFNOSUPPORT without the family; another negative errno. */
int icmp_socket_open(struct icmp_socket *s, int family,
		     enum icmp_socket_want want, uint32_t magic,
		     struct ep_err *err);

/* What the kernel has granted for received packets, in bytes; 0: unknown. */
uint64_t icmp_socket_buffer(const struct icmp_socket *s);
void icmp_socket_close(struct icmp_socket *s);

/* How a packet leaves; zero is the system's choice everywhere. */
struct icmp_way {
	uint32_t interface;       /* index to leave by */
	struct ep_address source; /* address to leave from */
	uint8_t ttl;
	uint8_t dscp;
	bool dont_fragment;
	bool queue_stamp; /* a stamp of the local queue, too */
};

/* Send one message; the readings of the clock around the call that counted go
 * to `sent`, the rest of it stays. 0, or negative errno; -EADDRNOTAVAIL: the
 * source is gone. */
int icmp_socket_send(struct icmp_socket *s, const struct ep_address *to,
		     const struct icmp_way *way, const struct iovec *packet,
		     struct stamp_send *sent);

/* One message that came. */
struct icmp_received {
	struct icmp_seen seen;
	uint64_t kernel_ns; /* receive stamp, wall; 0: none */
};

/* Room for receiving a batch; large, so allocated once. */
struct icmp_buffers;
struct icmp_buffers *icmp_buffers_create(void);
void icmp_buffers_destroy(struct icmp_buffers *buffers);

/* Read at most ICMP_SOCKET_BATCH messages. Returns how many; fewer means that
 * there are no more for now. */
unsigned icmp_socket_receive(const struct icmp_socket *s,
			     struct icmp_buffers *buffers,
			     struct icmp_received *ret_received);

/* What the error queue gives. */
enum icmp_note {
	ICMP_NOTE_OTHER, /* nothing of interest; there may be more */
	ICMP_NOTE_STAMP, /* a transmit stamp, by the driver */
	ICMP_NOTE_QUEUE, /* one from before the local queue */
	ICMP_NOTE_ERROR, /* an ICMP error, on a ping socket */
};

/* What came out of it. */
struct icmp_queued {
	enum icmp_note note;
	uint64_t kernel_ns;    /* stamp, wall */
	uint32_t opt_id;       /* stamp: number of the packet */
	struct icmp_seen seen; /* error */
};

/* Take at most `max`, and no more than ICMP_SOCKET_BATCH, messages from the
 * error queue. Returns how many; fewer means that it is empty. */
unsigned icmp_socket_take_queued(const struct icmp_socket *s,
				 struct icmp_buffers *buffers, unsigned max,
				 struct icmp_queued *ret_queued);

/* Packets that the kernel dropped for want of buffer; a running count. */
uint32_t icmp_socket_drops(const struct icmp_socket *s);

/* Whether an error comes from this very host: it is about us, not the net. */
bool icmp_seen_local(const struct icmp_seen *seen);

/* Whether an address means nothing without its interface. */
bool icmp_is_link_local(const struct ep_address *a);

/* Make `a`, an address that is probed, the one that a reply comes from: of a
 * link-local one, with the interface that it comes in by. -EINVAL if that is
 * not known: without it a reply could be anybody's. */
int icmp_find_scope(struct ep_address *a, const struct icmp_way *way);

#endif
