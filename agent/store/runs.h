/* The sequence numbers of a batch: nearly always one run of them. */
#ifndef STORE_RUNS_H
#define STORE_RUNS_H

#include "store/parts.h"

/* "first-last " of each. */
#define RUNS_TEXT_MAX (RUNS_MAX * 42 + 1)

void runs_write(const struct run *runs, unsigned n, char *text, size_t size);
/* How many; stops at what is not one. */
unsigned runs_read(const char *text, struct run runs[RUNS_MAX]);
/* Keep what lies in [first, last]; how many are left. */
unsigned runs_within(struct run runs[RUNS_MAX], unsigned n, uint64_t first,
		     uint64_t last);

#endif
