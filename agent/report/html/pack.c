#include "report/html/pack.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <zlib.h>

#define BYTES_MAX (1u << 30) /* OpenSSL counts in int */
#define LEVEL     9

/* Bytes that are encoded at once: a multiple of three, so that nothing is
 * padded but the end. */
#define STEP 3072

static void encode(const unsigned char *data, size_t len, struct buf *out)
{
	unsigned char text[STEP / 3 * 4 + 1];

	for (size_t at = 0; at < len; at += STEP) {
		size_t n = len - at < STEP ? len - at : STEP;
		int wrote = EVP_EncodeBlock(text, data + at, (int)n);

		buf_add(out, text, (size_t)wrote);
	}
}

int html_pack(const char *data, size_t len, struct buf *out)
{
	uLongf size = compressBound(len);
	unsigned char *packed;
	int r = -ENOMEM;

	if (len > BYTES_MAX)
		return -E2BIG;
	packed = malloc(size);
	if (packed != NULL &&
	    compress2(packed, &size, (const Bytef *)data, len, LEVEL) == Z_OK) {
		encode(packed, size, out);
		r = 0;
	}
	free(packed);
	return r;
}
