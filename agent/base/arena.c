#include "base/arena.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536
#define ALIGN       _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the newest first, which has the room */
};

struct arena *arena_create(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *arena)
{
	struct block *next;

	if (arena == NULL)
		return;
	for (struct block *b = arena->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

static struct block *find_room(struct arena *arena, size_t bytes)
{
	struct block *b = arena->blocks;
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

	if (b != NULL && b->size - b->used >= bytes)
		return b;
	b = calloc(1, sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	return b;
}

void *arena_alloc(struct arena *arena, size_t n, size_t size)
{
	struct block *b;
	void *bytes;

	if (size > 0 && n > (SIZE_MAX / 2 - ALIGN) / size)
		return NULL;
	n = (n * size + ALIGN - 1) / ALIGN * ALIGN;
	b = find_room(arena, n);
	if (b == NULL)
		return NULL;
	bytes = &b->bytes[b->used];
	b->used += n;
	return bytes;
}

const char *arena_text(struct arena *arena, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);
	char *copy;

	if (n == 0)
		return "";
	copy = arena_alloc(arena, n + 1, 1);
	if (copy != NULL)
		memcpy(copy, text, n);
	return copy;
}

const char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	char *text = NULL;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0)
		text = arena_alloc(arena, (size_t)n + 1, 1);
	if (text != NULL)
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}
