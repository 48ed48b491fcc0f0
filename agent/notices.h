/* Rows that are no samples, such as events and the agent's own counters, on
 * their way from a measuring thread to the keeping one: a bounded ring beside
 * that of the samples. */
#ifndef AGENT_NOTICES_H
#define AGENT_NOTICES_H

#include "base/record.h"
#include "base/ring.h"
#include <stddef.h>
#include <stdint.h>

struct store;

/* The longest body, with its NUL. */
#define NOTICE_BODY_MAX 2048

struct notice {
	uint64_t time_ns; /* since 1970 */
	enum row_type type;
	char body[NOTICE_BODY_MAX]; /* as in struct record */
};

/* NULL: out of memory. ring_destroy() frees. */
struct ring *notices_create(void);

/* Measuring thread: a row of `type` (self, event), of now. `body` is copied: as
 * in struct record, flat members without braces. 0; -ENOBUFS: the ring is full,
 * which is counted and declared as a gap; -E2BIG: longer than NOTICE_BODY_MAX,
 * nothing was put. */
int notices_put(struct ring *notices, enum row_type type, const char *body);

/* Keeping thread: hand all of them to `store`. */
void notices_keep(struct ring *notices, struct store *store);

#endif
