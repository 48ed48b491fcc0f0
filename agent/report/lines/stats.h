/* Statistics of a stream of durations in bounded memory. Pure.
 *
 * Percentiles come from a log-linear histogram: 512 steps an octave, so that a
 * percentile is within 0.1 % of the value that sorting would give; minimum,
 * maximum, count, mean and standard deviation are exact. Two of them can be
 * merged exactly. */
#ifndef REPORT_LINES_STATS_H
#define REPORT_LINES_STATS_H

#include <stdint.h>

#define STATS_STEPS   512 /* an octave */
#define STATS_OCTAVES 39  /* up to 2^47 ns, 39 hours; longer counts as that */

/* Zero-initialise; stats_finish() frees. Octaves are allocated when something
 * falls into them. */
struct stats {
	uint64_t n;
	uint64_t min_ns, max_ns;
	double sum_ns, squares; /* the latter of ns squared */
	uint32_t *octaves[STATS_OCTAVES];
};

/* 0 or -ENOMEM (the value is then not counted at all). */
int stats_add(struct stats *s, uint64_t ns);
/* The same `n` times; what a step counts stays below 2^32. */
int stats_add_many(struct stats *s, uint64_t ns, uint64_t n);
int stats_merge(struct stats *into, const struct stats *from);
void stats_finish(struct stats *s);

/* The value below or at which a share of `p` (0 to 1) of all lies, by nearest
 * rank: stats_percentile(s, 0.5) is the median. 0 when there is none. */
uint64_t stats_percentile(const struct stats *s, double p);
double stats_mean_ns(const struct stats *s);
/* Of all that was seen (not of a sample); 0 when there is none. */
double stats_stddev_ns(const struct stats *s);

/* Jitter: the mean absolute difference of consecutive round trips, a lost one
 * breaking the chain (the delay variation of RFC 3393, packets selected as
 * consecutive, both received). Feed in order of sending. */
struct jitter {
	uint64_t n; /* differences */
	uint64_t last_ns;
	double sum_ns;
	int broken; /* 0 when `last_ns` may be compared with */
};
void jitter_init(struct jitter *j);
void jitter_add(struct jitter *j, uint64_t ns);
void jitter_break(struct jitter *j); /* a probe without a round trip */
double jitter_mean_ns(const struct jitter *j); /* 0 when n is 0 */

#endif
