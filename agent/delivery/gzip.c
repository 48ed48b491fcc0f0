/* Batches, compressed and back. */
#include "delivery/framing.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

/* zlib: the largest window, and a gzip header instead of its own. */
#define GZIP_WINDOW (15 + 16)
#define GZIP_CHUNK  16384u

static int zlib_errno(int code)
{
	return code == Z_MEM_ERROR ? -ENOMEM : -EILSEQ;
}

/* Turn the crank until the input is used up. */
static int deflate_all(z_stream *z, struct buf *out)
{
	unsigned char chunk[GZIP_CHUNK];
	int r;

	do {
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		r = deflate(z, Z_FINISH);
		buf_add(out, chunk, sizeof(chunk) - z->avail_out);
	} while (r == Z_OK && !out->error);
	if (out->error)
		return out->error;
	return r == Z_STREAM_END ? 0 : zlib_errno(r);
}

static int inflate_all(z_stream *z, struct buf *out)
{
	unsigned char chunk[GZIP_CHUNK];
	int r;

	do {
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		r = inflate(z, Z_NO_FLUSH);
		buf_add(out, chunk, sizeof(chunk) - z->avail_out);
	} while (r == Z_OK && !out->error);
	if (out->error)
		return out->error;
	return r == Z_STREAM_END ? 0 : zlib_errno(r);
}

/* zlib does not write to its input, but does not say const everywhere. */
static z_stream stream_of(const char *data, size_t len)
{
	return (z_stream){
		.next_in = (Bytef *)(uintptr_t)data,
		.avail_in = (uInt)len,
	};
}

int framing_gzip_at(const char *data, size_t len, int level, struct buf *out)
{
	z_stream z = stream_of(data, len);
	int r;

	if (len > UINT_MAX)
		return -E2BIG;
	r = deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY);
	if (r != Z_OK)
		return zlib_errno(r);
	r = deflate_all(&z, out);
	deflateEnd(&z);
	return r;
}

int framing_gzip(const char *data, size_t len, struct buf *out)
{
	return framing_gzip_at(data, len, FRAMING_FAST, out);
}

int framing_gunzip(const char *data, size_t len, struct buf *out)
{
	z_stream z = stream_of(data, len);
	int r;

	if (len > UINT_MAX)
		return -E2BIG;
	r = inflateInit2(&z, GZIP_WINDOW);
	if (r != Z_OK)
		return zlib_errno(r);
	r = inflate_all(&z, out);
	inflateEnd(&z);
	return r;
}
