/* Microsoft's own figures for what is good: scores, limits, and who says so.
 * Pure. */
#ifndef EDGE_JUDGE_H
#define EDGE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

/* What a figure is held against. */
enum edge_rule_id {
	EDGE_EXCHANGE_RTT, /* TCP to the Exchange front door, median */
	EDGE_TEAMS_RTT,    /* UDP to a media relay, median */
	EDGE_TEAMS_LOSS,   /* worst share lost in any 15 s */
	EDGE_TEAMS_BURST,  /* worst share lost in any 200 ms */
	EDGE_TEAMS_JITTER, /* worst mean difference in any 15 s */
	EDGE_LOADED,       /* round trip under load minus idle */
	EDGE_EGRESS,       /* site to where its traffic leaves */
	EDGE_RESOLVER,     /* site to its name server */
	EDGE_POP_DISTANCE, /* site to the edge location in use */
	EDGE_PEERS,        /* above sister sites of the same metro */
	EDGE_RULES
};

/* A figure up to `good` is good, up to `poor` it is a warning, above it is bad.
 */
struct edge_rule {
	const char *name; /* one word, for JSON and configuration */
	const char *says; /* what is held against it, for people */
	const char *unit; /* "ms", "%", "km" */
	double good, poor;
	const char *source; /* document, and its date where it has one */
};

enum edge_verdict { EDGE_UNKNOWN, EDGE_GOOD, EDGE_WARNING, EDGE_BAD };

/* From the client as it is; from the customer's edge, in front of which nothing
 * of the LAN is left. */
enum edge_vantage { EDGE_FROM_CLIENT, EDGE_FROM_EDGE };

const struct edge_rule *edge_rule(enum edge_rule_id id,
				  enum edge_vantage vantage);

/* By name; EDGE_RULES: there is none. */
enum edge_rule_id edge_rule_find(const char *name);

/* NAN is unknown. */
enum edge_verdict edge_judge(const struct edge_rule *rule, double value);

/* The row's word: "unknown", "good", "warning", "bad"; static. */
const char *edge_verdict_name(enum edge_verdict verdict);

/* Exchange's network score, 0 to 100, of a median TCP round trip in
 * milliseconds; NAN is NAN. 80 meets Microsoft's recommendations. */
double edge_exchange_score(double rtt_ms);

/* What a score means, for people; static. */
const char *edge_score_meaning(double score);

#endif
