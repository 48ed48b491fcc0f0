/* Groups: all that was counted of what belongs together, and the line that it
 * becomes. */
#ifndef REPORT_LINES_GROUP_H
#define REPORT_LINES_GROUP_H

#include "base/arena.h"
#include "edgeprobe/sample.h"
#include "report/lines/stats.h"
#include "report/model/line.h"
#include "store/scan.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group_pop {
	const char *code; /* borrowed */
	uint64_t n;
};

/* Zero-initialise; group_finish() frees. */
struct group {
	uint64_t outcomes[EP_CANCELLED]; /* by enum ep_outcome */
	uint64_t reasons[EP_REASON_COUNT];
	uint64_t missed; /* probes that never left */
	uint64_t late;   /* replies after their loss was counted */
	struct stats rtt, phases[LINE_PHASES];
	struct stats loaded; /* round trips while the circuit was full */
	double jitter_sum_ns;
	uint64_t jitter_n;
	struct group_pop *pops;
	size_t n_pops;
};

/* Count a row. `chain` is that of its series; `pop` is the text of its PoP, ""
 * where there is none. 0 or -ENOMEM. */
int group_count(struct group *g, struct jitter *chain,
		const struct scan_row *row, const char *pop);

/* `mixed`: what is of kept connections goes among fresh ones, whose times to
 * the first byte are of something else. */
int group_merge(struct group *into, const struct group *from, bool mixed);

/* Codes of PoPs are copied into the arena; the keys are left alone. */
int group_line(struct group *g, struct arena *arena, struct line *ret_line);

void group_finish(struct group *g);

#endif
