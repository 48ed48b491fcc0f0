/* What the configuration asks to be measured: one item for each target, probe
 * kind, circuit and family. */
#ifndef AGENT_ITEMS_H
#define AGENT_ITEMS_H

#include "base/record.h"
#include "config/config.h"
#include "edgeprobe/target.h"
#include "schedule/plan.h"
#include <stddef.h>

/* Texts are borrowed from the configuration. */
struct item {
	struct ep_target target;
	struct series series;
	struct plan_item plan;
	const char *dns; /* name servers of its circuit; NULL: all others' */
};

struct items {
	struct item *items;
	size_t n;
};

/* Probes that `config` asks for in a second, all items together. */
double items_rate(const struct items *items);

/* Fill from `config`, which must outlive it. Items whose kind is in `wanted`
 * only. 0 or -ENOMEM; items_finish() frees. */
typedef int (*items_wanted)(const struct ep_kind *kind);
int items_init(struct items *items, const struct config *config,
	       items_wanted wanted);
void items_finish(struct items *items);

#endif
