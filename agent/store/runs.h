/* What is in a batch: nearly always one run of numbers, and no gap row. */
#ifndef STORE_RUNS_H
#define STORE_RUNS_H

#include "store/parts.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "first-last " of each run; "seq:reason:first-last " of each gap row. */
#define RUNS_TEXT_MAX (RUNS_MAX * 42 + 1)
#define TOLD_TEXT_MAX (RUNS_MAX * 64 + 1)

/* Runs of any number; `last` may be as low as `first`. */
void runs_text(const struct run *runs, unsigned n, char *text, size_t size);
/* How many; stops at what is not one. */
unsigned runs_parse(const char *text, struct run *runs, unsigned max);

void runs_write(const struct content *content, char *text, size_t size);
void told_write(const struct content *content, char *text, size_t size);
/* Stop at what is not one. */
void runs_read(const char *text, struct content *content);
void told_read(const char *text, struct content *content);
/* Keep what lies in [first, last]. */
void content_within(struct content *content, uint64_t first, uint64_t last);

/* Ranges of numbers in order, joined where they meet. */
struct ranges {
	struct run *runs;
	size_t n, size;
};
void ranges_finish(struct ranges *r);
/* In any order; then ranges_sort(). -ENOMEM. */
int ranges_add(struct ranges *r, struct run run);
void ranges_sort(struct ranges *r);
bool ranges_have(const struct ranges *r, uint64_t number);

#endif
