/* What was measured in pairs, and how far apart two percentiles are. Pure, in
 * bounded memory. */
#ifndef REPORT_JUDGING_PAIRED_H
#define REPORT_JUDGING_PAIRED_H

#include "report/model/said.h"
#include <stddef.h>
#include <stdint.h>

#define PAIRED_MAX 4096 /* samples that are kept */

/* As floats: below 17 ms exact, above within 6e-8. */
struct paired_sample {
	float a_ns, b_ns;
};

/* Pairs in the order of time. Zero-initialise; paired_finish() frees. */
struct paired {
	struct paired_sample *samples;
	size_t n, room;
	uint64_t seen;   /* pairs that `samples` stand for */
	uint32_t stride; /* one of so many is kept, by chance which; 0: 1 */
	uint32_t at;     /* in the stride */
	uint32_t chosen; /* which of it is kept */
	uint64_t chance; /* state of the generator; no secret, no entropy: equal
			  * data give equal reports */
};

/* `*budget` is what may still be allocated, in bytes; where that is spent, or at
 * PAIRED_MAX, half of the samples is thrown away, evenly. 0 or -ENOMEM. */
int paired_add(struct paired *p, struct paired_sample sample, uint64_t n,
	       size_t *budget);
void paired_finish(struct paired *p);

/* Percentile of a less percentile of b, for each of `share` (0 to 1), with its
 * interval of 95 %. 0; -ENOMEM; -ENODATA: fewer than `PAIRED_LEAST` samples. */
#define PAIRED_LEAST  40
#define PAIRED_SHARES 2
int paired_compare(const struct paired *p, const double share[PAIRED_SHARES],
		   struct model_interval ret[PAIRED_SHARES]);

#endif
