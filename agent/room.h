/* Who may take what of the store's bound (`store.max_size`): the agent's own
 * store, files that were set aside, and what is made of them. */
#ifndef AGENT_ROOM_H
#define AGENT_ROOM_H

#include "wreckage.h"
#include <stddef.h>
#include <stdint.h>

/* What the agent's own store at `path` takes, or will until the next look. */
uint64_t room_of_own(const char *path);

/* What another may take beside that and `others` bytes; no less than a store
 * needs. */
uint64_t room_beside_own(uint64_t max_bytes, const char *path, uint64_t others);

/* Half of what is free on the disk; no less than a store needs. */
uint64_t room_half_of_disk(const char *path);

/* Bytes of all but those of this stamp. */
uint64_t room_taken(const struct wreckage *list, size_t n, const char *but);

#endif
