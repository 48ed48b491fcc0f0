#include "store/bits.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define LONG_BITS   6  /* say the length of a number, less one */
#define UNARY_MAX   20 /* beyond, the number is written as it is */
#define PUT_MAX     48
#define SUM_MAX     ((uint64_t)1 << 47)
#define FIRST_BYTES 4096

/* --- out --- */

static bool has_room(struct bits_out *out, size_t bytes)
{
	size_t size = out->size ? out->size : FIRST_BYTES;
	uint8_t *data;

	if (out->failed || out->size - out->len >= bytes)
		return !out->failed;
	while (size - out->len < bytes)
		size *= 2;
	data = realloc(out->data, size);
	if (data) {
		out->data = data;
		out->size = size;
	}
	out->failed = !data;
	return data != NULL;
}

void bits_put(struct bits_out *out, uint64_t value, unsigned n)
{
	out->held |= value << out->n_held;
	out->n_held += n;
	if (!has_room(out, sizeof(out->held)))
		out->n_held = 0;
	for (; out->n_held >= 8; out->n_held -= 8) {
		out->data[out->len++] = (uint8_t)out->held;
		out->held >>= 8;
	}
}

static unsigned length_of(uint64_t value)
{
	return value ? 64 - (unsigned)__builtin_clzll(value) : 1;
}

void bits_put_any(struct bits_out *out, uint64_t value)
{
	unsigned n = length_of(value);

	bits_put(out, n - 1, LONG_BITS);
	if (n > 32) {
		bits_put(out, value & UINT32_MAX, 32);
		value >>= 32;
		n -= 32;
	}
	bits_put(out, value, n);
}

void bits_align(struct bits_out *out)
{
	if (out->n_held > 0)
		bits_put(out, 0, 8 - out->n_held);
}

void bits_put_bytes(struct bits_out *out, const void *data, size_t len)
{
	if (len == 0 || !has_room(out, len))
		return;
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

/* --- in --- */

void bits_open(struct bits_in *in, const void *data, size_t len)
{
	*in = (struct bits_in){ .at = data };
	in->end = in->at + len;
}

/* Hold PUT_MAX bits at least, or all there are. */
static void refill(struct bits_in *in)
{
	uint64_t next;

	if (in->n_held >= PUT_MAX)
		return;
	if (in->end - in->at >= (ptrdiff_t)sizeof(next)) {
		memcpy(&next, in->at, sizeof(next));
		in->held |= le64toh(next) << in->n_held;
		in->at += (63 - in->n_held) / 8;
		in->n_held |= 56;
		return;
	}
	while (in->n_held <= 56 && in->at < in->end) {
		in->held |= (uint64_t)*in->at++ << in->n_held;
		in->n_held += 8;
	}
}

static void skip(struct bits_in *in, unsigned n)
{
	if (n > in->n_held) {
		in->over = true;
		in->held = 0;
		in->n_held = 0;
		in->at = in->end;
		return;
	}
	in->held >>= n;
	in->n_held -= n;
}

uint64_t bits_get(struct bits_in *in, unsigned n)
{
	uint64_t value;

	refill(in);
	value = in->held & (((uint64_t)1 << n) - 1);
	skip(in, n);
	return in->over ? 0 : value;
}

uint64_t bits_get_any(struct bits_in *in)
{
	unsigned n = (unsigned)bits_get(in, LONG_BITS) + 1;
	uint64_t low;

	if (n <= 32)
		return bits_get(in, n);
	low = bits_get(in, 32);
	return bits_get(in, n - 32) << 32 | low;
}

const void *bits_get_bytes(struct bits_in *in, size_t len)
{
	const uint8_t *from;

	if (in->over)
		return NULL;
	from = in->at - in->n_held / 8; /* whole bytes were held too many */
	if ((size_t)(in->end - from) < len)
		return NULL;
	bits_open(in, from + len, (size_t)(in->end - from) - len);
	return from;
}

/* --- Rice --- */

static unsigned parameter(const struct bits_mean *mean)
{
	return length_of(mean->sum >> 4 | 1) - 1;
}

/* One that is far out says little of the next. */
static void learn(struct bits_mean *mean, uint64_t value)
{
	uint64_t now = mean->sum >> 4, most = 8 * now + 16;

	if (!mean->known)
		mean->sum = value < SUM_MAX >> 4 ? value << 4 : SUM_MAX;
	else
		mean->sum += (value < most ? value : most) - now;
	if (mean->sum > SUM_MAX)
		mean->sum = SUM_MAX;
	mean->known = true;
}

void bits_put_rice(struct bits_out *out, struct bits_mean *mean, uint64_t value)
{
	unsigned k = parameter(mean);
	uint64_t q = mean->known ? value >> k : UNARY_MAX;

	if (q < UNARY_MAX) {
		bits_put(out, ((uint64_t)1 << q) - 1, (unsigned)q + 1);
		bits_put(out, value & (((uint64_t)1 << k) - 1), k);
	} else {
		if (mean->known)
			bits_put(out, ((uint64_t)1 << UNARY_MAX) - 1,
				 UNARY_MAX);
		bits_put_any(out, value);
	}
	learn(mean, value);
}

static uint64_t get_known(struct bits_in *in, unsigned k)
{
	unsigned q;

	refill(in);
	q = (unsigned)__builtin_ctzll(~in->held | (uint64_t)1 << UNARY_MAX);
	if (q == UNARY_MAX) {
		skip(in, q);
		return bits_get_any(in);
	}
	skip(in, q + 1);
	return (uint64_t)q << k | bits_get(in, k);
}

uint64_t bits_get_rice(struct bits_in *in, struct bits_mean *mean)
{
	uint64_t value =
		mean->known ? get_known(in, parameter(mean)) : bits_get_any(in);

	learn(mean, value);
	return value;
}
