/* What a collector's answer means for the batch. Pure. The rule in words is
 * in README.md. */
#ifndef DELIVERY_ACK_H
#define DELIVERY_ACK_H

#include <stdbool.h>
#include <stddef.h>

enum ack_class {
	ACK_DONE,      /* it has the batch */
	ACK_BUSY,      /* not now: the same again later */
	ACK_UNSURE,    /* perhaps not now, perhaps the data: later, and count */
	ACK_TOO_LARGE, /* send less at once */
	ACK_BAD_DATA,  /* perhaps what it holds, if others pass */
	ACK_ENDPOINT,  /* not the collector we know, or not our credentials */
};

/* What ended an attempt other than an answer. */
enum ack_failure {
	ACK_ANSWERED,     /* none: there is a status */
	ACK_FAIL_NAME,    /* the collector's or the proxy's */
	ACK_FAIL_CONNECT, /* refused, unreachable */
	ACK_FAIL_PROXY,   /* the proxy said no */
	ACK_FAIL_TLS,     /* handshake, trust, name, expiry */
	ACK_FAIL_BROKEN,  /* reset, closed, not HTTP, cut short */
	ACK_FAIL_TIMEOUT, /* of the connection or of the whole attempt */
	ACK_FAIL_LOCAL,   /* token file, directory, memory */
};

/* Borrows all texts. */
struct answer {
	enum ack_failure failure;
	unsigned status;          /* ACK_ANSWERED: 100 to 999 */
	const char *content_type; /* NULL: none was sent */
	const char *body;         /* as much as was kept; need not end in NUL */
	size_t body_len;
	bool headers_cut; /* there were too many headers to read them all */
};

enum ack_class ack_classify(const struct answer *answer);

/* A word for logs; static. */
const char *ack_class_name(enum ack_class class);
const char *ack_failure_name(enum ack_failure failure);

#endif
