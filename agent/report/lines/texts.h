/* Each text once, so that equal ones are the same pointer. */
#ifndef REPORT_LINES_TEXTS_H
#define REPORT_LINES_TEXTS_H

#include "base/arena.h"
#include <stddef.h>

struct texts {
	struct arena *arena; /* borrowed; holds them */
	const char **slots;  /* a hash table */
	size_t n, size;
};

void texts_init(struct texts *texts, struct arena *arena);
void texts_finish(struct texts *texts); /* what it gave stays the arena's */

/* The one copy of `text` (NULL: ""). NULL: out of memory. */
const char *texts_keep(struct texts *texts, const char *text);

#endif
