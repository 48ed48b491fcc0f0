/* Memory that is given back at once: texts and arrays of one report. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/* NULL: out of memory. */
struct arena *arena_create(void);
/* NULL is fine. */
void arena_destroy(struct arena *arena);

/* Zeroed, aligned for anything; NULL: out of memory, or n * size overflows.
 * n * size of 0 gives a valid pointer, too. */
void *arena_alloc(struct arena *arena, size_t n, size_t size);

/* Copies; NULL only when out of memory. arena_text(NULL) is "". */
const char *arena_text(struct arena *arena, const char *text);
const char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
