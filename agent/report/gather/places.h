/* Sites and their circuits: from samples, and from what agents say of their
 * configuration, of which the newest counts. */
#ifndef REPORT_GATHER_PLACES_H
#define REPORT_GATHER_PLACES_H

#include "base/json.h"
#include "base/record.h"
#include "report/lines/texts.h"
#include "report/model/model.h"

struct place_site {
	struct model_site site; /* but its lines and what is judged */
	uint64_t told_ns;       /* 0: known from samples only */
	bool seen;              /* there are samples */
};

struct place_circuit {
	struct model_circuit circuit;
	const char *site; /* its name */
	uint64_t told_ns;
	bool seen;
};

struct places {
	struct texts *texts; /* borrowed; keeps all texts */
	struct place_site *sites;
	struct place_circuit *circuits;
	size_t n_sites, n_circuits;
};

void places_init(struct places *places, struct texts *texts);
void places_finish(struct places *places);

/* A series that there are samples of; texts are kept ones. 0 or -ENOMEM. */
int places_see(struct places *places, const struct series *series);

/* A row of the agent's parts "site" and "circuit"; `site` is a kept text. */
int places_tell_site(struct places *places, const char *site, uint64_t time_ns,
		     const struct json *row);
int places_tell_circuit(struct places *places, const char *site,
			uint64_t time_ns, const struct json *row);

/* What is registered for a circuit; "". */
const char *places_connection(const struct places *places, const char *site,
			      const char *circuit);

/* Those seen into the model, in their order there. 0 or -ENOMEM. */
int places_fill(const struct places *places, struct model *model);

/* Indices of the model by names; MODEL_NONE. */
uint32_t places_site(const struct model *model, const char *name);
uint32_t places_circuit(const struct model *model, uint32_t site,
			const char *name);

#endif
