#include "edge/judge.h"
#include <math.h>
#include <string.h>

#define SCORES  "Microsoft 365 network assessment scores (2024-04)"
#define MEDIA   "Media quality and network connectivity, Teams (2018)"
#define INSIGHT "Microsoft 365 network insights (2021-12)"
#define TOOL    "Microsoft 365 connectivity test (2024-12)"

/* As seen from a client. */
static const struct edge_rule rules[EDGE_RULES] = {
	[EDGE_EXCHANGE_RTT] = { "exchange_rtt",
				"TCP round trip to the Exchange front door",
				"ms", 25, 100, SCORES },
	[EDGE_TEAMS_RTT] = { "teams_rtt",
			     "UDP round trip to the Teams media relay", "ms",
			     100, 200, MEDIA },
	[EDGE_TEAMS_LOSS] = { "teams_loss", "packets lost in any 15 s", "%", 1,
			      5, MEDIA },
	[EDGE_TEAMS_BURST] = { "teams_burst", "packets lost in any 200 ms", "%",
			       10, 20, MEDIA },
	[EDGE_TEAMS_JITTER] = { "teams_jitter", "jitter in any 15 s", "ms", 30,
				60, MEDIA },
	[EDGE_LOADED] = { "loaded", "round trip under load, minus idle", "ms",
			  100, 1000, TOOL },
	[EDGE_EGRESS] = { "egress", "distance from the site to its egress",
			  "km", 800, 1600, INSIGHT },
	[EDGE_RESOLVER] = { "resolver",
			    "distance from the site to its name server", "km",
			    800, 1600, TOOL },
	[EDGE_POP_DISTANCE] = { "pop_distance",
				"distance from the site to the edge location",
				"km", 800, 1600, INSIGHT },
	[EDGE_PEERS] = { "peers",
			 "round trip above that of sites in the same metro",
			 "%", 10, 50, INSIGHT },
};

/* Where they differ for a customer's edge. */
static const struct edge_rule edge_rules[EDGE_RULES] = {
	[EDGE_TEAMS_RTT] = { "teams_rtt",
			     "UDP round trip to the Teams media relay", "ms",
			     60, 120, MEDIA },
	[EDGE_TEAMS_LOSS] = { "teams_loss", "packets lost in any 15 s", "%",
			      0.1, 1, MEDIA },
	[EDGE_TEAMS_BURST] = { "teams_burst", "packets lost in any 200 ms", "%",
			       1, 10, MEDIA },
	[EDGE_TEAMS_JITTER] = { "teams_jitter", "jitter in any 15 s", "ms", 15,
				30, MEDIA },
};

const struct edge_rule *edge_rule(enum edge_rule_id id,
				  enum edge_vantage vantage)
{
	if (vantage == EDGE_FROM_EDGE && edge_rules[id].name != NULL)
		return &edge_rules[id];
	return &rules[id];
}

enum edge_rule_id edge_rule_find(const char *name)
{
	unsigned id = 0;

	while (id < EDGE_RULES && strcmp(rules[id].name, name) != 0)
		id++;
	return (enum edge_rule_id)id;
}

enum edge_verdict edge_judge(const struct edge_rule *rule, double value)
{
	if (isnan(value))
		return EDGE_UNKNOWN;
	if (value <= rule->good)
		return EDGE_GOOD;
	return value <= rule->poor ? EDGE_WARNING : EDGE_BAD;
}

const char *edge_verdict_name(enum edge_verdict verdict)
{
	static const char *const names[] = { "unknown", "good", "warning",
					     "bad" };

	return names[verdict];
}

/* Points are linear between these. */
static const struct {
	double ms, points;
} knots[] = {
	{ 10, 100 }, { 25, 80 },  { 100, 60 },
	{ 200, 40 }, { 300, 20 }, { 350, 0 },
};

#define KNOTS (sizeof(knots) / sizeof(knots[0]))

double edge_exchange_score(double rtt_ms)
{
	if (isnan(rtt_ms) || rtt_ms <= knots[0].ms)
		return isnan(rtt_ms) ? rtt_ms : knots[0].points;
	for (size_t i = 1; i < KNOTS; i++)
		if (rtt_ms < knots[i].ms)
			return knots[i - 1].points +
			       (knots[i].points - knots[i - 1].points) *
				       (rtt_ms - knots[i - 1].ms) /
				       (knots[i].ms - knots[i - 1].ms);
	return 0;
}

const char *edge_score_meaning(double score)
{
	if (isnan(score))
		return "unknown";
	if (score >= 80)
		return "meets recommendations";
	if (score >= 60)
		return "acceptable";
	if (score >= 40)
		return "users may have issues";
	return score >= 20 ? "users may complain" : "a common complaint";
}
