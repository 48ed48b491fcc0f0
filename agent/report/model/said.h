/* Part of model.h: what there is to say. */
#ifndef REPORT_MODEL_SAID_H
#define REPORT_MODEL_SAID_H

#include <stddef.h>
#include <stdint.h>

#define MODEL_NONE UINT32_MAX /* of an index: there is none */

struct model_event {
	uint64_t time_ns, since_ns, until_ns; /* until 0: it is still so */
	uint32_t site, circuit;               /* or MODEL_NONE */
	const char *event, *level, *state;    /* words of the row */
	const char *target, *probe;
	const char *text; /* one line for people */
};

/* A figure with its confidence interval, ns. */
struct model_interval {
	double value, low, high; /* 95 % */
};

/* The same target over two circuits at the same moments. Positive: `b` is
 * faster. */
struct model_pair {
	uint32_t a, b; /* series; the circuit of `b` would be the better one,
			* or the differences are not distinguishable from 0 */
	uint64_t n;    /* pairs of samples */
	struct model_interval p50, p90; /* what b saves at that percentile */
	const char *text;               /* one line for people */
};

/* What is wrong, or would help: a rule that a figure breaks. */
struct model_finding {
	const char *level;      /* "warning", "bad" */
	uint32_t site, circuit; /* or MODEL_NONE */
	const char *pop;        /* in use, or "" */
	const char *rule;       /* edge_rule name, or another word */
	const char *source;     /* who says that limit */
	const char *unit;
	double value, limit; /* in `unit` */
	uint64_t since_ns;   /* 0: not known, or the whole window */
	const char *text;    /* what, for people: one sentence */
	const char *help;    /* what would help, or what to tell the provider:
			      * one or two sentences; "" */
};

#endif
