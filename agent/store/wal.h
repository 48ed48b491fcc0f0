/* SQLite's log beside a database: how much of it SQLite will read. */
#ifndef STORE_WAL_H
#define STORE_WAL_H

#include <stdint.h>

/* `*ret_frames`: pages in it, since it was last begun anew; `*ret_good`: those
 * up to the first that is damaged or was not written whole. 0 and 0 if there is
 * no log. The last few may well be of a commit that did not come to its end. */
void wal_look(const char *database, uint64_t *ret_frames, uint64_t *ret_good);

/* Bytes that it takes. */
uint64_t wal_bytes(const char *database);

#endif
