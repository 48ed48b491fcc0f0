/* Rows go in by path, so that each is written as what it differs from the one
 * before over the same path by: most of a sample is then noise of the line,
 * some six bytes of it. What the bytes are:
 *
 *   version (1), CRC32 of all that follows (4, low byte first), and as bits:
 *   id, time of the first row, rows less one (13), paths less one (13);
 *   for each path its number less the one before, and its rows;
 *   the columns in order of the tables below; lengths of the texts;
 *   bytes of the texts, packed and not; then, as bytes, the texts packed. */
#include "edgeprobe/sample.h"
#include "store/chunk.h"
#include "store/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* What is new in a later one is absent in a chunk of an earlier one. */
#define VERSION    3
#define HEAD_BYTES 5
#define COUNT_BITS 13 /* CHUNK_NUMBERS */

/* --- its columns --- */

enum part { EVERY, LATE, HTTPS };

struct column {
	unsigned index; /* enum chunk_column, or of `https` */
	enum column_kind kind;
	enum part of;
	bool optional;    /* may be EP_ABSENT */
	unsigned version; /* from which on it is there; 0: the first */
};

/* What another is given less of comes before it. */
static const struct column columns[] = {
	{ CHUNK_CODE, COLUMN_LEVEL, EVERY, false, 0 },
	{ CHUNK_SEQ, COLUMN_STEP, EVERY, false, 0 },
	{ CHUNK_SLIP, COLUMN_LEVEL, EVERY, false, 0 },
	{ CHUNK_SENT, COLUMN_STEP, EVERY, false, 0 },
	{ CHUNK_RTT, COLUMN_LEVEL, EVERY, true, 0 },
	{ CHUNK_MISSED, COLUMN_LEVEL, EVERY, false, 0 },
	{ CHUNK_DNS, COLUMN_LEVEL, EVERY, true, 0 },
	{ CHUNK_UNCERTAINTY, COLUMN_LEVEL, EVERY, false, 0 },
	{ CHUNK_TTL, COLUMN_LEVEL, EVERY, true, 0 },
	{ CHUNK_RETRANSMITS, COLUMN_LEVEL, EVERY, true, 0 },
	{ CHUNK_OF, COLUMN_LEVEL, LATE, false, 0 },
	{ CHUNK_CONNECT, COLUMN_LEVEL, HTTPS, true, 0 },
	{ CHUNK_TLS, COLUMN_LEVEL, HTTPS, true, 0 },
	{ CHUNK_FIRST_BYTE, COLUMN_LEVEL, HTTPS, true, 0 },
	{ CHUNK_TOTAL, COLUMN_LEVEL, HTTPS, true, 0 },
	{ CHUNK_SRTT, COLUMN_LEVEL, HTTPS, true, 0 },
	{ CHUNK_MIN_RTT, COLUMN_LEVEL, HTTPS, true, 0 },
	{ CHUNK_DAYS, COLUMN_LEVEL, HTTPS, false, 0 },
	{ CHUNK_STATUS, COLUMN_LEVEL, HTTPS, false, 0 },
	{ CHUNK_VERSION, COLUMN_LEVEL, HTTPS, false, 0 },
	{ CHUNK_POP, COLUMN_LEVEL, HTTPS, false, 0 },
	{ CHUNK_SOURCE, COLUMN_LEVEL, HTTPS, false, 0 },
	{ CHUNK_ISSUER, COLUMN_LEVEL, HTTPS, false, 0 },
	{ CHUNK_TLS_FIRST_BYTE, COLUMN_LEVEL, HTTPS, true, 2 },
	{ CHUNK_EGRESS, COLUMN_LEVEL, HTTPS, true, 2 },
	{ CHUNK_CACHE, COLUMN_LEVEL, HTTPS, false, 3 },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A column on its way in or out. */
struct work {
	size_t n;
	uint16_t which[CHUNK_NUMBERS]; /* of the rows, by path */
	uint64_t values[CHUNK_NUMBERS];
	bool first[CHUNK_NUMBERS], there[CHUNK_NUMBERS];
	uint16_t by_path[CHUNK_NUMBERS];
};

static uint64_t *cell(struct chunk *chunk, size_t row, const struct column *c)
{
	struct chunk_row *r = &chunk->rows[row];

	return c->of == HTTPS ? &chunk->https[r->https].col[c->index]
			      : &r->col[c->index];
}

static uint64_t known(uint64_t value)
{
	return value == (uint64_t)EP_ABSENT ? 0 : value;
}

static uint64_t phases(const struct chunk_row *r, const struct chunk_https *h)
{
	return known(r->col[CHUNK_DNS]) + known(h->col[CHUNK_CONNECT]) +
	       known(h->col[CHUNK_TLS]) + known(h->col[CHUNK_FIRST_BYTE]);
}

/* What a value is near to by others of its row. */
static uint64_t near(const struct chunk *chunk, size_t row,
		     const struct column *c)
{
	const struct chunk_row *r = &chunk->rows[row];

	if (c->of == HTTPS) {
		if (c->index == CHUNK_CONNECT ||
		    c->index == CHUNK_TLS_FIRST_BYTE)
			return known(r->col[CHUNK_RTT]);
		return c->index == CHUNK_TOTAL
			       ? phases(r, &chunk->https[r->https])
			       : 0;
	}
	if (c->index == CHUNK_SENT)
		return chunk->origin + r->col[CHUNK_SLIP];
	return c->index == CHUNK_OF
		       ? chunk->id * CHUNK_NUMBERS + r->col[CHUNK_SEQ]
		       : 0;
}

static bool is_of(const struct chunk_row *row, enum part part)
{
	if (part == EVERY)
		return true;
	return row->col[CHUNK_CODE] & (part == LATE ? CODE_LATE : CODE_HTTPS);
}

static void list_rows(const struct chunk *chunk, struct work *w, enum part of)
{
	w->n = 0;
	for (size_t i = 0; i < chunk->n; i++)
		if (is_of(&chunk->rows[w->by_path[i]], of))
			w->which[w->n++] = w->by_path[i];
}

static void keep_there(struct work *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->there[i])
			w->which[kept++] = w->which[i];
	w->n = kept;
}

