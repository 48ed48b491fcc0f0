/* Rows packed into bytes and back, every figure as it was. Pure. */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/* Sequence numbers that one chunk is of: those from its id times this. */
#define CHUNK_NUMBERS 8192
#define CHUNK_TEXT    160 /* a text is at most so long */

/* In CHUNK_CODE. */
#define CODE_LATE  ((uint64_t)1 << 0)
#define CODE_HTTPS ((uint64_t)1 << 1)

/* A row, by column; the figures are those of struct ep_sample. */
enum chunk_column {
	CHUNK_SEQ, /* less the chunk's first number */
	CHUNK_SENT,
	CHUNK_PATH,
	CHUNK_CODE, /* as in its row: sample.c */
	CHUNK_RTT,
	CHUNK_MISSED,
	CHUNK_DNS,
	CHUNK_UNCERTAINTY,
	CHUNK_SLIP,
	CHUNK_TTL,
	CHUNK_RETRANSMITS,
	CHUNK_OF, /* late rows */
	CHUNK_COLUMNS
};

/* Beside a row of https or stun; up to CHUNK_DAYS EP_ABSENT where absent. */
enum chunk_https_column {
	CHUNK_CONNECT,
	CHUNK_TLS,
	CHUNK_FIRST_BYTE,
	CHUNK_TOTAL,
	CHUNK_SRTT,
	CHUNK_MIN_RTT,
	CHUNK_TLS_FIRST_BYTE,
	CHUNK_EGRESS, /* of stun: sample.c */
	CHUNK_DAYS,
	CHUNK_STATUS,
	CHUNK_VERSION,
	CHUNK_POP,
	CHUNK_SOURCE,
	CHUNK_ISSUER,
	CHUNK_CACHE,
	CHUNK_HTTPS_COLUMNS
};

struct chunk_https {
	uint64_t col[CHUNK_HTTPS_COLUMNS];
	uint32_t text; /* where in `texts` its PoP header begins */
};

struct chunk_row {
	uint64_t col[CHUNK_COLUMNS];
	uint32_t https; /* index, if CHUNK_CODE says so */
};

/* Owns what it points to. */
struct chunk {
	uint64_t id;
	uint64_t origin; /* a time of its rows: chunk_encode() */
	size_t n, n_https, https_size;
	size_t texts_len, texts_size;
	struct chunk_https *https;
	char *texts; /* each with its NUL; the first is "" */
	struct chunk_row rows[CHUNK_NUMBERS];
	uint16_t order[CHUNK_NUMBERS]; /* of `rows`, by number */
};

/* NULL: out of memory. */
struct chunk *chunk_create(uint64_t id);
void chunk_destroy(struct chunk *chunk);
/* One more, in order of number, CHUNK_NUMBERS at most; zeros, to be filled
 * in. */
struct chunk_row *chunk_add(struct chunk *chunk);
/* The https part of the last one, with its text (cut at CHUNK_TEXT; NULL: "").
 * NULL: out of memory. Valid until the next is added. */
struct chunk_https *chunk_add_https(struct chunk *chunk, const char *text);
/* The i-th by number. */
const struct chunk_row *chunk_row(const struct chunk *chunk, size_t i);

/* `*ret_body` is malloc(3)ed. 0, or -ENOMEM. */
int chunk_encode(struct chunk *chunk, void **ret_body, size_t *ret_len);
/* Any bytes may come. -EBADMSG: not what chunk_encode() made. */
int chunk_decode(const void *body, size_t len, struct chunk **ret_chunk);

#endif
