#include "core/icmp_wire.h"
#include <string.h>

/* Layout behind the ICMP header. The balance word makes the checksum come out
 * as wanted; the rest is filler. */
enum {
	AT_MAGIC = 8,
	AT_SLOT = 12,
	AT_NONCE = 16,
	AT_BALANCE = 24,
	AT_FILL = 26,
	NONCE_END = AT_BALANCE, /* bytes that must be there to know the nonce */
};

enum {
	HEADER = 8,
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	PROTOCOL_ICMP = 1,
	PROTOCOL_ICMP6 = 58,
	ECHO_REPLY = 0,
	ECHO_REQUEST = 8,
	ECHO_REQUEST6 = 128,
	ECHO_REPLY6 = 129,
};

/* --- words --- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + sum);
}

/* The one's complement sum; at most 64 KiB, so 32 bits hold the carries. */
static uint16_t sum16(const uint8_t *p, size_t size)
{
	uint32_t sum = 0;

	for (; size > 1; p += 2, size -= 2)
		sum += get16(p);
	if (size == 1)
		sum += (uint32_t)p[0] << 8;
	return fold(sum);
}

/* --- out --- */

size_t icmp_wire_request(const struct icmp_request *request, uint8_t *buf,
			 size_t size)
{
	size_t n = HEADER + request->payload;
	uint16_t rest;

	if (request->payload < ICMP_WIRE_PAYLOAD_MIN ||
	    request->payload > ICMP_WIRE_PAYLOAD_MAX || n > size)
		return 0;
	buf[0] = request->family == 4 ? ECHO_REQUEST : ECHO_REQUEST6;
	buf[1] = 0;
	put16(buf + 2, 0);
	put16(buf + 4, request->id);
	put16(buf + 6, request->seq);
	put32(buf + AT_MAGIC, request->magic);
	put32(buf + AT_SLOT, request->slot);
	put32(buf + AT_NONCE, (uint32_t)(request->nonce >> 32));
	put32(buf + AT_NONCE + 4, (uint32_t)request->nonce);
	put16(buf + AT_BALANCE, 0);
	for (size_t i = AT_FILL; i < n; i++)
		buf[i] = (uint8_t)i;
	/* ~checksum = rest + balance, so balance = ~checksum - rest */
	rest = sum16(buf, n);
	put16(buf + AT_BALANCE,
	      fold((uint32_t)(uint16_t)~request->checksum + (uint16_t)~rest));
	if (request->family == 4)
		put16(buf + 2, (uint16_t)~sum16(buf, n));
	return n;
}

/* --- in --- */

static enum ep_reason reason_unreachable4(uint8_t code)
{
	switch (code) {
	case 0:
	case 6:
	case 11:
		return EP_REASON_NET_UNREACHABLE;
	case 2:
		return EP_REASON_PROTOCOL_UNREACHABLE;
	case 3:
		return EP_REASON_PORT_UNREACHABLE;
	case 4:
		return EP_REASON_PACKET_TOO_BIG;
	case 9:
	case 10:
	case 13:
	case 14:
	case 15:
		return EP_REASON_ADMIN_PROHIBITED;
	default:
		return EP_REASON_HOST_UNREACHABLE;
	}
}

static enum ep_reason reason_unreachable6(uint8_t code)
{
	switch (code) {
	case 1:
	case 5:
		return EP_REASON_ADMIN_PROHIBITED;
	case 3:
		return EP_REASON_HOST_UNREACHABLE;
	case 4:
		return EP_REASON_PORT_UNREACHABLE;
	default:
		return EP_REASON_NET_UNREACHABLE;
	}
}

static enum ep_reason reason4(uint8_t type, uint8_t code)
{
	switch (type) {
	case 3:
		return reason_unreachable4(code);
	case 11:
		return EP_REASON_TIME_EXCEEDED;
	case 12:
		return EP_REASON_PARAMETER_PROBLEM;
	default:
		return EP_REASON_NONE;
	}
}

static enum ep_reason reason6(uint8_t type, uint8_t code)
{
	switch (type) {
	case 1:
		return reason_unreachable6(code);
	case 2:
		return EP_REASON_PACKET_TOO_BIG;
	case 3:
		return EP_REASON_TIME_EXCEEDED;
	case 4:
		return EP_REASON_PARAMETER_PROBLEM;
	default:
		return EP_REASON_NONE;
	}
}

