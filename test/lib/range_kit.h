/* Rows that a destination lacks in pieces: what tests of them share. All of it
 * fails the test instead of returning an error. */
#ifndef LIB_RANGE_KIT_H
#define LIB_RANGE_KIT_H

#include "lib/store_kit.h"

/* Commit `n` samples whose figures follow from their numbers. */
void pieces_add(struct kit *kit, uint64_t n);

/* store_destination_split(). */
int pieces_split(struct kit *kit, const struct account *a, uint64_t rows);

struct store_lacking pieces_lacking(struct kit *kit, const struct account *a);
/* It lacks so many rows of each part. */
void pieces_lacks(struct kit *kit, const struct account *a, uint64_t fresh,
		  uint64_t backlog, uint64_t again);

/* Deliver all of one part; all but what is to come once more. */
void pieces_drain_of(struct account *a, struct kit *kit, enum store_part part);
void pieces_drain(struct account *a, struct kit *kit);

/* A store_encode_cb: as many rows as `arg`, a uint64_t, says. */
int pieces_take(const struct record *record, void *arg);

/* A frozen batch that nobody counts; its holder finishes it. False: there is
 * none of that part. */
bool pieces_freeze(struct kit *kit, const struct account *a,
		   enum store_part part, uint64_t rows,
		   struct store_batch *ret_batch);
/* One that is refused, if there is one. */
void pieces_refuse(struct kit *kit, const struct account *a,
		   enum store_part part, uint64_t rows);

#endif
