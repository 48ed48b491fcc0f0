#include "report/lines/texts.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void texts_init(struct texts *texts, struct arena *arena)
{
	memset(texts, 0, sizeof(*texts));
	texts->arena = arena;
}

void texts_finish(struct texts *texts)
{
	free(texts->slots);
	memset(texts, 0, sizeof(*texts));
}

static size_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 29);
}

/* Where `text` is, or would be. */
static const char **slot_of(const char **slots, size_t size, const char *text)
{
	size_t at = hash(text) & (size - 1);

	while (slots[at] != NULL && strcmp(slots[at], text) != 0)
		at = (at + 1) & (size - 1);
	return &slots[at];
}

static int grow(struct texts *texts)
{
	size_t size = texts->size == 0 ? 256 : texts->size * 2;
	const char **slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < texts->size; i++)
		if (texts->slots[i] != NULL)
			*slot_of(slots, size, texts->slots[i]) =
				texts->slots[i];
	free(texts->slots);
	texts->slots = slots;
	texts->size = size;
	return 0;
}

const char *texts_keep(struct texts *texts, const char *text)
{
	const char *wanted = text == NULL ? "" : text;
	const char **slot;

	if (2 * texts->n >= texts->size && grow(texts) < 0)
		return NULL;
	slot = slot_of(texts->slots, texts->size, wanted);
	if (*slot != NULL)
		return *slot;
	*slot = arena_text(texts->arena, wanted);
	texts->n += *slot != NULL;
	return *slot;
}
