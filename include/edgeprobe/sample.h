/* What came back: one measured round trip, or what happened instead.
 *
 * The figure and how far it can be trusted travel together. RTT is the
 * Type-P-Round-trip-Delay of RFC 2681; loss is RFC 6673 with the target's
 * timeout as threshold. */
#ifndef EDGEPROBE_SAMPLE_H
#define EDGEPROBE_SAMPLE_H

#include "edgeprobe/address.h"
#include "edgeprobe/outcome.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Value of a signed field that is not known: absent, not zero. */
#define EP_ABSENT (-1)

/* Which clocks `rtt_ns` was taken from. */
enum ep_stamp {
	EP_STAMP_KERNEL, /* both ends by the kernel */
	EP_STAMP_MIXED,  /* one end by the kernel */
	EP_STAMP_USER,   /* this process: contains its own delay */
};

/* Bits of `flags` (16 at most), comma-separated words in the row. */
enum ep_flag {
	EP_FLAG_FRESH_FLOW = 1 << 0, /* a new flow was used on purpose */
	EP_FLAG_DRAINING = 1 << 1,   /* our own backlog was being sent */
	EP_FLAG_CLOCK_UNSYNCED = 1
				 << 2, /* `sent_ns` may be wrong; rtt is not */
	EP_FLAG_DUPLICATE = 1 << 3,    /* a reply that came twice */
	EP_FLAG_KEPT = 1 << 4,     /* over a connection that was open before */
	EP_FLAG_THINNED = 1 << 5,  /* fewer are sent, to keep a byte budget */
	EP_FLAG_TX_SCHED = 1 << 6, /* transmit stamp from before the local
				    * queue, whose time is in the figure */
	EP_FLAG_STALLED = 1 << 7,  /* we stood still while it was under way */
	/* Set by whoever knows the edge, not by the library: */
	EP_FLAG_TLS_ISSUER = 1 << 8,   /* an authority that is not the edge's */
	EP_FLAG_NEARBY = 1 << 9,       /* TCP is answered nearer than TLS */
	EP_FLAG_BELOW_LIGHT = 1 << 10, /* faster than light to that PoP */
	EP_FLAG_LOADED = 1 << 11,      /* a download filled its circuit */
};

/* Bounds of text that an edge sent us; longer is cut. */
#define EP_POP_MAX          8
#define EP_POP_SOURCE_MAX   24
#define EP_POP_REF_MAX      160
#define EP_EDGE_CACHE_MAX   24
#define EP_TLS_ISSUER_MAX   96
#define EP_HTTP_VERSION_MAX 4

/* Beside an https sample. Each duration is that phase alone, nanoseconds;
 * EP_ABSENT where it was not reached. Texts are "" when unknown. */
struct ep_https {
	int64_t connect_ns; /* TCP connect as libcurl saw it */
	int64_t tls_ns;     /* ClientHello to handshake done */
	/* ClientHello sent to the server's first byte, by the kernel's receive
	 * stamp: a round trip and what the server needs to sign */
	int64_t tls_first_byte_ns;
	int64_t first_byte_ns; /* request sent to first byte of the answer */
	int64_t total_ns;      /* name look-up to last byte */
	int64_t srtt_ns;       /* EP_FLAG_KEPT: the kernel's smoothed RTT */
	int64_t min_rtt_ns;    /* EP_FLAG_KEPT: its minimum (tcpi_min_rtt) */
	int32_t tls_days_left; /* of the leaf certificate; may be negative */
	uint16_t http_status;  /* 100 to 599; 0: none came */
	char http_version[EP_HTTP_VERSION_MAX]; /* "1.1", "2" */
	char pop[EP_POP_MAX];                   /* code of the edge PoP */
	char pop_source[EP_POP_SOURCE_MAX];     /* header it was read from */
	char pop_ref[EP_POP_REF_MAX];           /* that header, as it came */
	char edge_cache[EP_EDGE_CACHE_MAX];     /* word of X-Cache: TCP_HIT */
	char tls_issuer[EP_TLS_ISSUER_MAX];     /* O= or CN= of the issuer */
};

/* `tls_days_left` when no certificate was seen. */
#define EP_DAYS_ABSENT INT32_MIN

/* A plain value: copy it freely. `https` is last, so that a queue of icmp and
 * tcp samples may carry EP_SAMPLE_CORE bytes only. */
struct ep_sample {
	uint64_t id;      /* of the probe: unique in its engine, never 0 */
	uint64_t sent_ns; /* wall clock when it was sent; labels, no more */
	int64_t rtt_ns;   /* the network round trip; EP_ABSENT: none */
	int64_t dns_ns;   /* look-up made for this sample; EP_ABSENT: none */
	int64_t slip_ns;  /* actual minus scheduled send; >= 0 */
	uint64_t uncertainty_ns;   /* the host's possible share in rtt_ns */
	struct ep_address address; /* measured; family 0 where unknown */
	/* stun: where the request came from as the server saw it, which is the
	 * branch's egress; family 0 where unknown */
	struct ep_address mapped;
	uint16_t mapped_port;
	uint32_t missed;     /* EP_REASON_MISSED: probes this one stands for */
	uint32_t bytes;      /* IP packets both ways took so many, about; not
			      * in the row, but what a byte budget counts */
	uint16_t port;       /* 0 where the kind has none */
	uint8_t outcome;     /* enum ep_outcome */
	uint8_t reason;      /* enum ep_reason */
	uint8_t stamp;       /* enum ep_stamp */
	uint16_t flags;      /* enum ep_flag, or-ed */
	int16_t ttl;         /* or hop limit, of the reply; EP_ABSENT */
	int16_t retransmits; /* of the SYN; EP_ABSENT where not known */
	struct ep_https https;
};

/* Bytes of a sample without its `https` part. */
#define EP_SAMPLE_CORE offsetof(struct ep_sample, https)

/* A sample with every field absent. */
void ep_sample_init(struct ep_sample *sample);

/* The row's word; static. An unknown number gives "unknown". */
const char *ep_stamp_name(enum ep_stamp stamp);

#ifdef __cplusplus
}
#endif

#endif
