#include "store/dict.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64

void dict_init(struct dict *dict)
{
	memset(dict, 0, sizeof(*dict));
}

void dict_finish(struct dict *dict)
{
	for (size_t i = 0; dict->by_id && i <= dict->last; i++)
		free(dict->by_id[i]);
	free(dict->by_id);
	free(dict->table);
	dict_init(dict);
}

/* FNV-1a: keys are our own texts, and a slow table is all an edge could make
 * of a collision. */
static size_t hash(const void *key, size_t len)
{
	const unsigned char *bytes = key;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct dict_entry **slot_of(const struct dict *dict, const void *key,
				   size_t len)
{
	size_t i = hash(key, len) & (dict->slots - 1);

	while (dict->table[i] && (dict->table[i]->len != len ||
				  memcmp(dict->table[i]->key, key, len) != 0))
		i = (i + 1) & (dict->slots - 1);
	return &dict->table[i];
}

struct dict_entry *dict_find(const struct dict *dict, const void *key,
			     size_t len)
{
	return dict->slots ? *slot_of(dict, key, len) : NULL;
}

struct dict_entry *dict_get(const struct dict *dict, uint32_t id)
{
	return id <= dict->last && dict->by_id ? dict->by_id[id] : NULL;
}

static void fill_table(struct dict *dict)
{
	memset(dict->table, 0, dict->slots * sizeof(*dict->table));
	for (size_t i = dict->first; i <= dict->last && dict->by_id; i++) {
		struct dict_entry *e = dict->by_id[i];

		if (e)
			*slot_of(dict, e->key, e->len) = e;
	}
}

static int grow_table(struct dict *dict)
{
	size_t slots = dict->slots ? dict->slots * 2 : SLOTS_MIN;
	struct dict_entry **table = calloc(slots, sizeof(*table));

	if (!table)
		return -1;
	free(dict->table);
	dict->table = table;
	dict->slots = slots;
	fill_table(dict);
	return 0;
}

static int grow_ids(struct dict *dict, uint32_t id)
{
	size_t size = dict->size ? dict->size : SLOTS_MIN;
	struct dict_entry **by_id;

	while (size <= id)
		size *= 2;
	by_id = realloc(dict->by_id, size * sizeof(*by_id));
	if (!by_id)
		return -1;
	memset(by_id + dict->size, 0, (size - dict->size) * sizeof(*by_id));
	dict->by_id = by_id;
	dict->size = size;
	return 0;
}

struct dict_entry *dict_put(struct dict *dict, uint32_t id, const void *key,
			    size_t len)
{
	struct dict_entry *e;

	assert(id > dict->last);
	if (id >= dict->size && grow_ids(dict, id) < 0)
		return NULL;
	if (dict->count >= dict->slots / 2 && grow_table(dict) < 0)
		return NULL;
	e = malloc(sizeof(*e) + len + 1);
	if (!e)
		return NULL;
	e->id = id;
	e->last_seq = 0;
	e->len = len;
	memcpy(e->key, key, len);
	e->key[len] = '\0';
	dict->by_id[id] = e;
	dict->last = id;
	dict->count++;
	*slot_of(dict, key, len) = e;
	return e;
}

struct dict_entry *dict_take(struct dict *dict, const void *key, size_t len)
{
	struct dict_entry *e = dict_find(dict, key, len);

	return e ? e : dict_put(dict, dict->last + 1, key, len);
}

void dict_drop_below(struct dict *dict, uint64_t seq)
{
	uint32_t first = 0;

	for (uint32_t i = dict->first; i <= dict->saved && dict->by_id; i++) {
		struct dict_entry *e = dict->by_id[i];

		if (e && e->last_seq < seq) {
			dict->by_id[i] = NULL;
			dict->count--;
			free(e);
		} else if (e && first == 0) {
			first = i;
		}
	}
	dict->first = first ? first : dict->saved;
	if (dict->slots)
		fill_table(dict);
}
