#include "cli/commands.h"
#include "cli/help.h"

static enum cli_exit unknown(const struct cli_args *args, const char *name)
{
	const char *near = cli_nearest(name);

	return cli_usage_error(args, "there is no command \"%.60s\"%s%s%s",
			       name, near ? "; did you mean " : "",
			       near ? near : "", near ? "?" : "");
}

static enum cli_exit run(const struct cli_args *args)
{
	const struct cli_command *command;

	if (args->n_operands == 0) {
		cli_print_overview(stdout);
		return CLI_OK;
	}
	command = cli_find(args->operands[0]);
	if (!command)
		return unknown(args, args->operands[0]);
	cli_print_help(stdout, command);
	return CLI_OK;
}

const struct cli_command cmd_help = {
	.name = "help",
	.summary = "What each command does",
	.usage = "[COMMAND]",
	.max_operands = 1,
	.run = run,
};
