/* STUN Binding on the wire (RFC 8489): what we ask, and what came. Pure. */
#ifndef CORE_STUN_WIRE_H
#define CORE_STUN_WIRE_H

#include "edgeprobe/address.h"
#include <stddef.h>
#include <stdint.h>

/* A request is a header and nothing more: servers of RFC 3489's time and
 * Microsoft's relays answer it, too. */
#define STUN_REQUEST_BYTES 20
#define STUN_ID_BYTES      12

/* Longest answer that is looked at. */
#define STUN_ANSWER_MAX 1024

enum stun_what {
	STUN_OTHER,   /* no answer to a Binding request */
	STUN_SUCCESS, /* Binding success response */
	STUN_REFUSAL, /* Binding error response: an answer all the same */
};

/* What a datagram says. */
struct stun_seen {
	enum stun_what what;
	uint32_t slot; /* the two parts of the id: as we made them */
	uint64_t nonce;
	struct ep_address mapped; /* where our request came from, as the server
				   * saw it; family 0: it does not say */
	uint16_t mapped_port;
	uint16_t error; /* of a refusal: 300 to 699; 0: it does not say */
};

/* Write STUN_REQUEST_BYTES bytes; slot and nonce are its transaction id. */
void stun_wire_request(uint32_t slot, uint64_t nonce, uint8_t *ret_bytes);

/* Read any bytes. A FINGERPRINT that is there has to be right. */
void stun_wire_parse(const uint8_t *bytes, size_t n,
		     struct stun_seen *ret_seen);

/* The request that an ICMP error quotes, as far as it goes: 1 and its id, or
 * 0. */
int stun_wire_quoted(const uint8_t *bytes, size_t n, uint32_t *ret_slot,
		     uint64_t *ret_nonce);

#endif
