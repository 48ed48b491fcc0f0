/* `edgeprobe export`: rows as NDJSON. */
#include "base/log.h"
#include "cli/commands.h"
#include "cli/rows_out.h"
#include "cli/store_path.h"
#include "store/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cli_exit export_store(const struct cli_args *args,
				  struct store *store)
{
	struct store_range range = { .destination = -1 };
	struct identity who = { store_agent(store), store_epoch(store) };
	struct rows_out out;
	struct ep_err err = { 0 };
	int r;

	if (cli_given(args, "since"))
		range.since_ns = cli_number(args, "since");
	if (cli_given(args, "until"))
		range.until_ns = cli_number(args, "until");
	rows_out_init(&out, &who);
	r = store_scan(store, &range, rows_out_put, &out, &err);
	rows_out_finish(&out);
	if (r == 0 || ferror(stdout))
		return CLI_OK; /* the frame reports what stdout did not take */
	return cli_fail(args, r, "%s", err.text);
}

static enum cli_exit run(const struct cli_args *args)
{
	struct store_options options = { .read_only = true };
	struct ep_err err = { 0 };
	struct store *store;
	enum cli_exit code;
	char *path;
	int r;

	code = cli_store_path(args, &path);
	if (code != CLI_OK)
		return code;
	options.path = path;
	cli_name_salvaged(path);
	r = store_open(&options, &store, &err);
	if (r < 0) {
		code = cli_fail(args, r, "%s", err.text);
	} else {
		if (store_notice(store)[0] != '\0')
			log_warn("store", "%s", store_notice(store));
		code = export_store(args, store);
		store_close(store);
	}
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
	  .help = "only rows at or after this time" },
	{ .name = "until",
	  .type = CLI_TIME,
	  .value = "TIME",
	  .help = "only rows before this time" },
};

const struct cli_command cmd_export = {
	.name = "export",
	.summary = "Rows of the local store as NDJSON",
	.usage = "",
	.help = "Works while the agent runs. Every row is as it is delivered, "
		"one JSON object\na line, in order of sequence numbers.\n\n"
		"  edgeprobe export --since 1h > rows.ndjson",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
