/* Groups: what one line of the report is about, and all that was counted. */
#ifndef REPORT_GROUP_H
#define REPORT_GROUP_H

#include "edgeprobe/sample.h"
#include "report/report.h"
#include "report/stats.h"
#include "store/scan.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Phases of an https probe; GROUP_DNS is known for other kinds, too. */
enum group_phase {
	GROUP_DNS,
	GROUP_CONNECT,
	GROUP_TLS,
	GROUP_FIRST_BYTE,
	GROUP_TOTAL,
	GROUP_SRTT, /* no phase, but known in the same way: of kept connections
		     * the kernel's smoothed round trip */
	GROUP_PHASES
};
extern const char *const group_phase_names[GROUP_PHASES];

/* What stands for "https" in the key `probe` where a row is of a kept
 * connection. */
#define GROUP_KEPT "https kept"

#define GROUP_POPS_MAX 24 /* beyond, they are counted as "other" */

struct group_pop {
	uint32_t word; /* store_word(); 0: other */
	uint64_t n;
};

struct group {
	/* Texts of options.by, in that order; "" where there is none. Borrowed
	 * from the store. */
	const char *keys[REPORT_KEYS_MAX];
	uint64_t outcomes[EP_CANCELLED]; /* by enum ep_outcome */
	uint64_t reasons[EP_REASON_COUNT];
	uint64_t missed; /* probes that never left */
	uint64_t late;   /* replies after their loss was counted */
	struct stats rtt, phases[GROUP_PHASES];
	struct jitter jitter; /* its sum and count only */
	struct group_pop pops[GROUP_POPS_MAX];
	unsigned n_pops;
};

/* Probes that left, and those that came back (replied or refused). */
uint64_t group_sent(const struct group *g);
uint64_t group_answered(const struct group *g);
/* Lost share, 0 to 100, of those that were asked: failed ones do not count. */
double group_loss_percent(const struct group *g);

struct groups {
	const struct report_options *options;
	struct store *store;
	struct group **groups; /* sorted once collected */
	size_t n, room;
	struct group_series *series; /* by number */
	size_t n_series;
	uint64_t first_ns, last_ns; /* of the samples seen */
	uint64_t samples;
};

/* Read everything in the window. The store is borrowed until
 * groups_finish(). 0 or a negative errno with `err`. */
int groups_collect(struct groups *gs, const struct report_options *options,
		   struct store *store, struct ep_err *err);
void groups_finish(struct groups *gs);

#endif
