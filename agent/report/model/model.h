/* What a report is made of, wherever it was read from: filled by a source
 * (source.h), read by the forms. Plain data; texts and arrays belong to the
 * model's arena and live as long as it.
 *
 * Durations are nanoseconds as doubles, NAN where there is none; times are
 * nanoseconds since 1970, 0 where there is none; texts are "", never NULL. */
#ifndef REPORT_MODEL_MODEL_H
#define REPORT_MODEL_MODEL_H

#include "edge/judge.h"
#include "report/model/place.h"
#include "report/model/said.h"
#include <stddef.h>
#include <stdint.h>

/* The figures of one bucket of time. */
struct model_cell {
	uint32_t asked, lost; /* asked: sent, but not failed */
	uint32_t failed;
	float p5, p25, p50, p75, p95; /* of round trips, ns; 0: none */
};

/* A target, asked by one kind over one circuit. */
struct model_series {
	uint32_t circuit;
	const char *target, *probe; /* probe: GROUP_KEPT is one of its own */
	const char *host;
	const char *service; /* edge_service(host): "Exchange", ...; "" */
	struct line now, before;
	struct model_cell *cells; /* model.n_buckets of them */
	/* stun and others with samples that close: the worst of any 15 s, and of
	 * any 200 ms; NAN: not measured so. */
	double worst_loss_percent, worst_burst_percent, worst_jitter_ns;
	/* https samples with EP_FLAG_TLS_ISSUER, with EP_FLAG_NEARBY. */
	uint64_t n_issuer, n_nearby;
};

/* Roll-ups, from coarse to fine, then across. */
enum model_rollup {
	MODEL_BY_MARKET,
	MODEL_BY_COUNTRY,
	MODEL_BY_METRO,
	MODEL_BY_PROVIDER,
	MODEL_BY_CONNECTION,
	MODEL_BY_PREFIX,
	MODEL_BY_POP,
	MODEL_BY_TARGET,
	MODEL_BY_SERVICE,
	MODEL_ROLLUPS
};
/* The report key that a roll-up is by; each is split by probe, too, as its
 * second key. */
enum report_key model_rollup_key(enum model_rollup rollup);

struct model {
	const char *source;          /* what it was read from, for people */
	const char *agents;          /* how many, or which: for people */
	uint64_t since_ns, until_ns; /* the window [since, until) */
	uint64_t samples;            /* in it */
	uint64_t first_ns, last_ns;  /* of them */
	uint64_t bucket_ns;
	unsigned n_buckets; /* from since_ns on */
	struct model_site *sites;
	size_t n_sites;
	struct model_circuit *circuits; /* by site, then name */
	size_t n_circuits;
	struct model_series *series; /* by circuit, target, probe */
	size_t n_series;
	struct lines now[MODEL_ROLLUPS], before[MODEL_ROLLUPS];
	struct model_event *events; /* by time */
	size_t n_events;
	struct model_pair *pairs; /* largest saving first */
	size_t n_pairs;
	struct model_finding *findings; /* worst first */
	size_t n_findings;
	struct edge_rule rtt; /* what a median round trip is held against;
				   * Exchange's until model_judge() */
	struct arena *arena;
};

/* The site's name for people: its own, or "(no site)". */
const char *model_site_label(const struct model *model, uint32_t site);
/* "default route" for a circuit without a name. */
const char *model_circuit_label(const struct model *model, uint32_t circuit);

/* The circuit that stands for a site: the one that is registered for Peering
 * Service, if there is just one. A median over two lines would be of neither. */
uint32_t model_main_circuit(const struct model *model, uint32_t site);

void model_init(struct model *model);
void model_finish(struct model *model);

#endif
