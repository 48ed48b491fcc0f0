/* What an agent does with its store before the power goes, and what it was
 * promised each time. Rows and batches follow from their numbers. */
#ifndef FAULT_POWER_PAST_H
#define FAULT_POWER_PAST_H

#include "lib/store_kit.h"
#include "store/inside.h"

#define SMALL_BYTES  (8u << 20)
#define ROWS_MAX     30000 /* numbers that a run may give */
#define BATCHES_MAX  2000
#define MARKS_MAX    10000
#define DESTINATIONS 2
#define FAT_BYTES    3900 /* of a note, so that few rows fill a store */

/* What was promised when a call returned. */
enum promise { OPENED, COMMITTED, FROZEN, DONE, REFUSED };

struct mark {
	enum promise what;
	size_t operations; /* by then */
	uint64_t n;        /* last row; or a batch */
};

struct told_of {
	uint64_t seq;
	struct run gap; /* first 0: it is no gap row */
};

struct sent {
	int destination;
	uint64_t first, last;
	struct told_of *rows;
	size_t n_rows;
};

/* What the agent did before the power went. */
struct past {
	struct mark marks[MARKS_MAX];
	size_t n_marks;
	struct sent batches[BATCHES_MAX];
	size_t n_batches;
	int destinations[DESTINATIONS];
	char epoch[20];
};
extern struct past past;

/* --- the agent --- */

/* Begin to record; open the store and the destinations. */
void past_open(struct kit *kit);
/* So many commits, with batches in between; `fat`: of long notes. */
void past_live(struct kit *kit, unsigned commits, bool fat, uint64_t *seed);
/* So many commits of so many samples, and nothing else. */
void past_commit(struct kit *kit, unsigned commits, unsigned rows);
void past_forget(void);

/* --- what follows from numbers --- */

void past_note(uint64_t seq, char body[FAT_BYTES]);
struct ep_sample past_sample(uint64_t seq);
/* To be freed. */
char *past_body(int destination, uint64_t first, uint64_t last,
		size_t *ret_len);

/* --- batches --- */

/* Collect `limit` rows at most; false: there is none. `sent->rows` is to be
 * freed. */
bool past_collect(struct kit *kit, struct sent *sent, size_t limit);
/* Freeze what was collected, as store_batch_freeze() does; `ret` is to be
 * finished. */
int past_freeze(struct kit *kit, const struct sent *sent,
		struct store_batch *ret);

#endif
