/* Bad sectors, and the chance that says which: SEED in the environment, or the
 * same each time. */
#ifndef LIB_SECTORS_H
#define LIB_SECTORS_H

#include <stdint.h>

#define SECTOR_BYTES 512

/* Once, before any of these: takes the seed, and says it. */
void sectors_begin(void);
/* The next number of the chance. */
uint64_t sectors_random(void);

/* Noise in `n` sectors of the database at `path`, anywhere but in its first
 * page. */
void sectors_hit(const char *path, unsigned n);

#endif
