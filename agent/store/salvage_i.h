/* The inside of salvaging: salvage.c says in which order, estate.c takes over
 * what is not rows. */
#ifndef STORE_SALVAGE_I_H
#define STORE_SALVAGE_I_H

#include "store/chunk.h"
#include "store/copy.h"
#include "store/hollow.h"
#include "store/parts.h"
#include "store/runs.h"
#include "store/salvage.h"
#include "store/wreck.h"

struct salvage {
	const struct store_salvage_options *o;
	struct store_salvage_result result;
	struct wreck wreck;
	struct store *to;
	uint64_t floor; /* as the file says, or its lowest row */
	uint64_t last;
	int64_t name;     /* the last that was taken over */
	uint64_t letters; /* bytes of dead letters so far */
	uint64_t letter;  /* the last that was taken over */
	uint64_t piece;   /* bytes of them in this transaction */
	bool more;        /* letters are left */
	bool rewind;      /* it is not known what was delivered: all again */

	/* halfway.c */
	struct hollow hollow;
	bool hollowing;      /* `from` gives way to `to` */
	bool halfway;        /* `to` says how far it is, and is to be kept */
	bool resumed;        /* it was there, */
	uint64_t resumed_at; /* with lower numbers in it */
	uint64_t next;       /* lower numbers are in `to`; 0: not begun */
	uint64_t gone;       /* lower ones are not in `from` any more */
	int64_t letter_gone; /* and letters up to here */
	uint64_t start;      /* bytes that `to` begins with */

	struct destination destinations[DESTINATIONS_MAX];
	int n_destinations;
	struct ranges series, paths; /* numbers of names that are there */
	struct ranges declared;      /* numbers that an overflow took */
	struct run missing;          /* that go on; last 0: none */

	/* Of the numbers [base, base + CHUNK_NUMBERS). */
	uint64_t base;
	bool given_up; /* there is no room even for these */
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

/* --- missing.c --- */
/* Of the numbers in [first, last], which go on after those before. */
int missing_find(struct salvage *s, uint64_t first, uint64_t last);
/* What was found ends here: it is owed. */
int missing_owe(struct salvage *s);

/* --- estate.c: each in one transaction --- */
/* Names, destinations and counters, frozen batches, and what is owed. */
int estate_before(struct store *store, void *salvage);
/* Some dead letters; `more` says whether there are others. */
int estate_letters(struct store *store, void *salvage);
/* What is to be said of the destinations when all rows are there. */
int estate_after(struct store *store, void *salvage);

/* --- halfway.c --- */
/* Where `to` is what an earlier salvage of `from` made, go on there: `resumed`.
 * 0, or a negative errno: that may be so, and cannot be read now. */
int halfway_resume(struct salvage *s, struct ep_err *err);
/* Does `from` have to give way? The oldest of its rows do at once, as far as a
 * beginning needs their room. */
void halfway_choose(struct salvage *s);
/* The beginning takes more than was thought. False: there is no more. */
bool halfway_choose_more(struct salvage *s);
/* The bound of `to` while it has nothing but a beginning. */
void halfway_set_start(struct salvage *s);
/* `to` has what is not rows. */
int halfway_begin(struct salvage *s, struct ep_err *err);
/* In each transaction from then on: how far it is. */
int halfway_note(struct salvage *s);
/* What `to` has got is there for good, and goes from `from`; `now`, or when it
 * is worth it. */
int halfway_settle(struct salvage *s, bool now, struct ep_err *err);

#endif
