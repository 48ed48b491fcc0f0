#include "store/chunk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct chunk *chunk_create(uint64_t id)
{
	struct chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return NULL;
	/* Rows are made zero one by one. */
	memset(chunk, 0, offsetof(struct chunk, rows));
	chunk->id = id;
	return chunk;
}

void chunk_destroy(struct chunk *chunk)
{
	if (!chunk)
		return;
	free(chunk->https);
	free(chunk->texts);
	free(chunk);
}

struct chunk_row *chunk_add(struct chunk *chunk)
{
	struct chunk_row *row = &chunk->rows[chunk->n];

	chunk->order[chunk->n] = (uint16_t)chunk->n;
	chunk->n++;
	memset(row, 0, sizeof(*row));
	return row;
}

static bool has_room(void **at, size_t *size, size_t wanted, size_t each)
{
	size_t more = *size ? *size : 64;
	void *data;

	if (*size >= wanted)
		return true;
	while (more < wanted)
		more *= 2;
	data = realloc(*at, more * each);
	if (!data)
		return false;
	*at = data;
	*size = more;
	return true;
}

/* Where it begins, or SIZE_MAX. */
static size_t add_text(struct chunk *chunk, const char *text, size_t len)
{
	size_t at = chunk->texts_len;

	if (!has_room((void **)&chunk->texts, &chunk->texts_size,
		      at + 1 + len + 1, 1))
		return SIZE_MAX;
	chunk->texts[0] = '\0';
	if (len == 0)
		return 0;
	at += at == 0;
	memcpy(chunk->texts + at, text, len);
	chunk->texts[at + len] = '\0';
	chunk->texts_len = at + len + 1;
	return at;
}

struct chunk_https *chunk_add_https(struct chunk *chunk, const char *text)
{
	size_t len = text ? strnlen(text, CHUNK_TEXT) : 0;
	size_t at = add_text(chunk, text, len);
	struct chunk_https *https;

	if (at == SIZE_MAX ||
	    !has_room((void **)&chunk->https, &chunk->https_size,
		      chunk->n_https + 1, sizeof(*https)))
		return NULL;
	chunk->rows[chunk->n - 1].https = (uint32_t)chunk->n_https;
	https = &chunk->https[chunk->n_https++];
	*https = (struct chunk_https){ .text = (uint32_t)at };
	return https;
}

const struct chunk_row *chunk_row(const struct chunk *chunk, size_t i)
{
	return &chunk->rows[chunk->order[i]];
}
