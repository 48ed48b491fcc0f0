/* A store with rows of every kind, sealed or not. */
#ifndef LIB_ANY_ROWS_H
#define LIB_ANY_ROWS_H

#include "lib/store_kit.h"

struct store_facts facts_of(struct kit *kit);

/* Up to this number: samples, late ones, notes, overflows. What a row is follows
 * from its number. */
void fill_to(struct kit *kit, uint64_t last);
/* Commit until so many chunks are sealed. */
void seal_all(struct kit *kit, uint64_t chunks);

/* As a report opens it. */
struct store *reader(struct kit *kit);

#endif
