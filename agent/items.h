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
	size_t circuit_index;                 /* of it, in the configuration */
	struct series series;
	struct plan_item plan;
	const char *dns; /* name servers of its circuit; NULL: all others' */
	const char *dns_source;    /* and by which line they are asked */
	const char *expect_issuer; /* intercept_rule.issuers */
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

/* True if the names of both are asked of the same servers over the same line:
 * then one engine does for both. */
bool item_same_servers(const struct item *a, const struct item *b);

/* True if one of `items` asks these name servers, over this line, for `host` in
 * `family`, as struct ep_names_change has them. */
bool items_ask_for(const struct items *items, const struct item *servers,
		   const char *host, uint8_t family);

/* Due times of `item` in a second. */
double item_rate(const struct item *item);

/* Probes that `config` asks for in a second, all items together; a name of which
 * each address is measured counts as four. */
double items_rate(const struct items *items);

/* Fill from `config`, which must outlive it. Items whose kind is in `wanted`
 * only. 0 or -ENOMEM; items_finish() frees. */
typedef int (*items_wanted)(const struct ep_kind *kind);
int items_init(struct items *items, const struct config *config,
	       items_wanted wanted);
void items_finish(struct items *items);

#endif
