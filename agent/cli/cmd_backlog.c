/* `edgeprobe backlog`: what each destination has not got yet. */
#include "cli/asking.h"
#include "cli/commands.h"
#include <stdio.h>
#include <string.h>

static void print_destination(const struct json *line)
{
	double rows = asking_number(line, "rows");

	printf("%s: %.0f row%s", asking_text(line, "destination"), rows,
	       rows == 1 ? "" : "s");
	if (rows > 0) {
		printf(", the oldest ");
		asking_print_time(asking_number(line, "age_us"));
		printf(" old; %.0f frozen, %.0f fresh, %.0f older, "
		       "%.0f again",
		       asking_number(line, "frozen_rows"),
		       asking_number(line, "fresh_rows"),
		       asking_number(line, "older_rows"),
		       asking_number(line, "again_rows"));
	}
	if (asking_has(line, "acked_per_s"))
		printf("; takes %.1f rows/s, %.1f rows/s come in",
		       asking_number(line, "acked_per_s"),
		       asking_number(line, "added_per_s"));
	if (asking_has(line, "pace_batches_per_s"))
		printf(", older ones at most %.2f batches/s",
		       asking_number(line, "pace_batches_per_s"));
	if (asking_has(line, "drain_us")) {
		printf(", drained in ");
		asking_print_time(asking_number(line, "drain_us"));
	}
	putchar('\n');
	if (asking_has(line, "trouble"))
		printf("  trouble: %s\n", asking_text(line, "trouble"));
}

static void print_batch(const struct json *line)
{
	printf("  %s batch %.0f: rows %.0f to %.0f, %s%s, ",
	       asking_text(line, "destination"), asking_number(line, "id"),
	       asking_number(line, "first"), asking_number(line, "last"),
	       asking_text(line, "encoding"),
	       asking_is(line, "gzip") ? " gzip" : "");
	asking_print_bytes(asking_number(line, "bytes"));
	printf(", %.0f attempt%s\n", asking_number(line, "attempts"),
	       asking_number(line, "attempts") == 1 ? "" : "s");
}

static void print_line(const char *text, const struct json *line, void *arg)
{
	const bool *json = arg;

	if (*json)
		puts(text);
	else if (strcmp(asking_text(line, "part"), "destination") == 0)
		print_destination(line);
	else
		print_batch(line);
}

static enum cli_exit run(const struct cli_args *args)
{
	bool json = cli_given(args, "json");
	struct buf request;

	asking_begin(&request, args, "backlog", true);
	return asking_end(args, &request, ASKING_READER, print_line, &json);
}

static const struct cli_option options[] = {
	ASKING_CONFIG,
	ASKING_JSON,
	ASKING_DESTINATION,
};

const struct cli_command cmd_backlog = {
	.name = "backlog",
	.summary = "What each destination has not got yet",
	.usage = "",
	.help = "Works with the agent and without. Rows are frozen in batches "
		"before they are\nsent; what is not in one yet is fresh, older "
		"(left behind by an outage, sent\nslowly beside what is fresh) "
		"or to be sent again (see replay).",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
