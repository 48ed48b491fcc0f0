/* What there is to say of a model: scores, locations, texts, findings. Pure. */
#ifndef REPORT_JUDGING_FINDINGS_H
#define REPORT_JUDGING_FINDINGS_H

#include "edge/judge.h"
#include "edgeprobe/error.h"
#include "report/model/model.h"
#include <stdbool.h>
#include <stdint.h>

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

/* Name, unit, source and limits that hold. */
struct edge_rule judge_rule(const struct judge_options *options,
			    enum judge_rule_id id);

/* Which kind of series stands for a circuit, or, with MODEL_NONE as circuit, for
 * all circuits of a site: for sources, which fill the lines of it. */
enum model_headline judge_headline(const struct model *model, uint32_t site,
				   uint32_t circuit);
/* Whether a series is one of a headline of that kind. */
bool judge_is_headline(const struct model_series *series,
		       enum model_headline kind);

/* Fill what sources leave: scores; locations and failovers of circuits; texts of
 * pairs; the headline lines, if they are empty; the findings, worst first. The
 * rest of the model is whole. `options` NULL: judge_options_init(). 0 or
 * -ENOMEM. */
int model_judge(struct model *model, const struct judge_options *options,
		struct ep_err *err);

#endif