static void mark_first(const struct chunk *chunk, struct work *w)
{
	uint64_t before = 0;

	for (size_t i = 0; i < w->n; i++) {
		uint64_t path = chunk->rows[w->which[i]].col[CHUNK_PATH];

		w->first[i] = i == 0 || path != before;
		before = path;
	}
}

/* --- encoding --- */

static void put_column(struct bits_out *out, struct chunk *chunk,
		       struct work *w, const struct column *c)
{
	list_rows(chunk, w, c->of);
	if (c->optional) {
		for (size_t i = 0; i < w->n; i++)
			w->there[i] = *cell(chunk, w->which[i], c) !=
				      (uint64_t)EP_ABSENT;
		column_put_flags(out, w->there, w->n);
		keep_there(w);
	}
	mark_first(chunk, w);
	for (size_t i = 0; i < w->n; i++)
		w->values[i] = *cell(chunk, w->which[i], c) -
			       near(chunk, w->which[i], c);
	column_put(out, c->kind, w->values, w->first, w->n);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Within a path by number. */
static void sort_by_path(const struct chunk *chunk, struct work *w)
{
	uint64_t *keys = w->values;

	for (size_t i = 0; i < chunk->n; i++)
		keys[i] = chunk_row(chunk, i)->col[CHUNK_PATH] << 16 | i;
	qsort(keys, chunk->n, sizeof(*keys), compare);
	for (size_t i = 0; i < chunk->n; i++)
		w->by_path[i] = chunk->order[keys[i] & UINT16_MAX];
}

static void put_paths(struct bits_out *out, const struct chunk *chunk,
		      struct work *w)
{
	uint64_t before = 0, paths = 0;

	memcpy(w->which, w->by_path, chunk->n * sizeof(w->which[0]));
	w->n = chunk->n;
	mark_first(chunk, w);
	for (size_t i = 0; i < w->n; i++)
		paths += w->first[i];
	bits_put(out, paths - 1, COUNT_BITS);
	for (size_t i = 0, end; i < w->n; i = end) {
		uint64_t path = chunk->rows[w->which[i]].col[CHUNK_PATH];

		for (end = i + 1; end < w->n && !w->first[end]; end++)
			;
		bits_put_any(out, path - before);
		bits_put_any(out, end - i);
		before = path;
	}
}

/* In order of path, where those of one edge are together. */
static int put_texts(struct bits_out *out, const struct chunk *chunk,
		     struct work *w)
{
	uLong len = 0, packed = compressBound((uLong)chunk->texts_len);
	char *plain = malloc(chunk->texts_len + packed + 1);
	int r;

