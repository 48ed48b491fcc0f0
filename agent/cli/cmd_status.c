/* `edgeprobe status`: how the running agent is. */
#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/status_metrics.h"
#include "cli/status_view.h"
#include <stdio.h>
#include <string.h>

static void print_raw(const char *text, const struct json *line, void *arg)
{
	(void)line;
	(void)arg;
	puts(text);
}

static void print_text(const char *text, const struct json *line, void *arg)
{
	(void)text;
	(void)arg;
	status_view_line(line);
}

static enum cli_exit ask(const struct cli_args *args, asking_line line,
			 void *arg)
{
	struct buf request;

	asking_begin(&request, args, "status", false);
	return asking_end(args, &request, ASKING_NOBODY, line, arg);
}

static enum cli_exit print_metrics(const struct cli_args *args)
{
	struct status_metrics metrics = { .n = 0 };
	enum cli_exit code = ask(args, status_metrics_add, &metrics);

	if (code == CLI_OK)
		status_metrics_print(&metrics);
	status_metrics_finish(&metrics);
	return code;
}

static enum cli_exit run(const struct cli_args *args)
{
	const char *format = cli_text(args, "format");

	if (cli_given(args, "json"))
		format = "json";
	if (strcmp(format, "prometheus") == 0)
		return print_metrics(args);
	if (strcmp(format, "json") == 0)
		return ask(args, print_raw, NULL);
	if (strcmp(format, "text") == 0)
		return ask(args, print_text, NULL);
	return cli_usage_error(args,
			       "--format \"%.60s\": text, json or prometheus "
			       "expected",
			       format);
}

static const struct cli_option options[] = {
	ASKING_CONFIG,
	ASKING_JSON,
	{ .name = "format",
	  .letter = 'f',
	  .type = CLI_TEXT,
	  .value = "FORMAT",
	  .fallback = "text",
	  .help = "text, json, or prometheus: for a collector of metrics" },
};

const struct cli_command cmd_status = {
	.name = "status",
	.summary = "How the running agent is",
	.usage = "",
	.help = "Asks the agent over its socket: which targets answer, which "
		"circuits are up,\nhow late its threads are, what the store "
		"holds, and what each destination has\nnot got yet. Exits with "
		"69 if no agent is running.",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
