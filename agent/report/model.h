/* What a report is made of, wherever it was read from: filled by a source
 * (source.h), read by the forms. Plain data; texts and arrays belong to the
 * model's arena and live as long as it.
 *
 * Durations are nanoseconds as doubles, NAN where there is none; times are
 * nanoseconds since 1970, 0 where there is none; texts are "", never NULL. */
#ifndef REPORT_MODEL_H
#define REPORT_MODEL_H

#include "report/line.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NONE UINT32_MAX /* of an index: there is none */

/* A place that is measured from. The same name in several stores is the same
 * site. */
struct model_site {
	const char *name; /* "": none configured; forms say the agent's name */
	const char *country, *metro;
	const char *market;         /* edge_market(country) */
	const char *expected_pops;  /* codes, comma-separated */
	double latitude, longitude; /* degrees, NAN */
	struct line now, before;    /* over its headline series */
	uint8_t headline; /* enum model_headline: what `now` is about */
	double score;     /* of Exchange, 0 to 100; NAN: not measured */
};

/* Which round trips stand for a site or a circuit: those of the first kind in
 * this order that it has to a Microsoft target, since kinds differ by what they
 * include. */
enum model_headline {
	MODEL_TCP,
	MODEL_HTTPS,
	MODEL_ICMP,
	MODEL_STUN,
	MODEL_NO_HEADLINE
};

/* Where a PoP lies with respect to a circuit's registration. */
enum model_location {
	MODEL_UNREGISTERED, /* no locations are registered */
	MODEL_PRIMARY,
	MODEL_BACKUP,
	MODEL_NEITHER,
	MODEL_UNKNOWN_POP, /* the table does not have it */
};
const char *model_location_name(enum model_location location);

/* One PoP answering a circuit's probes, from its first answer to its last. */
struct model_run {
	const char *pop;
	uint64_t from_ns, to_ns; /* wall clock; inclusive */
	uint64_t n;              /* answers */
	enum model_location location;
};

/* An internet access line of a site. */
struct model_circuit {
	uint32_t site;
	const char *name; /* "": by the routing table */
	const char *provider, *prefix;
	const char *connection, *primary_location, *backup_location;
	const char *egress_address, *egress_place;
	const char *resolver_address, *resolver_place;
	double egress_km, resolver_km; /* from the site; NAN */
	struct line now, before;       /* over its headline series */
	uint8_t headline;              /* enum model_headline */
	double score;                  /* of Exchange; NAN */
	/* In the order of time. What answered for fewer than three samples in a
	 * row is part of the run around it. */
	struct model_run *runs;
	size_t n_runs;
	enum model_location location; /* of the last run */
	uint64_t location_since_ns;   /* begin of the runs with that location */
};

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
};

struct model_event {
	uint64_t time_ns, since_ns, until_ns; /* until 0: it is still so */
	uint32_t site, circuit;               /* or MODEL_NONE */
	const char *event, *level, *state;    /* words of the row */
	const char *target, *probe;
	const char *text; /* one line for people */
};

/* A figure with its confidence interval, ns. */
struct model_interval {
	double value, low, high; /* 95 % */
};

/* The same target over two circuits at the same moments. Positive: `b` is
 * faster. */
struct model_pair {
	uint32_t a, b; /* series; the circuit of `b` would be the better one,
			* or the differences are not distinguishable from 0 */
	uint64_t n;    /* pairs of samples */
	struct model_interval p50, p90; /* what b saves at that percentile */
	const char *text;               /* one line for people */
};

/* What is wrong, or would help: a rule that a figure breaks. */
struct model_finding {
	const char *level;      /* "warning", "bad" */
	uint32_t site, circuit; /* or MODEL_NONE */
	const char *pop;        /* in use, or "" */
	const char *rule;       /* edge_rule name, or another word */
	const char *source;     /* who says that limit */
	const char *unit;
	double value, limit; /* in `unit` */
	uint64_t since_ns;   /* 0: not known, or the whole window */
	const char *text;    /* what, for people: one sentence */
	const char *help;    /* what would help, or what to tell the provider:
			      * one or two sentences; "" */
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
	struct arena *arena;
};

/* The site's name for people: its own, or "(no site)". */
const char *model_site_label(const struct model *model, uint32_t site);
/* "default route" for a circuit without a name. */
const char *model_circuit_label(const struct model *model, uint32_t circuit);

void model_init(struct model *model);
void model_finish(struct model *model);

#endif
