/* What waits on disk to be sent, and what was refused for what it holds: for
 * people to look at, and to decide about. */
#ifndef STORE_DEAD_H
#define STORE_DEAD_H

#include "edgeprobe/error.h"
#include "store/batch.h"
#include <stdbool.h>
#include <stdint.h>

struct store;

/* A frozen batch or a dead letter. Texts are borrowed until the callback
 * returns. */
struct store_parcel {
	uint64_t id;             /* a frozen batch's or a dead letter's: two
				  * sequences */
	const char *destination; /* its name, configured or not */
	uint64_t first, last;    /* sequence numbers, inclusive */
	uint64_t rows;
	const char *encoding;
	bool gzip;
	unsigned attempts;
	uint64_t bytes;     /* of the body, as it is on disk */
	uint64_t time_ns;   /* dead letters: when it was refused; wall time */
	const char *answer; /* dead letters: what the collector said of it */
};

/* The destinations that are configured, as far as the store knows, in order of
 * their numbers. `cb` returns 0 to go on; anything else stops and is
 * returned. */
typedef int (*store_name_cb)(int destination, const char *name, void *arg);
int store_destination_names(struct store *store, store_name_cb cb, void *arg);

/* Return 0 to go on, anything else stops and is returned. */
typedef int (*store_parcel_cb)(const struct store_parcel *parcel, void *arg);

/* Those with an id above `after`, in order, at most `max`; of `destination`, or
 * of all (NULL). Returns how many there were, what the callback returned, or a
 * negative errno. */
int store_frozen_list(struct store *store, const char *destination,
		      uint64_t after, unsigned max, store_parcel_cb cb,
		      void *arg);
int store_dead_list(struct store *store, const char *destination,
		    uint64_t after, unsigned max, store_parcel_cb cb,
		    void *arg);

/* One letter as it was to be sent; free with store_batch_finish(). 0; -ENOENT:
 * there is none of this id (any more). */
int store_dead_read(struct store *store, uint64_t id,
		    struct store_batch *ret_batch);

/* It becomes a frozen batch again, with the same bytes, and goes before those
 * with higher numbers. What was declared of its rows stays declared: a row that
 * arrives after all counts once. 0; -ENOENT as above; -ENODEV: its destination
 * is configured no more. */
int store_dead_retry(struct store *store, uint64_t id, struct ep_err *err);

/* Forget it. 0 or -ENOENT. */
int store_dead_drop(struct store *store, uint64_t id, struct ep_err *err);

#endif
