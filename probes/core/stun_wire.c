#include "core/stun_wire.h"
#include <stdbool.h>
#include <string.h>

#define COOKIE UINT32_C(0x2112a442)

#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define BINDING_ERROR   0x0111

#define MAPPED_ADDRESS     0x0001
#define ERROR_CODE         0x0009
#define XOR_MAPPED_ADDRESS 0x0020
#define FINGERPRINT        0x8028

#define FINGERPRINT_XOR UINT32_C(0x5354554e) /* "STUN" */

#define AT_LENGTH  2
#define AT_COOKIE  4
#define AT_ID      8
#define HEADER     STUN_REQUEST_BYTES
#define ATTRIBUTE  4 /* type and length before each value */
#define ADDRESS_AT 4 /* in an address attribute, behind family and port */

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static uint64_t get64(const uint8_t *at)
{
	return (uint64_t)get32(at) << 32 | get32(at + 4);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

void stun_wire_request(uint32_t slot, uint64_t nonce, uint8_t *ret_bytes)
{
	put16(ret_bytes, BINDING_REQUEST);
	put16(ret_bytes + AT_LENGTH, 0);
	put32(ret_bytes + AT_COOKIE, COOKIE);
	put32(ret_bytes + AT_ID, slot);
	put32(ret_bytes + AT_ID + 4, (uint32_t)(nonce >> 32));
	put32(ret_bytes + AT_ID + 8, (uint32_t)nonce);
}

/* CRC-32 of ITU V.42; a table is not worth it for one packet now and then. */
static uint32_t crc32_of(const uint8_t *bytes, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
	}
	return ~crc;
}

/* `mask`: cookie and id where the address is hidden from middle boxes that
 * rewrite what looks like one; NULL where it is not. */
static void read_address(const uint8_t *value, size_t n, const uint8_t *mask,
			 struct stun_seen *seen)
{
	struct ep_address a = { .family = value[1] == 1 ? 4 : 6 };
	size_t size = a.family == 4 ? 4 : 16;

	if ((value[1] != 1 && value[1] != 2) || n < ADDRESS_AT + size)
		return;
	seen->mapped_port = get16(value + 2);
	memcpy(a.bytes, value + ADDRESS_AT, size);
	if (mask != NULL) {
		seen->mapped_port ^= get16(mask);
		for (size_t i = 0; i < size; i++)
			a.bytes[i] ^= mask[i];
	}
	seen->mapped = a;
}

static bool read_attribute(const uint8_t *bytes, size_t at, size_t n,
			   struct stun_seen *seen)
{
	const uint8_t *value = bytes + at + ATTRIBUTE;

	switch (get16(bytes + at)) {
	case XOR_MAPPED_ADDRESS:
		if (n >= ADDRESS_AT)
			read_address(value, n, bytes + AT_COOKIE, seen);
		break;
	case MAPPED_ADDRESS: /* the other one says it better */
		if (n >= ADDRESS_AT && seen->mapped.family == 0)
			read_address(value, n, NULL, seen);
		break;
	case ERROR_CODE:
		if (n >= 4 && (value[2] & 7) >= 3 && (value[2] & 7) <= 6 &&
		    value[3] < 100)
			seen->error =
				(uint16_t)((value[2] & 7) * 100 + value[3]);
		break;
	case FINGERPRINT:
		return n == 4 &&
		       get32(value) == (crc32_of(bytes, at) ^ FINGERPRINT_XOR);
	default:
		break;
	}
	return true;
}

/* False: an attribute reaches beyond the end, or the fingerprint is wrong. */
static bool read_attributes(const uint8_t *bytes, size_t n,
			    struct stun_seen *seen)
{
	size_t at = HEADER;

	while (n - at >= ATTRIBUTE) {
		size_t length = get16(bytes + at + 2);
		size_t padded = (length + 3) & ~(size_t)3;

		if (n - at - ATTRIBUTE < padded ||
		    !read_attribute(bytes, at, length, seen))
			return false;
		at += ATTRIBUTE + padded;
	}
	return at == n;
}

static enum stun_what what_of(uint16_t type)
{
	if (type == BINDING_SUCCESS)
		return STUN_SUCCESS;
	return type == BINDING_ERROR ? STUN_REFUSAL : STUN_OTHER;
}

void stun_wire_parse(const uint8_t *bytes, size_t n, struct stun_seen *ret_seen)
{
	memset(ret_seen, 0, sizeof(*ret_seen));
	if (n < HEADER || n > STUN_ANSWER_MAX ||
	    get32(bytes + AT_COOKIE) != COOKIE ||
	    get16(bytes + AT_LENGTH) != n - HEADER)
		return;
	ret_seen->what = what_of(get16(bytes));
	if (ret_seen->what == STUN_OTHER)
		return;
	ret_seen->slot = get32(bytes + AT_ID);
	ret_seen->nonce = get64(bytes + AT_ID + 4);
	if (!read_attributes(bytes, n, ret_seen))
		memset(ret_seen, 0, sizeof(*ret_seen));
}

int stun_wire_quoted(const uint8_t *bytes, size_t n, uint32_t *ret_slot,
		     uint64_t *ret_nonce)
{
	if (n < HEADER || get16(bytes) != BINDING_REQUEST ||
	    get32(bytes + AT_COOKIE) != COOKIE)
		return 0;
	*ret_slot = get32(bytes + AT_ID);
	*ret_nonce = get64(bytes + AT_ID + 4);
	return 1;
}
