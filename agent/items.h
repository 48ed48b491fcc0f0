/* What the configuration asks to be measured: one item for each target, probe
 * kind, circuit and family, and one more for a kept connection. */
#ifndef AGENT_ITEMS_H
#define AGENT_ITEMS_H

#include "base/record.h"
#include "config/config.h"
#include "edgeprobe/target.h"
#include "schedule/plan.h"
#include <stdbool.h>
#include <stddef.h>

/* Texts are borrowed from the configuration. */
struct item {
	struct ep_target target;
	struct ep_target *ways; /* what item_way() gives; NULL: one way */
	uint64_t fresh_every;   /* so many probes to one on a fresh flow; 0 */
	bool each_address;      /* of the name, EP_NTH_MAX at most */
	const struct config_circuit *circuit; /* NULL: none */
	struct series series;
	struct plan_item plan;
	const char *dns; /* name servers of its circuit; NULL: all others' */
};

struct items {
	struct item *items;
	size_t n;
};

/* The target to hand to the engine for one probe of `item`: on its constant
 * flow or a fresh one; number `nth` of the addresses, where each is measured,
 * else 0. */
const struct ep_target *item_way(const struct item *item, bool fresh,
				 unsigned nth);

/* Probes that `config` asks for in a second, all items together. */
double items_rate(const struct items *items);

/* Fill from `config`, which must outlive it. Items whose kind is in `wanted`
 * only. 0 or -ENOMEM; items_finish() frees. */
typedef int (*items_wanted)(const struct ep_kind *kind);
int items_init(struct items *items, const struct config *config,
	       items_wanted wanted);
void items_finish(struct items *items);

#endif
