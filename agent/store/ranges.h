/* What a destination lacks may be in pieces: the newest rows and a backlog, and
 * what is to come once more. Part of batch.h. */
#ifndef STORE_RANGES_H
#define STORE_RANGES_H

#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stdint.h>

struct store;

/* Newest first: from now on the newest `rows` rows, or somewhat fewer, are
 * fresh, and what was to be frozen before them is backlog. May be called again
 * while there is a backlog: it grows by a run. When all of it is frozen, all is
 * fresh again. 1; 0: there are no more rows than that, or they cannot be parted
 * now. */
int store_destination_split(struct store *store, int destination, uint64_t rows,
			    struct ep_err *err);

/* Rows that were delivered and are as new as `since_ns` (wall time) or newer,
 * but older than `until_ns` (0: no end), are to be delivered once more, after
 * everything else; those that were declared to be missing stay so. In order of
 * number: what came late to be among them goes with them. What of it is evicted
 * before its turn is not declared: it was delivered once. `*ret_rows` is how
 * many they are, with those that an earlier replay still had to send. */
int store_replay(struct store *store, int destination, uint64_t since_ns,
		 uint64_t until_ns, uint64_t *ret_rows, struct ep_err *err);

/* Rows that are in no batch yet. */
struct store_lacking {
	uint64_t fresh, backlog, again;
};
int store_lacking(struct store *store, int destination,
		  struct store_lacking *ret_lacking);
/* Cheaper: what there is besides fresh rows that are in no batch yet. */
struct store_waiting {
	bool fresh; /* a frozen batch of fresh rows */
	bool older; /* backlog or again, frozen or not */
};
int store_waiting(struct store *store, int destination,
		  struct store_waiting *ret_waiting);

#endif
