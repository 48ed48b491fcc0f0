#ifndef LAB_PACKET_H
#define LAB_PACKET_H

/* Raw IP packets: read the fields that rules and the record need, and build
 * the answers of a router on the way. Pure: no socket, no clock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 2048 /* above the TUN devices' MTU of 1500 */

struct packet_addr {
	uint8_t family; /* 4 or 6 */
	uint8_t b[16];  /* IPv4: the first four */
};

struct packet {
	uint8_t family;    /* 4 or 6 */
	uint8_t proto;     /* IPPROTO_*; extension headers are not walked */
	uint8_t hops_left; /* TTL or hop limit */
	uint8_t tcp_flags; /* 0 unless TCP */
	uint8_t icmp_type; /* 0 unless ICMP or ICMPv6 */
	bool has_l4;       /* `a`, `b` and the two above are valid */
	uint16_t a, b;     /* TCP, UDP: ports; ICMP echo: id and sequence */
	uint32_t tcp_seq;
	size_t l4;  /* where the transport header begins */
	size_t len; /* of the whole packet, by its own header */
	struct packet_addr src, dst;
};

#define PACKET_FIN 0x01
#define PACKET_SYN 0x02
#define PACKET_RST 0x04
#define PACKET_ACK 0x10

/* False when `data` is no whole IPv4 or IPv6 header. A packet cut short (as
 * an ICMP error quotes it) is fine: `len` then exceeds what is there. */
bool packet_parse(const uint8_t *data, size_t n, struct packet *ret_p);

bool packet_is_echo(const struct packet *p);
bool packet_is_reply(const struct packet *p);
bool packet_is_error(const struct packet *p);

/* Every builder writes to `out` (PACKET_MAX bytes) and returns the length,
 * or 0 where the protocols forbid an answer (to an error, to a fragment). */

struct packet_error {
	uint8_t type, code;
	unsigned quote; /* transport bytes quoted; 0 is as many as allowed */
	struct packet_addr from;
};
size_t packet_icmp_error(const uint8_t *data, const struct packet *p,
			 const struct packet_error *e, uint8_t *out);

/* A RST that refuses the SYN in `data`; 0 for anything else. */
size_t packet_refusal(const uint8_t *data, const struct packet *p,
		      uint8_t *out);

/* Take `n` off the TTL or hop limit, which must be greater. */
void packet_age(uint8_t *data, const struct packet *p, uint8_t n);

/* Turn over one bit behind the IP header, as a bad line does: the transport
 * checksum is left as it was. */
void packet_corrupt(uint8_t *data, const struct packet *p, uint64_t random);

#endif
