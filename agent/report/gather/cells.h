/* What each series did in each bucket of time, counted as rows come: only the
 * newest two buckets hold more than their figures. */
#ifndef REPORT_GATHER_CELLS_H
#define REPORT_GATHER_CELLS_H

#include "base/arena.h"
#include "report/model/model.h"
#include "report/model/source.h"
#include "store/scan.h"

struct cells {
	struct arena *arena; /* borrowed */
	struct source_grid grid;
	uint64_t since_ns;
};

/* Of one series, in `cells`. */
struct cells_track;

/* NULL: out of memory. */
struct cells_track *cells_add(const struct cells *cells);

/* A row of the series; its own arrival in any order is fine, but a row of a
 * bucket that is older than the newest two costs accuracy: its round trips are
 * then merged with percentiles instead of with round trips. */
void cells_see(const struct cells *cells, struct cells_track *track,
	       const struct scan_row *row);

/* The same for a source that has counted already: round trips, `n` of about the
 * same duration, and what else there was at that time. */
void cells_see_many(const struct cells *cells, struct cells_track *track,
		    uint64_t sent_ns, uint64_t rtt_ns, uint32_t n);
void cells_count(const struct cells *cells, struct cells_track *track,
		 uint64_t sent_ns, const uint32_t asked_lost_failed[3]);

/* grid.n_buckets of them, in the arena. */
struct model_cell *cells_end(struct cells_track *track);

#endif
