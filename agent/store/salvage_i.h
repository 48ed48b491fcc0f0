/* The inside of salvaging: salvage.c says in which order, estate.c takes over
 * what is not rows. */
#ifndef STORE_SALVAGE_I_H
#define STORE_SALVAGE_I_H

#include "store/chunk.h"
#include "store/copy.h"
#include "store/parts.h"
#include "store/salvage.h"
#include "store/wreck.h"

/* Ranges of numbers in order, joined where they meet. */
struct ranges {
	struct run *runs;
	size_t n, size;
};
void ranges_finish(struct ranges *r);
/* In any order; then ranges_sort(). -ENOMEM. */
int ranges_add(struct ranges *r, struct run run);
void ranges_sort(struct ranges *r);
bool ranges_have(const struct ranges *r, uint64_t number);

struct salvage {
	const struct store_salvage_options *o;
	struct store_salvage_result result;
	struct wreck wreck;
	struct store *to;
	uint64_t floor; /* as the file says, or its lowest row */
	uint64_t last;
	int64_t name;     /* the last that was taken over */
	uint64_t letters; /* bytes of dead letters so far */
	bool rewind;      /* it is not known what was delivered: all again */

	struct destination destinations[DESTINATIONS_MAX];
	int n_destinations;
	struct ranges series, paths; /* numbers of names that are there */
	struct ranges declared;      /* numbers that an overflow took */
	struct run missing;          /* that go on; last 0: none */

	/* Of the numbers [base, base + CHUNK_NUMBERS). */
	uint64_t base;
	unsigned char present[CHUNK_NUMBERS / 8], late[CHUNK_NUMBERS / 8];
	struct copy copies[WRECK_TABLES];
};

bool salvage_has(const struct salvage *s, uint64_t number);

/* --- mend.c --- */
/* Not even the schema can be read. */
bool mend_is_needed(struct wreck *w);
/* Write a first page into the file at `path`, which nobody has open. A new
 * store is made at `scratch` for it. */
int mend_first_page(const char *path, const char *scratch);

/* --- ends.c --- */
/* Which numbers there may be in the file at `path`, which is open: sets floor, last and the result's epoch. */
int ends_find(struct salvage *s, const char *path);

/* Dead letters take at most so much of a store. */
#define LETTERS_MAX(max_bytes) ((max_bytes) / 16)

/* --- estate.c: each in one transaction --- */
/* Names, destinations and counters, frozen batches, and what is owed. */
int estate_before(struct store *store, void *salvage);
/* Dead letters. */
int estate_after(struct store *store, void *salvage);

#endif
