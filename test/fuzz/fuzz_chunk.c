/* libFuzzer: any bytes as a chunk. What cannot be one is refused; what can is
 * rows within bounds, which make the same chunk again as far as they say. Built
 * with -Dfuzz=true; test/long/fuzz.sh runs it from seeds/chunk. test_chunk
 * replays the seeds. */
#include "edgeprobe/sample.h"
#include "store/chunk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEAD_BYTES 5 /* version and checksum: packing.c */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Else nearly nothing would come past it. */
static uint8_t *with_checksum(const uint8_t *data, size_t size)
{
	uint8_t *body = malloc(size);
	uint32_t crc;

	assert(body);
	memcpy(body, data, size);
	body[0] = data[0] == 1 ? 1 : 2;
	crc = (uint32_t)crc32_z(0, body + HEAD_BYTES, size - HEAD_BYTES);
	for (int i = 0; i < 4; i++)
		body[1 + i] = (uint8_t)(crc >> 8 * i);
	return body;
}

static void check_row(const struct chunk *chunk, size_t i)
{
	const struct chunk_row *row = chunk_row(chunk, i);

	assert(row->col[CHUNK_SEQ] < CHUNK_NUMBERS);
	if (i > 0)
		assert(row->col[CHUNK_SEQ] >
		       chunk_row(chunk, i - 1)->col[CHUNK_SEQ]);
	if (!(row->col[CHUNK_CODE] & CODE_HTTPS))
		return;
	assert(row->https < chunk->n_https);
	assert(strlen(chunk->texts + chunk->https[row->https].text) <=
	       CHUNK_TEXT);
}

static void same_row(const struct chunk *a, const struct chunk *b, size_t i)
{
	const struct chunk_row *x = chunk_row(a, i), *y = chunk_row(b, i);
	const struct chunk_https *p, *q;

	assert(memcmp(x->col, y->col, sizeof(x->col)) == 0);
	if (!(x->col[CHUNK_CODE] & CODE_HTTPS))
		return;
	p = &a->https[x->https];
	q = &b->https[y->https];
	assert(memcmp(p->col, q->col, sizeof(p->col)) == 0);
	assert(strcmp(a->texts + p->text, b->texts + q->text) == 0);
}

static void again(struct chunk *chunk)
{
	struct chunk *copy;
	void *body;
	size_t len;

	assert(chunk_encode(chunk, &body, &len) == 0);
	assert(chunk_decode(body, len, &copy) == 0);
	assert(copy->id == chunk->id && copy->n == chunk->n);
	for (size_t i = 0; i < chunk->n; i++)
		same_row(chunk, copy, i);
	chunk_destroy(copy);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunk *chunk;
	uint8_t *body;
	int r;

	if (size <= HEAD_BYTES) {
		assert(chunk_decode(data, size, &chunk) == -EBADMSG);
		return 0;
	}
	body = with_checksum(data, size);
	r = chunk_decode(body, size, &chunk);
	free(body);
	if (r < 0) {
		assert(r == -EBADMSG);
		return 0;
	}
	assert(chunk->n >= 1 && chunk->n <= CHUNK_NUMBERS);
	for (size_t i = 0; i < chunk->n; i++)
		check_row(chunk, i);
	again(chunk);
	chunk_destroy(chunk);
	return 0;
}
