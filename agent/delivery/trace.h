/* How an attempt went, for people: what `edgeprobe test-destination` tells. */
#ifndef DELIVERY_TRACE_H
#define DELIVERY_TRACE_H

#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stdint.h>

#define TRACE_ADDRESS_MAX 64
#define TRACE_PATH_MAX    4352

/* Zero where it did not come to that. Nothing in it is of an answer's body or
 * of its headers. */
struct trace {
	char address[TRACE_ADDRESS_MAX]; /* that was connected to */
	unsigned port;
	bool proxied;    /* these are the proxy's */
	unsigned tunnel; /* what the proxy answered */
	unsigned status; /* what the collector answered */
	/* When that was done, since the attempt began. */
	uint64_t name_ns, connect_ns, tls_ns, total_ns;
	const char *tls; /* "TLSv1.3", of the last handshake; static */
	char issuer[EP_TLS_ISSUER_MAX]; /* of the other side's certificate */
	int64_t expires_s;              /* of that, since 1970; 0: not known */
	const char *fault;              /* a word for whose it was; static */
	const char *help;               /* and what to try; static */
	char path[TRACE_PATH_MAX];      /* of the file that was written */
};

#endif
