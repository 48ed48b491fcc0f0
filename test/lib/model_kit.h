/* A report's model without a store: branches all over the world, each with its
 * lines, measured to Microsoft's edge. The same each time.
 *
 * What is wrong in it, as far as it has so many sites: on the first line of the
 * second the traffic goes to a far PoP from 42 % of the window on; the third was
 * not measured for a while; the fourth loses packets; the last lands on a PoP of
 * another continent all the time. */
#ifndef LIB_MODEL_KIT_H
#define LIB_MODEL_KIT_H

#include "report/model/model.h"

#define MODEL_KIT_SITES    20
#define MODEL_KIT_CIRCUITS 3
#define MODEL_KIT_TARGETS  5

struct model_kit {
	unsigned sites;    /* up to MODEL_KIT_SITES */
	unsigned circuits; /* of each site, up to MODEL_KIT_CIRCUITS */
	unsigned targets;  /* up to MODEL_KIT_TARGETS, three probes of each */
	unsigned buckets;
	uint64_t bucket_ns;
};

/* Three branches and a day. */
#define MODEL_KIT_DAY                                                          \
	((struct model_kit){ 3, 2, 3, 288, UINT64_C(300) * 1000000000 })
/* Twenty branches and a month, in as many cells as a source makes. */
#define MODEL_KIT_MONTH                                                        \
	((struct model_kit){ 20, 2, 5, 180, UINT64_C(14400) * 1000000000 })

/* Initialise and fill; model_finish() frees. 0 or -ENOMEM. */
int model_kit(struct model *model, const struct model_kit *kit);

#endif
