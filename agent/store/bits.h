/* Numbers as bits, for chunks. The first bit is the lowest of its byte. */
#ifndef STORE_BITS_H
#define STORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed to begin with. Owns `data` (malloc(3)ed). */
struct bits_out {
	uint8_t *data;
	size_t len, size; /* bytes */
	uint64_t held;    /* bits that make no byte yet */
	unsigned n_held;
	bool failed; /* no memory: what follows is not kept */
};

/* The low `n` bits of `value`, 48 at most; the others are 0. */
void bits_put(struct bits_out *out, uint64_t value, unsigned n);
/* Any number: six bits say how long it is. */
void bits_put_any(struct bits_out *out, uint64_t value);
/* Up to the end of the byte: zeros. */
void bits_align(struct bits_out *out);
void bits_put_bytes(struct bits_out *out, const void *data, size_t len);

struct bits_in {
	const uint8_t *at, *end;
	uint64_t held;
	unsigned n_held;
	bool over; /* asked for more than there is: got zeros */
};

void bits_open(struct bits_in *in, const void *data, size_t len);
uint64_t bits_get(struct bits_in *in, unsigned n);
uint64_t bits_get_any(struct bits_in *in);
/* What bits_align() ended, as bytes: `len` of them, or NULL. */
const void *bits_get_bytes(struct bits_in *in, size_t len);

/* How large numbers were of late: 16 times a running mean. */
struct bits_mean {
	uint64_t sum;
	bool known;
};

/* Rice's code, which suits numbers that are small more often than large; its
 * parameter follows those that went before. */
void bits_put_rice(struct bits_out *out, struct bits_mean *mean,
		   uint64_t value);
uint64_t bits_get_rice(struct bits_in *in, struct bits_mean *mean);

/* Signed numbers by their size: 0, -1, 1, -2, 2 ... */
static inline uint64_t bits_fold(uint64_t value)
{
	return value << 1 ^ (value >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t bits_unfold(uint64_t folded)
{
	return folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0);
}

#endif
