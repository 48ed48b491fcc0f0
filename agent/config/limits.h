/* What figures of the report are held against. Part of config.h, which owns
 * it. */
#ifndef CONFIG_LIMITS_H
#define CONFIG_LIMITS_H

#include <stdint.h>

/* Up to `good` it is good, above `poor` it is bad. */
struct config_limit_ns {
	uint64_t good, poor; /* 0: as it is built in */
};

struct config_limit {
	double good, poor; /* NAN: as it is built in */
};

/* Named as the rules of edge/judge.h and of the report. */
struct config_limits {
	char *vantage; /* CONFIG_CLIENT or CONFIG_EDGE */
	struct config_limit_ns exchange_rtt, teams_rtt, teams_jitter, loaded;
	struct config_limit_ns saving;
	struct config_limit teams_loss, teams_burst, peers; /* percent */
	struct config_limit unavailable, loss, change;      /* percent */
	struct config_limit egress, resolver, pop_distance; /* km */
};

#define CONFIG_CLIENT "client"
#define CONFIG_EDGE   "edge"

#endif
