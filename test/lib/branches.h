/* Ten branches of an enterprise, and what is wrong with some: the truth that a
 * report has to find. */
#ifndef LIB_BRANCHES_H
#define LIB_BRANCHES_H

#include <stdbool.h>

#define BRANCH_LINES 2

struct branch_line {
	const char *circuit, *provider, *prefix, *egress;
	const char *connection, *primary_location, *backup_location;
	const char *pop;  /* where its traffic enters, usually */
	double access_ms; /* of the line itself */
};

struct branch {
	const char *name, *country, *metro;
	double latitude, longitude;
	struct branch_line lines[BRANCH_LINES];
};

struct branch_target {
	const char *name, *host, *address;
	double extra_ms; /* from the PoP on */
	const char *probes[4];
};

/* From so many hours before the end to so many; 0: to the end. */
struct trouble {
	const char *site;
	int line; /* index; -1: both; BRANCH_LINES: the agent itself */
	double from_hours, to_hours;
	const char *pop; /* the traffic enters there instead; NULL: as usual */
	double extra_ms, loss;
	bool dark; /* nothing answers; of the agent: it does not run */
};

/* Each ends in one without a name. */
extern const struct branch branches[];
extern const struct branch_target branch_targets[];
extern const struct trouble branch_troubles[];

#endif
