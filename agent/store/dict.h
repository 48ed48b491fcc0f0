/* Texts and other small keys by number: rows then carry the number only. */
#ifndef STORE_DICT_H
#define STORE_DICT_H

#include <stddef.h>
#include <stdint.h>

struct dict_entry {
	uint32_t id;
	uint64_t last_seq; /* the newest row known to carry it */
	size_t len;
	char key[]; /* NUL after it, not counted */
};

/* Owns its entries. Numbers begin at 1 and are not used again. */
struct dict {
	struct dict_entry **by_id; /* NULL where dropped; [0] too */
	size_t size;               /* of by_id */
	uint32_t first;            /* none below is there; 0: from 1 */
	uint32_t last;             /* highest number; 0: none */
	uint32_t saved;            /* up to here they are on disk */
	uint32_t count;
	struct dict_entry **table; /* open addressing, a power of two */
	size_t slots;
};

void dict_init(struct dict *dict);
void dict_finish(struct dict *dict);

/* NULL: not there. */
struct dict_entry *dict_find(const struct dict *dict, const void *key,
			     size_t len);
struct dict_entry *dict_get(const struct dict *dict, uint32_t id);
/* Add under `id`, which is above every other. NULL: out of memory. */
struct dict_entry *dict_put(struct dict *dict, uint32_t id, const void *key,
			    size_t len);
/* What is there, or new under the next number. NULL: out of memory. */
struct dict_entry *dict_take(struct dict *dict, const void *key, size_t len);
/* Forget entries whose `last_seq` is below `seq` and that are on disk. */
void dict_drop_below(struct dict *dict, uint64_t seq);

#endif
