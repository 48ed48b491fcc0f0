/* The rules that figures are held against, and their limits. Pure. */
#ifndef REPORT_JUDGING_RULES_H
#define REPORT_JUDGING_RULES_H

#include "edge/judge.h"

/* Rules beside those of edge/judge.h; a figure up to `good` is good, up to
 * `poor` it is a warning, above it is bad. */
enum judge_rule_id {
	/* The first are enum edge_rule_id. */
	JUDGE_UNAVAILABLE = EDGE_RULES, /* share without a usable answer, % */
	JUDGE_LOSS,                     /* lost share, % */
	JUDGE_CHANGE, /* median above that of the window before, % */
	JUDGE_SAVING, /* what another circuit saves at the median, ms */
	JUDGE_RULES
};

struct judge_limit {
	double good, poor; /* in the rule's unit; NAN: as it is built in */
};

struct judge_options {
	enum edge_vantage vantage;
	struct judge_limit limits[JUDGE_RULES];
};

/* As it is where nothing is configured. */
void judge_options_init(struct judge_options *options);

/* Name, unit, source (this one, if they are not built in) and limits that hold. */
#define JUDGE_CONFIGURED "configuration"
struct edge_rule judge_rule(const struct judge_options *options,
			    enum judge_rule_id id);

#endif
