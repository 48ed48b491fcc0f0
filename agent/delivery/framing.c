#include "delivery/framing.h"

#include "delivery/row.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_LEVEL 1
/* zlib: the largest window, and a gzip header instead of its own. */
#define GZIP_WINDOW (15 + 16)
#define GZIP_CHUNK  16384u

static const struct framing framings[] = {
	{ "ndjson", "", "\n", "\n", "application/x-ndjson", ".ndjson" },
	{ "json-array", "[", ",", "]", "application/json", ".json" },
};

const struct framing *framing_find(const char *name)
{
	if (!name)
		return &framings[0];
	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
		if (strcmp(framings[i].name, name) == 0)
			return &framings[i];
	return NULL;
}

void frame_init(struct frame *frame, const struct framing *framing,
		uint64_t max_rows, size_t max_bytes)
{
	*frame = (struct frame){
		.framing = framing,
		.max_rows = max_rows,
		.max_bytes = max_bytes,
	};
	buf_init(&frame->body, max_bytes + FRAME_ROW_MAX);
}

void frame_finish(struct frame *frame)
{
	buf_finish(&frame->body);
}

static void cut(struct buf *b, size_t len)
{
	b->error = 0;
	if (b->len == len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

int frame_add(struct frame *frame, const struct identity *who,
	      const struct record *record)
{
	const struct framing *framing = frame->framing;
	struct buf *body = &frame->body;
	size_t len = body->len;
	int r;

	frame->full = frame->full || frame->rows == frame->max_rows;
	if (frame->full)
		return -E2BIG;
	buf_text(body, frame->rows > 0 ? framing->separator : framing->begin);
	row_write(body, who, record);
	r = body->error;
	if (!r && frame->rows > 0 &&
	    body->len + strlen(framing->end) > frame->max_bytes)
		r = -E2BIG;
	if (!r) {
		frame->rows++;
		return 0;
	}
	cut(body, len);
	frame->full = r == -E2BIG;
	return r;
}

int frame_end(struct frame *frame)
{
	buf_text(&frame->body, frame->framing->end);
	return frame->body.error;
}

/* --- compression --- */

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

int framing_gzip(const char *data, size_t len, struct buf *out)
{
	z_stream z = stream_of(data, len);
	int r;

	if (len > UINT_MAX)
		return -E2BIG;
	r = deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY);
	if (r != Z_OK)
		return zlib_errno(r);
	r = deflate_all(&z, out);
	deflateEnd(&z);
	return r;
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

/* --- the way back to rows --- */

/* Bytes of the JSON object at `at`, 0 if there is no whole one. Only what
 * decides where it ends is looked at: the rows are ours. */
static size_t object_len(const char *at, const char *end)
{
	bool quoted = false;
	unsigned depth = 0;

	for (const char *c = at; c < end; c++) {
		if (quoted && *c == '\\')
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted && *c == '{')
			depth++;
		else if (!quoted && *c == '}' && --depth == 0)
			return (size_t)(c - at) + 1;
		if (depth == 0)
			return 0;
	}
	return 0;
}

/* The row's "seq"; 0 if it has none. In a string of the row a quote has a
 * backslash before it, so that this key cannot be found in one. */
static uint64_t seq_of(const char *row, size_t len)
{
	static const char key[] = ",\"seq\":";
	const char *at = memmem(row, len, key, sizeof(key) - 1);
	uint64_t seq = 0;

	if (!at)
		return 0;
	for (at += sizeof(key) - 1; at < row + len; at++) {
		if (*at < '0' || *at > '9')
			break;
		seq = seq * 10 + (uint64_t)(*at - '0');
	}
	return seq;
}

/* Step over `text`; false if it is not there. */
static bool skip(const char **at, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *at) < len || memcmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Step over `rows` rows and the separators behind them. */
static bool skip_rows(const struct framing *framing, const char **at,
		      const char *end, uint64_t rows)
{
	for (uint64_t i = 0; i < rows; i++) {
		size_t len = object_len(*at, end);

		*at += len;
		if (len == 0 || !skip(at, end, framing->separator))
			return false;
	}
	return true;
}

int framing_split(const struct framing *framing, const char *body, size_t len,
		  uint64_t rows, struct buf halves[2], uint64_t *ret_seq)
{
	const char *at = body, *end = body + len, *middle;
	size_t next;
	uint64_t seq;

	if (rows == 0 || !skip(&at, end, framing->begin) ||
	    !skip_rows(framing, &at, end, rows))
		return -EILSEQ;
	middle = at - strlen(framing->separator);
	next = object_len(at, end);
	seq = next > 0 ? seq_of(at, next) : 0;
	if (seq == 0)
		return -EILSEQ;
	buf_add(&halves[0], body, (size_t)(middle - body));
	buf_text(&halves[0], framing->end);
	buf_text(&halves[1], framing->begin);
	buf_add(&halves[1], at, (size_t)(end - at));
	if (halves[0].error || halves[1].error)
		return halves[0].error ? halves[0].error : halves[1].error;
	*ret_seq = seq;
	return 0;
}
