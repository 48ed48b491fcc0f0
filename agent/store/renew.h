/* A store that turns out damaged while it is in use; part of store.h's
 * contract, for who opens it. */
#ifndef STORE_RENEW_H
#define STORE_RENEW_H

#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stdint.h>

struct store;

/* It was not closed cleanly, and is so large that only what the work needs has
 * been checked: store_check() (salvage.h) is for another thread. */
bool store_is_unchecked(const struct store *store);

/* The file is damaged (-EUCLEAN), or its disk fails (-EIO): set it aside, and
 * begin a new one with a new epoch. Nothing that waits in memory is lost: it
 * keeps its numbers, and series theirs. Destinations are to be opened anew;
 * store_notice() says where the old file is. On failure: ask again later. */
int store_renew(struct store *store, struct ep_err *err);

/* From the next commit on it may take so much. With less than STORE_MIN_BYTES,
 * down to STORE_LITTLE_BYTES, it gets along for a while. */
void store_set_bound(struct store *store, uint64_t max_bytes);

/* The file's own name, if it was opened by that of a link. */
const char *store_path(const struct store *store);

#endif
