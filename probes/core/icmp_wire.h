/* ICMP echo as bytes: requests, replies, and errors that quote a request.
 * Pure, and safe with any bytes: nothing here trusts what came in. */
#ifndef CORE_ICMP_WIRE_H
#define CORE_ICMP_WIRE_H

#include "edgeprobe/address.h"
#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_WIRE_PAYLOAD_MIN     24
#define ICMP_WIRE_PAYLOAD_MAX     1472
#define ICMP_WIRE_PAYLOAD_DEFAULT 56
#define ICMP_WIRE_MAX             (8 + ICMP_WIRE_PAYLOAD_MAX)

/* An echo request. A balance word in the payload gives it the checksum that is
 * wanted, whatever seq, slot and nonce are: a router that hashes the first
 * words of ICMP then sends all probes of a target the same way. */
struct icmp_request {
	uint8_t family; /* 4 or 6 */
	uint16_t id, seq;
	uint16_t checksum; /* wanted; for IPv6 that without pseudo header */
	uint32_t magic;    /* what the kernel's filter looks for */
	uint32_t slot;
	uint64_t nonce;
	size_t payload; /* bytes behind the ICMP header */
};

/* Write the message from its ICMP header on. Returns its length; 0 if
 * `payload` is out of bounds or `buf` too small. For IPv6 the checksum field
 * is left to the kernel. */
size_t icmp_wire_request(const struct icmp_request *request, uint8_t *buf,
			 size_t size);

/* What an error of that type and code means; EP_REASON_NONE: no error. */
enum ep_reason icmp_wire_reason(uint8_t family, uint8_t type, uint8_t code);

/* What a message is to us. */
enum icmp_what {
	ICMP_OTHER, /* broken, or nothing that we asked for */
	ICMP_REPLY,
	ICMP_ERROR, /* and it quotes an echo request */
};

/* A message, taken apart. Of an error, everything but `source`, `reason` and
 * `ttl` is what it quotes. */
struct icmp_seen {
	enum icmp_what what;
	enum ep_reason reason;      /* of an error */
	struct ep_address source;   /* who sent the message */
	struct ep_address asked_by; /* quoted source; family 0: not known */
	struct ep_address asked;    /* quoted destination; 0: not known */
	uint16_t id, seq;
	bool has_nonce; /* enough bytes came to know the next three */
	uint32_t magic, slot;
	uint64_t nonce;
	int ttl; /* hop limit of the message; EP_ABSENT: not known */
};

/* A whole IPv4 packet, as a raw socket gives it. Its ICMP checksum must be
 * right: the kernel has not looked. */
void icmp_wire_parse_packet(const uint8_t *buf, size_t size,
			    struct icmp_seen *ret_seen);

/* A message from its ICMP header on: IPv6, or an IPv4 ping socket. The kernel
 * has checked the checksum. */
void icmp_wire_parse(uint8_t family, const uint8_t *buf, size_t size,
		     struct icmp_seen *ret_seen);

/* A quoted request from its ICMP header on, as the error queue gives it,
 * beside the type and code of the error. */
void icmp_wire_parse_quote(uint8_t family, uint8_t type, uint8_t code,
			   const uint8_t *buf, size_t size,
			   struct icmp_seen *ret_seen);

#endif
