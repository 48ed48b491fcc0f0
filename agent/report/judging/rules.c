#include "report/judging/rules.h"
#include <math.h>

#define OWN "edgeprobe"

static const struct edge_rule own_rules[JUDGE_RULES - EDGE_RULES] = {
	[JUDGE_UNAVAILABLE - EDGE_RULES] = { "unavailable",
					     "probes without a usable answer",
					     "%", 0.5, 5, OWN },
	[JUDGE_LOSS - EDGE_RULES] = { "loss", "probes lost", "%", 1, 5, OWN },
	[JUDGE_CHANGE - EDGE_RULES] = { "change",
					"median above that of the window "
					"before",
					"%", 20, 100, OWN },
	[JUDGE_SAVING - EDGE_RULES] = { "saving",
					"what another circuit would save", "ms",
					5, 500, OWN },
};

void judge_options_init(struct judge_options *options)
{
	options->vantage = EDGE_FROM_CLIENT;
	for (unsigned i = 0; i < JUDGE_RULES; i++)
		options->limits[i] =
			(struct judge_limit){ (double)NAN, (double)NAN };
}

struct edge_rule judge_rule(const struct judge_options *options,
			    enum judge_rule_id id)
{
	const struct judge_limit *limit = &options->limits[id];
	unsigned at = (unsigned)id;
	struct edge_rule rule =
		at < EDGE_RULES
			? *edge_rule((enum edge_rule_id)at, options->vantage)
			: own_rules[at - EDGE_RULES];

	if (!isnan(limit->good))
		rule.good = limit->good;
	if (!isnan(limit->poor))
		rule.poor = limit->poor;
	if (rule.poor < rule.good)
		rule.poor = rule.good;
	if (!isnan(limit->good) || !isnan(limit->poor))
		rule.source = JUDGE_CONFIGURED;
	return rule;
}
