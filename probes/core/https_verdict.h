/* What an ended transfer means: libcurl's code and what we saw, as an outcome
 * and a reason. Pure. */
#ifndef PROBES_CORE_HTTPS_VERDICT_H
#define PROBES_CORE_HTTPS_VERDICT_H

#include "edgeprobe/option.h"
#include "edgeprobe/sample.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* How far it came. */
enum https_step {
	HTTPS_DIALLING, /* no TCP handshake yet */
	HTTPS_SECURING, /* no TLS handshake yet */
	HTTPS_ASKING,   /* no whole header yet */
	HTTPS_READING,  /* the header was whole */
};

struct https_end {
	CURLcode code;
	enum https_step step;
	int os_error; /* positive errno of the dial, as libcurl says; 0 */
	long verify;  /* the certificate's verification, as OpenSSL says */
	bool polled;  /* the socket had an event: not refused by ourselves */
	bool closed;  /* the peer had closed or reset it when last seen */
	bool sized;   /* the answer said how long it is */
	bool flooded; /* its header was more than we read */
	bool enough;  /* its body was more than we read */
	uint16_t status;
};

struct https_verdict {
	enum ep_outcome outcome;
	enum ep_reason reason;
};

/* `expected` with n == 0: any status. */
struct https_verdict https_verdict(const struct https_end *end,
				   const struct ep_statuses *expected);

/* The network, or our own host (`local`), said by ICMP why there will be no
 * connection. */
struct https_verdict https_verdict_icmp(enum ep_reason reason, bool local);

/* What silence is called. */
enum ep_reason https_overdue(enum https_step step);

#endif
