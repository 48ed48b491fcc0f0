/* `edgeprobe report`: the latency report, wherever it is read from. */
#include "cli/commands.h"
#include "cli/limits.h"
#include "cli/store_path.h"
#include "edgeprobe/clock.h"
#include "report/clickhouse/clickhouse.h"
#include "report/report.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_NS UINT64_C(86400000000000)
/* A page without a window is of so long: months would be long to read, and its
 * buckets wide. */
#define PAGE_NS (7 * DAY_NS)

static const char *const formats[] = {
	[REPORT_TEXT] = "text",
	[REPORT_JSON] = "json",
	[REPORT_CSV] = "csv",
	[REPORT_HTML] = "html",
};

static int parse_format(const char *text, enum report_format *ret_format)
{
	for (unsigned i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(text, formats[i]) == 0) {
			*ret_format = (enum report_format)i;
			return 0;
		}
	return -EINVAL;
}

static bool want_colour(const struct cli_args *args)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return !cli_given(args, "output") && isatty(STDOUT_FILENO) &&
	       (no_color == NULL || *no_color == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

/* The window: since and until, or how long until when. */
static enum cli_exit read_window(const struct cli_args *args,
				 struct report_options *o)
{
	bool has_length = cli_given(args, "window");
	uint64_t length_ns = has_length ? cli_number(args, "window") : PAGE_NS;

	if (has_length && cli_given(args, "since"))
		return cli_usage_error(args, "--window and --since exclude "
					     "one another: both say where it "
					     "begins");
	if (cli_given(args, "until"))
		o->until_ns = cli_number(args, "until");
	if (cli_given(args, "since"))
		o->since_ns = cli_number(args, "since");
	if (has_length ||
	    (o->format == REPORT_HTML && !cli_given(args, "since"))) {
		if (o->until_ns == 0)
			o->until_ns = ep_clock_wall_ns();
		o->since_ns =
			o->until_ns > length_ns ? o->until_ns - length_ns : 1;
		o->fit = !has_length;
	}
	if (o->until_ns != 0 && o->since_ns >= o->until_ns)
		return cli_usage_error(args, "--since must be before --until");
	if (o->compare && o->since_ns == 0)
		return cli_usage_error(args,
				       "--compare needs a window that begins "
				       "somewhere: give --window or --since");
	return CLI_OK;
}

static enum cli_exit read_options(const struct cli_args *args,
				  struct report_options *o)
{
	struct ep_err err = { 0 };

	if (parse_format(cli_text(args, "format"), &o->format) < 0)
		return cli_usage_error(args,
				       "--format: \"%.60s\" is none; use text, "
				       "json, csv or html",
				       cli_text(args, "format"));
	if (cli_given(args, "by") &&
	    report_parse_by(cli_text(args, "by"), o, &err) < 0)
		return cli_usage_error(args, "--by: %s", err.text);
	o->compare = cli_given(args, "compare");
	o->title = cli_text(args, "title");
	if (o->title != NULL && o->format != REPORT_HTML)
		return cli_usage_error(args, "--title is for --format html");
	o->colour = want_colour(args);
	return read_window(args, o);
}

/* --- where it is read from --- */

static const char *const clickhouse_only[] = { "user", "password-file",
					       "ca-file", "database" };

static enum cli_exit read_clickhouse(const struct cli_args *args,
				     struct clickhouse_options *c,
				     struct report_options *o)
{
	c->url = cli_text(args, "clickhouse");
	for (unsigned i = 0;
	     i < sizeof clickhouse_only / sizeof clickhouse_only[0]; i++)
		if (c->url == NULL && cli_given(args, clickhouse_only[i]))
			return cli_usage_error(args, "--%s is for --clickhouse",
					       clickhouse_only[i]);
	if (c->url == NULL)
		return CLI_OK;
	if (cli_given(args, "store"))
		return cli_usage_error(args,
				       "--store and --clickhouse exclude one "
				       "another: it is read from one of them");
	c->user = cli_text(args, "user");
	c->password_file = cli_text(args, "password-file");
	c->ca_file = cli_text(args, "ca-file");
	c->database = cli_text(args, "database");
	o->clickhouse = c;
	return CLI_OK;
}

static int write_file(const char *path, const char *text, size_t size,
		      struct ep_err *err)
{
	FILE *out = fopen(path, "w");
	bool whole;

	if (out == NULL)
		return ep_err_set(err, -errno, "%s: %s", path, strerror(errno));
	errno = EIO;
	whole = fwrite(text, 1, size, out) == size;
	if (fclose(out) != 0 || !whole)
		return ep_err_set(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* A file that is there stays as it was unless there is a report. */
static int report_to(const char *path, const struct report_options *o,
		     struct ep_err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int r;

	if (memory == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	r = report_write(o, memory, err);
	if (fclose(memory) != 0 && r == 0)
		r = ep_err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = write_file(path, text, size, err);
	free(text);
	return r;
}

/* What may be otherwise in a minute is no fault of ours. */
static enum cli_exit exit_of(int r)
{
	switch (-r) {
	case ENODATA:
		return CLI_NOTHING;
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ETIMEDOUT:
		return CLI_TEMPORARY;
	}
	return cli_exit_of(r);
}

static enum cli_exit write_report(const struct cli_args *args,
				  const struct report_options *o)
{
	const char *path = cli_text(args, "output");
	struct ep_err err = { 0 };
	int r = path == NULL ? report_write(o, stdout, &err)
			     : report_to(path, o, &err);

	if (r == 0)
		return CLI_OK;
	cli_fail(args, r, "%s", err.text);
	return exit_of(r);
}

/* The configured store where none is named. `store`: that of --config; NULL. */
static enum cli_exit from_stores(const struct cli_args *args, const char *store,
				 const struct report_options *options)
{
	struct report_options o = *options;
	const char *stores[CLI_REPEATS_MAX];
	enum cli_exit code;
	char *path = NULL;

	while ((stores[o.n_stores] = cli_text_at(args, "store", o.n_stores)) !=
	       NULL)
		if (++o.n_stores == CLI_REPEATS_MAX)
			break;
	if (o.n_stores == 0 && store != NULL) {
		stores[o.n_stores++] = store;
	} else if (o.n_stores == 0) {
		code = cli_store_path(args, &path);
		if (code != CLI_OK)
			return code;
		stores[o.n_stores++] = path;
	}
	o.stores = stores;
	for (size_t i = 0; i < o.n_stores; i++)
		cli_name_salvaged(stores[i]);
	code = write_report(args, &o);
	free(path);
	return code;
}

static enum cli_exit run(const struct cli_args *args)
{
	struct report_options o = { 0 };
	struct clickhouse_options clickhouse = { 0 };
	struct judge_options limits;
	enum cli_exit code = read_options(args, &o);
	char *store = NULL;

	o.limits = &limits;
	if (code == CLI_OK)
		code = read_clickhouse(args, &clickhouse, &o);
	if (code == CLI_OK)
		code = cli_limits(args, &limits, &store);
	if (code != CLI_OK)
		return code;
	code = o.clickhouse != NULL ? write_report(args, &o)
				    : from_stores(args, store, &o);
	free(store);
	return code;
}

static const struct cli_option options[] = {
	{ .name = "config",
	  .letter = 'c',
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "a configuration whose \"limits\" figures are held against; "
		  "its store, if none is named" },
	{ .name = "store",
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .repeats = true,
	  .help = "a store to read, or a directory, for each *.db in it; "
		  "without it, the configured one" },
	{ .name = "clickhouse",
	  .type = CLI_TEXT,
	  .value = "URL",
	  .help = "read from ClickHouse instead: http://, https://, host and "
		  "port" },
	{ .name = "database",
	  .type = CLI_TEXT,
	  .value = "NAME",
	  .help = "ClickHouse's database; without it, edgeprobe" },
	{ .name = "user",
	  .type = CLI_TEXT,
	  .value = "NAME",
	  .help = "who asks ClickHouse" },
	{ .name = "password-file",
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "whose first line is that user's password; without it, "
		  "CLICKHOUSE_PASSWORD of the environment" },
	{ .name = "ca-file",
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "authorities that ClickHouse's certificate may be of, PEM; "
		  "without it, the system's" },
	{ .name = "since",
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "only samples sent at or after this time" },
	{ .name = "until",
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "only samples sent before this time" },
	{ .name = "window",
	  .type = CLI_DURATION,
	  .value = "LENGTH",
	  .min = 60e9,
	  .max = 3660 * (double)DAY_NS,
	  .help = "instead of --since: so long until --until, or until now; "
		  "6h, 12h, 1d, 7d and 30d are the Azure portal's" },
	{ .name = "compare",
	  .help = "hold it against the window of the same length before" },
	{ .name = "by",
	  .type = CLI_TEXT,
	  .value = "KEY[,KEY]",
	  .fallback = "target,probe",
	  .help = "a line for each of: market country metro site circuit "
		  "provider connection prefix service target probe pop" },
	{ .name = "format",
	  .type = CLI_TEXT,
	  .value = "FORMAT",
	  .fallback = "text",
	  .help = "text, json, csv or html" },
	{ .name = "title",
	  .type = CLI_TEXT,
	  .value = "TEXT",
	  .help = "of the page; without it, one is made of the sites" },
	{ .name = "output",
	  .letter = 'o',
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "write there instead of to standard output" },
};

const struct cli_command cmd_report = {
	.name = "report",
	.summary = "The latency report from local stores or ClickHouse",
	.usage = "",
	.help = "Works while the agent runs. A TIME is \"2h\" (ago), "
		"\"2026-01-31 08:30\" (local),\nRFC 3339, or seconds since "
		"1970. Loss is counted over the probes that could be\nasked; "
		"jitter is the mean absolute difference of consecutive round "
		"trips.\n\nWithout a window all that is stored is reported, "
		"and of html the last 7 days, or\nwhat there is of them. Of "
		"several stores those that cannot be read are left out,\nwith "
		"a warning.\n\nExit status 1 if there is nothing to "
		"report.\n\n"
		"  edgeprobe report --since 1h\n"
		"  edgeprobe report --by target,pop --format csv -o pops.csv\n"
		"  edgeprobe report --store branches/ --window 30d --format "
		"html -o r.html",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