	if (!plain)
		return -ENOMEM;
	list_rows(chunk, w, HTTPS);
	mark_first(chunk, w);
	for (size_t i = 0; i < w->n; i++) {
		uint32_t https = chunk->rows[w->which[i]].https;
		const char *text = chunk->texts + chunk->https[https].text;

		w->values[i] = strlen(text);
		memcpy(plain + len, text, w->values[i]);
		len += w->values[i];
	}
	column_put(out, COLUMN_LEVEL, w->values, w->first, w->n);
	r = compress2((Bytef *)plain + len, &packed, (Bytef *)plain, len,
		      Z_BEST_SPEED);
	bits_put_any(out, len);
	bits_put_any(out, packed);
	bits_align(out);
	bits_put_bytes(out, plain + len, packed);
	free(plain);
	return r == Z_OK ? 0 : -ENOMEM;
}

static void put_head(struct bits_out *out)
{
	uint32_t crc = (uint32_t)crc32_z(0, out->data + HEAD_BYTES,
					 out->len - HEAD_BYTES);

	out->data[0] = VERSION;
	for (int i = 0; i < 4; i++)
		out->data[1 + i] = (uint8_t)(crc >> 8 * i);
}

static int encode(struct bits_out *out, struct chunk *chunk, struct work *w)
{
	int r;

	bits_put(out, 0, 8 * HEAD_BYTES);
	chunk->origin = chunk_row(chunk, 0)->col[CHUNK_SENT];
	bits_put_any(out, chunk->id);
	bits_put_any(out, chunk->origin);
	bits_put(out, chunk->n - 1, COUNT_BITS);
	sort_by_path(chunk, w);
	put_paths(out, chunk, w);
	for (size_t i = 0; i < N_COLUMNS; i++)
		put_column(out, chunk, w, &columns[i]);
	r = chunk->n_https ? put_texts(out, chunk, w) : 0;
	bits_align(out);
	if (r < 0 || out->failed)
		return -ENOMEM;
	put_head(out);
	return 0;
}

int chunk_encode(struct chunk *chunk, void **ret_body, size_t *ret_len)
{
	struct bits_out out = { 0 };
	struct work *w = malloc(sizeof(*w));
	int r = w ? encode(&out, chunk, w) : -ENOMEM;

	free(w);
	if (r < 0) {
		free(out.data);
		return r;
	}
	*ret_body = out.data;
	*ret_len = out.len;
	return 0;
}

/* --- decoding --- */

static void get_column(struct bits_in *in, struct chunk *chunk, struct work *w,
		       const struct column *c)
{
	list_rows(chunk, w, c->of);
	if (c->optional) {
		column_get_flags(in, w->there, w->n);
		for (size_t i = 0; i < w->n; i++)
			*cell(chunk, w->which[i], c) = (uint64_t)EP_ABSENT;
		keep_there(w);
	}
	mark_first(chunk, w);
	memset(w->values, 0, w->n * sizeof(w->values[0]));
	column_get(in, c->kind, w->values, w->first, w->n);
	for (size_t i = 0; i < w->n; i++)
		*cell(chunk, w->which[i], c) =
			w->values[i] + near(chunk, w->which[i], c);
}

static int get_paths(struct bits_in *in, struct chunk *chunk, size_t n)
{
	size_t paths = bits_get(in, COUNT_BITS) + 1;
	uint64_t path = 0;

	for (size_t i = 0; i < paths; i++) {
		uint64_t rows;

		path += bits_get_any(in);
		rows = bits_get_any(in);
		if (rows == 0 || rows > n - chunk->n)
			return -EBADMSG;
		while (rows-- > 0)
			chunk_add(chunk)->col[CHUNK_PATH] = path;
	}
	return chunk->n == n ? 0 : -EBADMSG;
}

/* Their numbers must be below CHUNK_NUMBERS, and each there once. */
static int put_in_order(struct chunk *chunk, struct work *w)
{
	size_t n = 0;

	memset(w->there, 0, sizeof(w->there));
	for (size_t i = 0; i < chunk->n; i++) {
		uint64_t seq = chunk->rows[i].col[CHUNK_SEQ];

		if (seq >= CHUNK_NUMBERS || w->there[seq])
			return -EBADMSG;
		w->there[seq] = true;
		w->which[seq] = (uint16_t)i;
	}
	for (size_t seq = 0; seq < CHUNK_NUMBERS; seq++)
		if (w->there[seq])
			chunk->order[n++] = w->which[seq];
	return 0;
}

static int make_https(struct chunk *chunk, struct work *w)
{
	list_rows(chunk, w, HTTPS);
	if (w->n == 0)
		return 0;
	chunk->https = calloc(w->n, sizeof(*chunk->https));
	if (!chunk->https)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		chunk->rows[w->which[i]].https = (uint32_t)i;
	chunk->n_https = chunk->https_size = w->n;
	return 0;
}

/* Give each its own, with a NUL. */
static int deal_texts(struct chunk *chunk, struct work *w, const char *plain,
		      size_t len)
{
	size_t size = 1 + len + chunk->n_https, at = 1;

	chunk->texts = malloc(size);
	if (!chunk->texts)
		return -ENOMEM;
	chunk->texts[0] = '\0';
	for (size_t i = 0; i < w->n; i++) {
		size_t n = w->values[i];

		if (n > CHUNK_TEXT || n > len)
			return -EBADMSG;
		if (n == 0)
			continue;
		memcpy(chunk->texts + at, plain, n);
		chunk->texts[at + n] = '\0';
		chunk->https[i].text = (uint32_t)at;
		plain += n;
		len -= n;
		at += n + 1;
	}
	chunk->texts_len = at;
	chunk->texts_size = size;
	return 0;
}

static int get_texts(struct bits_in *in, struct chunk *chunk, struct work *w)
{
	size_t len, packed;
	const void *from;
	char *plain;
	uLongf got;
	int r = -EBADMSG;

	list_rows(chunk, w, HTTPS);
	mark_first(chunk, w);
	column_get(in, COLUMN_LEVEL, w->values, w->first, w->n);
	len = bits_get_any(in);
	packed = bits_get_any(in);
	from = bits_get_bytes(in, packed);
	if (!from || len > w->n * CHUNK_TEXT)
		return -EBADMSG;
	got = (uLongf)len;
	plain = malloc(len + 1);
	if (!plain)
		return -ENOMEM;
	if (uncompress((Bytef *)plain, &got, from, (uLong)packed) == Z_OK &&
	    got == len)
		r = deal_texts(chunk, w, plain, len);
	free(plain);
	return r;
}

static void make_absent(struct chunk *chunk, const struct column *c)
{
	for (size_t i = 0; i < chunk->n_https; i++)
		chunk->https[i].col[c->index] =
			c->optional ? (uint64_t)EP_ABSENT : 0;
}

static int decode(struct bits_in *in, unsigned version, struct chunk *chunk,
		  struct work *w)
{
	int r;

