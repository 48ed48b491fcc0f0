#include "cli/limits.h"
#include "config/config.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS_MAX 65536

#define LIMIT(field) offsetof(struct config_limits, field)

/* By enum judge_rule_id. */
static const struct {
	size_t offset;
	bool duration; /* else a number */
} places[JUDGE_RULES] = {
	[EDGE_EXCHANGE_RTT] = { LIMIT(exchange_rtt), true },
	[EDGE_TEAMS_RTT] = { LIMIT(teams_rtt), true },
	[EDGE_TEAMS_LOSS] = { LIMIT(teams_loss), false },
	[EDGE_TEAMS_BURST] = { LIMIT(teams_burst), false },
	[EDGE_TEAMS_JITTER] = { LIMIT(teams_jitter), true },
	[EDGE_LOADED] = { LIMIT(loaded), true },
	[EDGE_EGRESS] = { LIMIT(egress), false },
	[EDGE_RESOLVER] = { LIMIT(resolver), false },
	[EDGE_POP_DISTANCE] = { LIMIT(pop_distance), false },
	[EDGE_PEERS] = { LIMIT(peers), false },
	[JUDGE_UNAVAILABLE] = { LIMIT(unavailable), false },
	[JUDGE_LOSS] = { LIMIT(loss), false },
	[JUDGE_CHANGE] = { LIMIT(change), false },
	[JUDGE_SAVING] = { LIMIT(saving), true },
};

static double ms_of(uint64_t ns)
{
	return ns == 0 ? (double)NAN : (double)ns / 1e6;
}

static struct judge_limit limit_of(const struct config_limits *limits,
				   unsigned rule)
{
	const char *field = (const char *)limits + places[rule].offset;
	const struct config_limit_ns *ns = (const void *)field;
	const struct config_limit *number = (const void *)field;

	if (places[rule].duration)
		return (struct judge_limit){ ms_of(ns->good), ms_of(ns->poor) };
	return (struct judge_limit){ number->good, number->poor };
}

static void read_limits(const struct config_limits *limits,
			struct judge_options *ret_limits)
{
	if (limits->vantage && strcmp(limits->vantage, CONFIG_EDGE) == 0)
		ret_limits->vantage = EDGE_FROM_EDGE;
	for (unsigned i = 0; i < JUDGE_RULES; i++)
		ret_limits->limits[i] = limit_of(limits, i);
}

enum cli_exit cli_limits(const struct cli_args *args,
			 struct judge_options *ret_limits, char **ret_store)
{
	struct config config;
	struct buf problems;
	int r;

	*ret_store = NULL;
	judge_options_init(ret_limits);
	if (!cli_given(args, "config"))
		return CLI_OK;
	buf_init(&problems, PROBLEMS_MAX);
	r = config_load(cli_text(args, "config"), &config, &problems);
	if (r < 0)
		fprintf(stderr, "%s", problems.data ? problems.data : "");
	buf_finish(&problems);
	if (r < 0)
		return CLI_CONFIG;
	read_limits(&config.limits, ret_limits);
	*ret_store = strdup(config.store_path);
	config_finish(&config);
	return *ret_store ? CLI_OK : cli_fail(args, -ENOMEM, "out of memory");
}
