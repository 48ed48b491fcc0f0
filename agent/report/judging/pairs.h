/* Circuits side by side: what the same probe of the same target took over each
 * circuit of a site at the same moments. Pure, in bounded memory; well below
 * 100 ns a sample. See README.md for the method. */
#ifndef REPORT_JUDGING_PAIRS_H
#define REPORT_JUDGING_PAIRS_H

#include "report/model/model.h"
#include <stddef.h>
#include <stdint.h>

struct pairs;

#define PAIRS_MIN 40 /* fewer pairs of samples are no comparison */
/* Samples are of the same moment when they were sent within half the interval
 * of the series, or within this. */
#define PAIRS_NEAR_NS UINT64_C(2000000000)
/* Of a site and target, one more is not compared. */
#define PAIRS_CIRCUITS_MAX 8
/* What suits pairs_create(). */
#define PAIRS_BYTES ((size_t)8 << 20)

/* What is compared: equal but for the circuit. Texts are copied. */
struct pairs_key {
	const char *site, *target, *probe; /* probe: GROUP_KEPT is its own */
	const char *circuit;
};

/* `max_bytes`: for the samples of all pairs together; they are thinned out
 * beyond. NULL: out of memory. */
struct pairs *pairs_create(size_t max_bytes);
void pairs_destroy(struct pairs *pairs); /* NULL is fine */

/* Say what a series is, once, before its samples. Series are the caller's
 * numbers, small ones; those with equal keys are one. 0 or -ENOMEM. */
int pairs_add(struct pairs *pairs, uint32_t series,
	      const struct pairs_key *key);

/* A round trip, roughly in the order of time. A series that was not added, or
 * has nothing to be compared with, is fine and costs little. 0 or -ENOMEM. */
int pairs_see(struct pairs *pairs, uint32_t series, uint64_t sent_ns,
	      uint64_t rtt_ns);

/* For a source that pairs by itself: two round trips of the same moment, that
 * stand for `n` such pairs; in the order of time. Both series were added, with
 * keys that differ in the circuit only. At most some 4,096 a pair are kept; a
 * source does well to thin them out to that evenly, at random within each
 * stretch. 0 or -ENOMEM. */
int pairs_take(struct pairs *pairs, const uint32_t series[2],
	       const uint64_t rtt_ns[2], uint64_t n);

/* Set `pairs` and `n_pairs` of the model, largest saving first; the texts are
 * model_judge()'s. `index_of` as for runs_fill(). 0 or -ENOMEM. */
int pairs_fill(struct pairs *pairs, struct model *model,
	       const uint32_t *index_of, uint32_t n);

#endif
