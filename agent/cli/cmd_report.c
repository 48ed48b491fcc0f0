/* `edgeprobe report`: the latency report from the local store. */
#include "cli/commands.h"
#include "cli/store_path.h"
#include "report/report.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_format(const char *text, enum report_format *ret_format)
{
	if (strcmp(text, "text") == 0)
		*ret_format = REPORT_TEXT;
	else if (strcmp(text, "json") == 0)
		*ret_format = REPORT_JSON;
	else if (strcmp(text, "csv") == 0)
		*ret_format = REPORT_CSV;
	else
		return -EINVAL;
	return 0;
}

static bool want_colour(const struct cli_args *args)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return !cli_given(args, "output") && isatty(STDOUT_FILENO) &&
	       (no_color == NULL || *no_color == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

static enum cli_exit read_options(const struct cli_args *args,
				  struct report_options *o)
{
	struct ep_err err = { 0 };

	if (parse_format(cli_text(args, "format"), &o->format) < 0)
		return cli_usage_error(args,
				       "--format: \"%s\" is none; use text, "
				       "json or csv",
				       cli_text(args, "format"));
	if (cli_given(args, "by") &&
	    report_parse_by(cli_text(args, "by"), o, &err) < 0)
		return cli_usage_error(args, "--by: %s", err.text);
	if (cli_given(args, "since"))
		o->since_ns = cli_number(args, "since");
	if (cli_given(args, "until"))
		o->until_ns = cli_number(args, "until");
	if (o->until_ns != 0 && o->since_ns >= o->until_ns)
		return cli_usage_error(args, "--since must be before --until");
	o->colour = want_colour(args);
	return CLI_OK;
}

static enum cli_exit write_report(const struct cli_args *args,
				  const struct report_options *o)
{
	const char *path = cli_text(args, "output");
	FILE *out = path == NULL ? stdout : fopen(path, "w");
	struct ep_err err = { 0 };
	int r;

	if (out == NULL)
		return cli_fail(args, -errno, "%s: %s", path, strerror(errno));
	r = report_write(o, out, &err);
	if (path != NULL && fclose(out) != 0 && r == 0)
		r = ep_err_set(&err, -errno, "%s: %s", path, strerror(errno));
	if (r == 0)
		return CLI_OK;
	cli_fail(args, r, "%s", err.text);
	return r == -ENODATA ? CLI_NOTHING : cli_exit_of(r);
}

static enum cli_exit run(const struct cli_args *args)
{
	struct report_options o = { 0 };
	enum cli_exit code = read_options(args, &o);
	const char *store;
	char *path;

	if (code != CLI_OK)
		return code;
	code = cli_store_path(args, &path);
	if (code != CLI_OK)
		return code;
	store = path;
	o.stores = &store;
	o.n_stores = 1;
	cli_name_salvaged(path);
	code = write_report(args, &o);
	free(path);
	return code;
}

static const struct cli_option options[] = {
	{ .name = "store",
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "the store to read; without it, the configured one" },
	{ .name = "since",
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "only samples sent at or after this time" },
	{ .name = "until",
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "only samples sent before this time" },
	{ .name = "by",
	  .type = CLI_TEXT,
	  .value = "KEY[,KEY]",
	  .fallback = "target,probe",
	  .help = "a line for each of: site country metro circuit provider "
		  "prefix target probe pop" },
	{ .name = "format",
	  .type = CLI_TEXT,
	  .value = "FORMAT",
	  .fallback = "text",
	  .help = "text, json or csv" },
	{ .name = "output",
	  .letter = 'o',
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "write there instead of to standard output" },
};

const struct cli_command cmd_report = {
	.name = "report",
	.summary = "The latency report from the local store",
	.usage = "",
	.help = "Works while the agent runs. A TIME is \"2h\" (ago), "
		"\"2026-01-31 08:30\" (local),\nRFC 3339, or seconds since "
		"1970. Loss is counted over the probes that could be\nasked; "
		"jitter is the mean absolute difference of consecutive round "
		"trips.\n\nExit status 1 if there is nothing to report.\n\n"
		"  edgeprobe report --since 1h\n"
		"  edgeprobe report --by target,pop --format csv -o pops.csv",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
