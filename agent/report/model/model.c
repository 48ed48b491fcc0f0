#include "report/model/model.h"
#include "base/arena.h"
#include <string.h>

static const enum report_key rollup_keys[] = {
	[MODEL_BY_MARKET] = REPORT_MARKET,
	[MODEL_BY_COUNTRY] = REPORT_COUNTRY,
	[MODEL_BY_METRO] = REPORT_METRO,
	[MODEL_BY_PROVIDER] = REPORT_PROVIDER,
	[MODEL_BY_CONNECTION] = REPORT_CONNECTION,
	[MODEL_BY_PREFIX] = REPORT_PREFIX,
	[MODEL_BY_POP] = REPORT_POP,
	[MODEL_BY_TARGET] = REPORT_TARGET,
	[MODEL_BY_SERVICE] = REPORT_SERVICE,
};

enum report_key model_rollup_key(enum model_rollup rollup)
{
	return rollup_keys[rollup];
}

static const char *const locations[] = {
	[MODEL_UNREGISTERED] = "unregistered",
	[MODEL_PRIMARY] = "primary",
	[MODEL_BACKUP] = "backup",
	[MODEL_NEITHER] = "neither",
	[MODEL_UNKNOWN_POP] = "unknown_pop",
};

const char *model_location_name(enum model_location location)
{
	return locations[location];
}

const char *model_site_label(const struct model *model, uint32_t site)
{
	const char *name = site < model->n_sites ? model->sites[site].name : "";

	return *name == '\0' ? "(no site)" : name;
}

const char *model_circuit_label(const struct model *model, uint32_t circuit)
{
	const char *name = circuit < model->n_circuits
				   ? model->circuits[circuit].name
				   : "";

	return *name == '\0' ? "default route" : name;
}

uint32_t model_main_circuit(const struct model *model, uint32_t site)
{
	uint32_t found = MODEL_NONE;

	for (uint32_t i = 0; i < model->n_circuits; i++) {
		const struct model_circuit *c = &model->circuits[i];

		if (c->site != site ||
		    (*c->connection == '\0' && *c->primary_location == '\0'))
			continue;
		if (found != MODEL_NONE)
			return MODEL_NONE;
		found = i;
	}
	return found;
}

void model_init(struct model *model)
{
	memset(model, 0, sizeof(*model));
	model->source = model->agents = "";
	model->rtt = *edge_rule(EDGE_EXCHANGE_RTT, EDGE_FROM_CLIENT);
	model->arena = arena_create();
}

void model_finish(struct model *model)
{
	arena_destroy(model->arena);
	memset(model, 0, sizeof(*model));
}
