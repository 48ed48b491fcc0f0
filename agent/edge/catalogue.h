/* The targets that are measured where none are configured: Microsoft's own
 * front doors, as an enterprise uses them. A plain table. */
#ifndef EDGE_CATALOGUE_H
#define EDGE_CATALOGUE_H

#include <stddef.h>

#define EDGE_PROBES_MAX 3

struct edge_target {
	const char *name;   /* as a target is named in rows */
	const char *phrase; /* for people: "Exchange Online" */
	const char *host;
	const char *path; /* of https probes; NULL: "/" */
	/* Names of kinds; NULL after the last. */
	const char *probes[EDGE_PROBES_MAX + 1];
};

const struct edge_target *edge_catalogue(size_t *ret_n);

/* What is ready to be measured under one word: "teams-media", "front-door",
 * "entra". NULL: there is no such group. */
const struct edge_target *edge_group(const char *word);

#endif
