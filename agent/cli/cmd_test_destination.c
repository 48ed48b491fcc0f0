/* `edgeprobe test-destination`: one marked batch to a destination, and what
 * became of it. */
#include "cli/commands.h"
#include "cli/trial_view.h"
#include "config/config.h"
#include "sending.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROBLEMS_MAX 65536
#define NAMES_MAX    2048

static const struct config_destination *find(const struct config *config,
					     const char *name)
{
	for (size_t i = 0; i < config->n_destinations; i++)
		if (strcmp(config->destinations[i].name, name) == 0)
			return &config->destinations[i];
	return NULL;
}

static enum cli_exit wrong_name(const struct cli_args *args,
				const struct config *config, const char *name)
{
	enum cli_exit code;
	struct buf names;

	buf_init(&names, NAMES_MAX);
	for (size_t i = 0; i < config->n_destinations; i++)
		buf_printf(&names, " \"%s\"", config->destinations[i].name);
	code = name ? cli_usage_error(args,
				      "there is no destination \"%s\", "
				      "configured are:%s",
				      name, names.len ? names.data : " none")
		    : cli_usage_error(args,
				      "which destination? Allowed are its name "
				      "and --all; configured are:%s",
				      names.len ? names.data : " none");
	buf_finish(&names);
	return code;
}

/* Of several the worst: what could not be tried is worse than a no. */
static enum cli_exit try_one(const struct cli_args *args,
			     const struct config *config,
			     const struct config_destination *d)
{
	struct deliver_options options = delivery_options(config, d);
	struct trial_result result;
	struct ep_err err = { 0 };
	int r = trial_run(&options, config->agent, &result, &err);

	if (r == -EINVAL)
		return cli_fail(args, r, "%s", err.text), CLI_CONFIG;
	if (r < 0)
		return cli_fail(args, r, "%s", err.text);
	if (cli_given(args, "json"))
		trial_print_json(stdout, &options, config->agent, &result);
	else
		trial_print(stdout, &options, config->agent, &result);
	fflush(stdout);
	return result.verdict.class == ACK_DONE ? CLI_OK : CLI_NOTHING;
}

static enum cli_exit worse(enum cli_exit a, enum cli_exit b)
{
	return a > b ? a : b;
}

static enum cli_exit try_all(const struct cli_args *args,
			     const struct config *config)
{
	enum cli_exit code = CLI_OK;

	for (size_t i = 0; i < config->n_destinations && !ferror(stdout); i++)
		code = worse(code,
			     try_one(args, config, &config->destinations[i]));
	return code;
}

static enum cli_exit try_named(const struct cli_args *args,
			       const struct config *config)
{
	enum cli_exit code = CLI_OK;

	for (size_t i = 0; i < args->n_operands; i++)
		if (!find(config, args->operands[i]))
			return wrong_name(args, config, args->operands[i]);
	for (size_t i = 0; i < args->n_operands && !ferror(stdout); i++)
		code = worse(code, try_one(args, config,
					   find(config, args->operands[i])));
	return code;
}

static enum cli_exit with_config(const struct cli_args *args,
				 const struct config *config)
{
	bool all = cli_given(args, "all");

	if (all == (args->n_operands > 0))
		return wrong_name(args, config, NULL);
	if (config->n_destinations == 0)
		return cli_fail(args, -EINVAL, "no destination is configured"),
		       CLI_CONFIG;
	return all ? try_all(args, config) : try_named(args, config);
}

static enum cli_exit run(const struct cli_args *args)
{
	struct config config;
	struct buf problems;
	enum cli_exit code;
	int r;

	buf_init(&problems, PROBLEMS_MAX);
	r = config_load(cli_text(args, "config"), &config, &problems);
	if (r < 0)
		fprintf(stderr, "%s", problems.data);
	buf_finish(&problems);
	if (r < 0)
		return CLI_CONFIG;
	code = with_config(args, &config);
	config_finish(&config);
	return code;
}

static const struct cli_option options[] = {
	{ .name = "config",
	  .letter = 'c',
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "read this instead of " CONFIG_PATH },
	{ .name = "all", .help = "every destination that is configured" },
	{ .name = "json", .help = "print a JSON object for each, on one line" },
};

const struct cli_command cmd_test_destination = {
	.name = "test-destination",
	.summary = "Send one marked batch, and explain the answer",
	.usage = "NAME...",
	.help = "The batch is one row of type \"event\" with "
		"\"event\":\"test\" "
		"and an epoch of\nits own, sent as the agent sends: the same "
		"proxy, certificates, token, framing\nand judgement. The store "
		"is not touched, and the agent may be running. Exits\nwith 0 "
		"if every batch was acknowledged, with 1 if one was not.",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.max_operands = 16,
	.run = run,
};