enum ep_reason icmp_wire_reason(uint8_t family, uint8_t type, uint8_t code)
{
	return family == 4 ? reason4(type, code) : reason6(type, code);
}

static void init_seen(struct icmp_seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->ttl = EP_ABSENT;
}

static struct ep_address address_of(uint8_t family, const uint8_t *bytes)
{
	struct ep_address a = { .family = family };

	memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
	return a;
}

/* An echo message: at least its header is there. */
static void read_echo(const uint8_t *buf, size_t size, struct icmp_seen *seen)
{
	seen->id = get16(buf + 4);
	seen->seq = get16(buf + 6);
	seen->has_nonce = size >= NONCE_END;
	if (!seen->has_nonce)
		return;
	seen->magic = get32(buf + AT_MAGIC);
	seen->slot = get32(buf + AT_SLOT);
	seen->nonce = get64(buf + AT_NONCE);
}

/* A router may quote only 8 bytes of what we sent. */
static void read_quote(uint8_t family, const uint8_t *buf, size_t size,
		       struct icmp_seen *seen)
{
	uint8_t request = family == 4 ? ECHO_REQUEST : ECHO_REQUEST6;

	if (size < HEADER || buf[0] != request || buf[1] != 0)
		return;
	read_echo(buf, size, seen);
	seen->what = ICMP_ERROR;
}

static void read_quoted_packet4(const uint8_t *buf, size_t size,
				struct icmp_seen *seen)
{
	size_t header;

	if (size < IP4_HEADER || buf[0] >> 4 != 4)
		return;
	header = (size_t)(buf[0] & 15) * 4;
	if (header < IP4_HEADER || header > size || buf[9] != PROTOCOL_ICMP ||
	    (get16(buf + 6) & 0x1fff) != 0)
		return;
	seen->asked_by = address_of(4, buf + 12);
	seen->asked = address_of(4, buf + 16);
	read_quote(4, buf + header, size - header, seen);
}

/* We send no extension headers, so that ICMP follows at once. */
static void read_quoted_packet6(const uint8_t *buf, size_t size,
				struct icmp_seen *seen)
{
	if (size < IP6_HEADER || buf[0] >> 4 != 6 || buf[6] != PROTOCOL_ICMP6)
		return;
	seen->asked_by = address_of(6, buf + 8);
	seen->asked = address_of(6, buf + 24);
	read_quote(6, buf + IP6_HEADER, size - IP6_HEADER, seen);
}

static void read_message(uint8_t family, const uint8_t *buf, size_t size,
			 struct icmp_seen *seen)
{
	if (size < HEADER)
		return;
	seen->reason = icmp_wire_reason(family, buf[0], buf[1]);
	if (seen->reason != EP_REASON_NONE) {
		if (family == 4)
			read_quoted_packet4(buf + HEADER, size - HEADER, seen);
		else
			read_quoted_packet6(buf + HEADER, size - HEADER, seen);
		return;
	}
	if (buf[0] != (family == 4 ? ECHO_REPLY : ECHO_REPLY6) || buf[1] != 0)
		return;
	read_echo(buf, size, seen);
	if (seen->has_nonce)
		seen->what = ICMP_REPLY;
}

void icmp_wire_parse(uint8_t family, const uint8_t *buf, size_t size,
		     struct icmp_seen *ret_seen)
{
	init_seen(ret_seen);
	read_message(family, buf, size, ret_seen);
}

void icmp_wire_parse_packet(const uint8_t *buf, size_t size,
			    struct icmp_seen *ret_seen)
{
	size_t header, total;

	init_seen(ret_seen);
	if (size < IP4_HEADER || buf[0] >> 4 != 4)
		return;
	header = (size_t)(buf[0] & 15) * 4;
	total = get16(buf + 2);
	if (header < IP4_HEADER || header > total || total > size ||
	    buf[9] != PROTOCOL_ICMP)
		return;
	if (sum16(buf + header, total - header) != 0xffff)
		return;
	ret_seen->source = address_of(4, buf + 12);
	ret_seen->ttl = buf[8];
	read_message(4, buf + header, total - header, ret_seen);
}

void icmp_wire_parse_quote(uint8_t family, uint8_t type, uint8_t code,
			   const uint8_t *buf, size_t size,
			   struct icmp_seen *ret_seen)
{
	init_seen(ret_seen);
	ret_seen->reason = icmp_wire_reason(family, type, code);
	if (ret_seen->reason != EP_REASON_NONE)
		read_quote(family, buf, size, ret_seen);
}
