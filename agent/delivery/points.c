#include "delivery/points.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024 /* a power of two */

void points_init(struct points *p, size_t max_text)
{
	*p = (struct points){ .error = 0 };
	buf_init(&p->texts, max_text);
}

void points_finish(struct points *p)
{
	free(p->points);
	free(p->figures);
	free(p->slots);
	buf_finish(&p->texts);
}

/* Room for one more in an array. */
static int reserve(void **array, size_t n, size_t *size, size_t each)
{
	size_t more = *size ? *size * 2 : 64;
	void *grown;

	if (n < *size)
		return 0;
	grown = reallocarray(*array, more, each);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*size = more;
	return 0;
}

/* --- which point is it? --- */

/* FNV-1a. */
static uint64_t hash_of(const struct point *name, const char *text)
{
	uint64_t hash =
		UINT64_C(0xcbf29ce484222325) ^ name->metric ^ name->minute << 8;

	for (size_t i = 0; i < name->len; i++)
		hash = (hash ^ (unsigned char)text[i]) *
		       UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/* The slot that has it, or the free one that it would take. */
static uint32_t *slot_of(struct points *p, const struct point *name,
			 uint64_t hash, const char *text)
{
	size_t i = hash & (p->n_slots - 1);

	for (; p->slots[i]; i = (i + 1) & (p->n_slots - 1)) {
		const struct point *found = &p->points[p->slots[i] - 1];

		if (found->hash == hash && found->metric == name->metric &&
		    found->minute == name->minute && found->len == name->len &&
		    memcmp(p->texts.data + found->at, text, name->len) == 0)
			break;
	}
	return &p->slots[i];
}

/* At most half of the slots are taken. */
static int reserve_slot(struct points *p)
{
	size_t n = p->n_slots ? p->n_slots * 2 : FIRST_SLOTS;
	uint32_t *slots;

	if (p->n < p->n_slots / 2)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(p->slots);
	p->slots = slots;
	p->n_slots = n;
	for (size_t k = 0; k < p->n; k++) {
		size_t i = p->points[k].hash & (n - 1);

		while (slots[i])
			i = (i + 1) & (n - 1);
		slots[i] = (uint32_t)k + 1;
	}
	return 0;
}

static int add_point(struct points *p, const struct point *name, uint64_t hash,
		     const char *text)
{
	struct point new = *name;
	int r = reserve((void **)&p->points, p->n, &p->size, sizeof(new));

	if (r < 0)
		return r;
	new.hash = hash;
	new.at = p->texts.len;
	new.seen = 0;
	buf_add(&p->texts, text, name->len);
	if (p->texts.error)
		return p->texts.error;
	p->points[p->n++] = new;
	return 0;
}

/* --- figures --- */

static int add_figure(struct points *p, const struct figure *figure,
		      uint32_t point)
{
	int r = reserve((void **)&p->figures, p->n_figures, &p->figures_size,
			sizeof(*figure));

	if (r < 0)
		return r;
	p->figures[p->n_figures] = *figure;
	p->figures[p->n_figures++].point = point;
	p->points[point].seen++;
	return 0;
}

bool points_add(struct points *p, const struct point *name, const char *text,
		const struct figure *figure)
{
	uint64_t hash = hash_of(name, text);
	uint32_t *slot;
	bool new = false;

	if (!p->error)
		p->error = reserve_slot(p);
	if (p->error)
		return false;
	slot = slot_of(p, name, hash, text);
	new = *slot == 0;
	if (new) {
		p->error = add_point(p, name, hash, text);
		if (p->error)
			return false;
		*slot = (uint32_t)p->n;
	}
	p->error = add_figure(p, figure, *slot - 1);
	return new;
}

struct points_mark points_mark(const struct points *p)
{
	return (struct points_mark){ p->n, p->n_figures, p->texts.len };
}

/* Points leave in the opposite order: none that stays was put behind one that
 * goes. */
static void drop_point(struct points *p)
{
	size_t i = p->points[p->n - 1].hash & (p->n_slots - 1);

	while (p->slots[i] != p->n)
		i = (i + 1) & (p->n_slots - 1);
	p->slots[i] = 0;
	p->n--;
}

void points_back(struct points *p, const struct points_mark *mark)
{
	while (p->n_figures > mark->n_figures)
		p->points[p->figures[--p->n_figures].point].seen--;
	while (p->n > mark->n)
		drop_point(p);
	p->texts.error = p->error = 0;
	if (p->texts.len > mark->text_len) {
		p->texts.len = mark->text_len;
		p->texts.data[p->texts.len] = '\0';
	}
}

int points_sort(struct points *p)
{
	struct figure *sorted = calloc(p->n_figures + 1, sizeof(*sorted));
	size_t next = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		p->points[i].first = next;
		next += p->points[i].seen;
		p->points[i].seen = 0;
	}
	for (size_t i = 0; i < p->n_figures; i++) {
		struct point *point = &p->points[p->figures[i].point];

		sorted[point->first + point->seen++] = p->figures[i];
	}
	free(p->figures);
	p->figures = sorted;
	p->figures_size = p->n_figures + 1;
	return 0;
}
