/* A target, as the files say it. Part of config.h, which owns it. */
#ifndef CONFIG_TARGET_H
#define CONFIG_TARGET_H

#include "edgeprobe/target.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words of a target. */
#define CONFIG_PERIODIC "periodic"
#define CONFIG_POISSON  "poisson"
#define CONFIG_ONE      "one"
#define CONFIG_STABLE   "stable"
#define CONFIG_ALL      "all"

struct config_target {
	char *name, *host, *path;
	const struct ep_kind **probes; /* points into ep_kinds(); own array */
	size_t n_probes;
	size_t *circuits;  /* indexes into config.circuits */
	size_t n_circuits; /* 0: by the routing table, no circuit. Where the
			    * files say nothing: all circuits */
	uint64_t interval_ns, timeout_ns, count;
	uint64_t spacing_ns; /* of the probes of a round; 0: by default */
	uint64_t port, family, size, ttl, dscp; /* family 46: both */
	char *schedule;      /* CONFIG_PERIODIC or CONFIG_POISSON */
	char *addresses;     /* CONFIG_ONE, CONFIG_STABLE or CONFIG_ALL */
	uint64_t fresh_flow; /* every so many probes; 0: none */
	bool kept;           /* https: over a kept connection, too */
	bool dont_fragment;
	struct ep_statuses expect_status;
	char *expect_issuer; /* with commas; NULL: as edge/intercept.h has it */
	/* Of an item of config.sources only. Lists have commas; NULL: all of
	 * them, and of categories Optimize. */
	char *source; /* SOURCES_MICROSOFT365, or a group of edge/catalogue.h */
	char *instance; /* NULL: Worldwide */
	char *areas, *categories, *tenant;
	uint64_t max_targets; /* 0: SOURCES_TARGETS */
};

/* A target that came of a source. */
struct config_sourced {
	size_t source; /* index into config.sources */
	char *why;     /* one line for people */
};

#endif
