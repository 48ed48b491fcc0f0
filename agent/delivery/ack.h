/* What a collector's answer means for the batch. Pure. The rule in words is
 * in README.md. */
#ifndef DELIVERY_ACK_H
#define DELIVERY_ACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ack_class {
	ACK_DONE,      /* it has the batch */
	ACK_BUSY,      /* not now: the same again later */
	ACK_UNSURE,    /* perhaps not now, perhaps the data: later, and count */
	ACK_TOO_LARGE, /* send less at once */
	ACK_BAD_DATA,  /* perhaps what it holds, if others pass */
	ACK_ENDPOINT,  /* not the collector we know, or not our credentials */
};

/* Who answers: what an acknowledgement looks like. */
enum ack_engine {
	ACK_ANY,  /* ClickHouse, Vector, Fluent Bit, Azure Monitor, ... */
	ACK_OTLP, /* an OpenTelemetry Collector, Prometheus */
	ACK_BULK, /* Elasticsearch, OpenSearch */
	ACK_HEC,  /* Splunk's HTTP Event Collector */
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
	bool body_cut;    /* of a longer one, `body` is the beginning */
	enum ack_engine engine;
	uint64_t rows; /* in the batch */
};

/* What an answer says of parts of a batch. */
#define ACK_RUNS_MAX 32
struct ack_parts {
	/* ACK_DONE: rows or data points that it did not take, and that are not
	 * to be sent again. It does not say which. */
	uint64_t rejected;
	/* ACK_BAD_DATA: lengths of runs of rows from the batch's beginning: so
	 * many were taken, so many refused, and so on. At least one was taken.
	 * 0: it says nothing of single rows. Behind the last run there may be
	 * more. */
	unsigned n_runs;
	uint32_t runs[ACK_RUNS_MAX];
};

/* `*ret_parts` is always set. */
enum ack_class ack_classify(const struct answer *answer,
			    struct ack_parts *ret_parts);

/* True of the page that nginx answers, with status 400, to those who show no
 * certificate or another one than it takes: that is no fault of the data. */
bool ack_wants_certificate(const struct answer *answer);

/* A word for logs; static. */
const char *ack_class_name(enum ack_class class);
const char *ack_failure_name(enum ack_failure failure);

/* --- ack_body.c: what an engine writes; `body` is not empty --- */

/* Of an answer with status 2xx. */
enum ack_class ack_body(const struct answer *answer, const char *body,
			size_t len, struct ack_parts *ret_parts);

/* Of Splunk's refusal: its code says more than the status. `otherwise` if
 * there is none. */
enum ack_class ack_hec_refusal(const char *body, size_t len,
			       enum ack_class otherwise);

/* What a status means that is not 2xx. */
enum ack_class ack_status(unsigned status);

#endif
