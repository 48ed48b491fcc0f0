/* Does something stand between a probe and the edge? What one sample, or the
 * series that it is of, gives as evidence. Pure; README.md says why each rule is
 * as it is. */
#ifndef EDGE_INTERCEPT_H
#define EDGE_INTERCEPT_H

#include "edge/pop.h"
#include "edgeprobe/sample.h"
#include <stdbool.h>

/* So many handshakes in a row say that TCP is answered nearer than TLS before
 * it counts, and so many do not before it ends. */
#define INTERCEPT_NEARBY 10
#define INTERCEPT_DIRECT 3

/* What is known beforehand of a series. Borrowed texts. */
struct intercept_rule {
	const char *host;
	/* Beginnings of the names of authorities, comma-separated; NULL: those
	 * of Microsoft if the host is Microsoft's, else any. */
	const char *issuers;
	struct edge_place site;
};

/* Of a series; zero-initialise. */
struct intercept {
	unsigned near, direct; /* in a row */
	bool nearby;
};

/* Flags (EP_FLAG_TLS_ISSUER, _NEARBY, _BELOW_LIGHT) that its next sample gets.
 * Of a sample that is no https over a fresh connection: none. */
unsigned intercept_see(struct intercept *intercept,
		       const struct intercept_rule *rule,
		       const struct ep_sample *sample);

/* True if `issuer` begins like one of them, whatever the case. */
bool intercept_is_among(const char *issuer, const char *issuers);

/* The authorities that sign for Microsoft's hosts, comma-separated. */
extern const char intercept_microsoft[];

#endif
