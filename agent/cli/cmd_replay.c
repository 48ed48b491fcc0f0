/* `edgeprobe replay`: deliver once more what was delivered. */
#include "base/buf.h"
#include "cli/asking.h"
#include "cli/commands.h"
#include <stdio.h>

static void print_line(const char *text, const struct json *line, void *arg)
{
	const bool *json = arg;
	double rows = asking_number(line, "rows");

	if (*json) {
		puts(text);
		return;
	}
	printf("%s: %.0f row%s will be sent again\n",
	       asking_text(line, "destination"), rows, rows == 1 ? "" : "s");
	if (asking_has(line, "kept_since"))
		printf("  what is older than %s is no longer kept\n",
		       asking_text(line, "kept_since"));
}

static enum cli_exit run(const struct cli_args *args)
{
	bool json = cli_given(args, "json");
	struct buf request;

	if (!cli_given(args, "since"))
		return cli_usage_error(args, "--since TIME is needed");
	if (cli_given(args, "until") &&
	    cli_number(args, "until") <= cli_number(args, "since"))
		return cli_usage_error(args, "--since must be before --until");
	asking_begin(&request, args, "replay", true);
	buf_text(&request, ",\"since_us\":");
	buf_uint(&request, cli_number(args, "since") / 1000);
	if (cli_given(args, "until")) {
		buf_text(&request, ",\"until_us\":");
		buf_uint(&request, cli_number(args, "until") / 1000);
	}
	return asking_end(args, &request, ASKING_WRITER, print_line, &json);
}

static const struct cli_option options[] = {
	ASKING_CONFIG,
	ASKING_JSON,
	ASKING_DESTINATION,
	{ .name = "since",
	  .letter = 's',
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "all rows from this time on that were sent to it; needed" },
	{ .name = "until",
	  .letter = 'u',
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "and that are older than this; else all to the newest" },
};

const struct cli_command cmd_replay = {
	.name = "replay",
	.summary = "Deliver once more what was delivered",
	.usage = "",
	.help = "For a collector that has lost what it had acknowledged. The "
		"rows are the same, with\nthe same numbers, in new batches, "
		"and go after everything else, as slowly as a backlog\ndoes. "
		"What "
		"the store has had to drop since cannot be sent again. Works "
		"with the agent and "
		"without.\n\n"
		"  edgeprobe replay --since 6h --until 2h --destination hq",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