	chunk->id = bits_get_any(in);
	chunk->origin = bits_get_any(in);
	r = get_paths(in, chunk, bits_get(in, COUNT_BITS) + 1);
	memcpy(w->by_path, chunk->order, chunk->n * sizeof(w->by_path[0]));
	for (size_t i = 0; i < N_COLUMNS && r == 0; i++) {
		if (columns[i].version > version)
			make_absent(chunk, &columns[i]);
		else
			get_column(in, chunk, w, &columns[i]);
		if (columns[i].of == EVERY && columns[i].index == CHUNK_CODE)
			r = make_https(chunk, w);
	}
	if (r == 0 && chunk->n_https)
		r = get_texts(in, chunk, w);
	if (r == 0)
		r = put_in_order(chunk, w);
	return r == 0 && in->over ? -EBADMSG : r;
}

static bool is_whole(const uint8_t *body, size_t len)
{
	uint32_t crc = 0;

	if (len <= HEAD_BYTES || body[0] < 1 || body[0] > VERSION)
		return false;
	for (int i = 0; i < 4; i++)
		crc |= (uint32_t)body[1 + i] << 8 * i;
	return crc32_z(0, body + HEAD_BYTES, len - HEAD_BYTES) == crc;
}

int chunk_decode(const void *body, size_t len, struct chunk **ret_chunk)
{
	const uint8_t *bytes = body;
	struct chunk *chunk;
	struct bits_in in;
	struct work *w;
	int r = -ENOMEM;

	if (!is_whole(bytes, len))
		return -EBADMSG;
	bits_open(&in, bytes + HEAD_BYTES, len - HEAD_BYTES);
	chunk = chunk_create(0);
	w = malloc(sizeof(*w));
	if (chunk && w)
		r = decode(&in, bytes[0], chunk, w);
	free(w);
	if (r < 0)
		chunk_destroy(chunk);
	else
		*ret_chunk = chunk;
	return r;
}
