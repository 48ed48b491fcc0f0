/* Part of model.h: where is measured from, and over what. */
#ifndef REPORT_MODEL_PLACE_H
#define REPORT_MODEL_PLACE_H

#include "report/model/line.h"
#include <stddef.h>
#include <stdint.h>

/* A place that is measured from. The same name in several stores is the same
 * site. */
struct model_site {
	const char *name; /* "": none configured; forms say the agent's name */
	const char *country, *metro;
	const char *market;         /* edge_market(country) */
	const char *expected_pops;  /* codes, comma-separated */
	double latitude, longitude; /* degrees, NAN */
	/* The figures below are those of this circuit, or of all: MODEL_NONE.
	 * See model_main_circuit(). */
	uint32_t circuit;
	struct line now, before; /* over its headline series */
	uint8_t headline;        /* enum model_headline: what `now` is about */
	double score;            /* of Exchange, 0 to 100; NAN: not measured */
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

/* A time during which a circuit landed elsewhere than at its primary location. */
struct model_failover {
	uint64_t from_ns; /* first answer from elsewhere */
	uint64_t back_ns; /* first answer from the primary again; 0: not yet */
	uint64_t last_ns; /* last answer from elsewhere */
	enum model_location location; /* of the longest run in it */
	const char *pop;              /* of that run */
};

/* An internet access line of a site. */
struct model_circuit {
	uint32_t site;
	const char *name; /* "": by the routing table */
	const char *provider, *prefix;
	const char *connection, *primary_location, *backup_location;
	const char *egress_address, *egress_place;
	/* Who announces the egress address: "AS64500 EXAMPLE-NET"; "" where it
	 * was not asked. Beside `provider`, which is what was declared. */
	const char *observed_provider;
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
	struct model_failover *failovers; /* in the order of time */
	size_t n_failovers;
};

#endif
