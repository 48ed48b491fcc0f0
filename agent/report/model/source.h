/* Where a report is read from: local stores, or ClickHouse. A source answers
 * questions about one window and the window of the same length before it. All
 * texts it gives are copied into the arena it is given. */
#ifndef REPORT_MODEL_SOURCE_H
#define REPORT_MODEL_SOURCE_H

#include "base/arena.h"
#include "report/model/model.h"
#include "report/model/options.h"

struct source;

/* How time is cut for cells. */
struct source_grid {
	uint64_t bucket_ns;
	unsigned n_buckets;
};

/* Which lines. */
struct source_query {
	const enum report_key *by;
	unsigned n_by; /* 0: one line of all */
	bool before;   /* of the window before */
};

struct source_ops {
	/* Lines by any keys. 0 with n = 0 if there is nothing. */
	int (*lines)(struct source *source, const struct source_query *query,
		     struct arena *arena, struct lines *ret_lines,
		     struct ep_err *err);
	/* Sites, circuits, series with lines and cells, roll-ups, events, runs
	 * and pairs: everything of the model but scores, locations, findings and
	 * texts for people, which model_judge() adds. */
	int (*model)(struct source *source, struct model *model,
		     struct ep_err *err);
	void (*close)(struct source *source);
};

/* Embedded first in each source. */
struct source {
	const struct source_ops *ops;
	/* Known once it is open: */
	uint64_t since_ns, until_ns; /* the window, no end open */
	uint64_t samples, first_ns, last_ns;
	char title[160]; /* what it is read from, for people */
};

/* How many buckets suit a window of that length and so many series: a whole
 * number of minutes (or of a divisor of one), at most 720, and no more than
 * 120,000 cells in all. */
struct source_grid source_grid(uint64_t since_ns, uint64_t until_ns,
			       size_t n_series);

#endif
