/* A disk that loses its power: a VFS for SQLite that passes everything on and
 * records it, and the images that a disk could hold afterwards.
 *
 * The model: what was written before a file's last completed sync is there. Of
 * what was written since, each 512-byte sector is there, or is as it was, or is
 * garbage, whatever came of its neighbours; the bytes of a sector that were not
 * written are as they were (SQLite's "power-safe overwrite", which it assumes
 * of disks). A file whose deletion was synced is gone, else it may be there. */
#ifndef FAULT_POWER_VFS_H
#define FAULT_POWER_VFS_H

#include <stddef.h>
#include <stdint.h>

/* Become SQLite's default VFS; nothing is recorded yet. 0 or a code of
 * SQLite's. */
int power_begin(void);
/* Forget what was recorded, and record. One database at a time. */
void power_record(void);
void power_stop(void);
void power_forget(void);
/* How many operations were recorded. */
size_t power_operations(void);
size_t power_syncs(void);

/* Write what could be there if the power had gone after the first `cut`
 * operations: the database `path`, its log and its journal. `cut` may not be
 * less than that of the image before. 0 or a negative errno. */
int power_image(size_t cut, const char *path, uint64_t *seed);

/* The next number; xorshift, not 0. */
uint64_t power_random(uint64_t *seed);

#endif
