/* `edgeprobe run`: the agent, in the foreground. */
#include "app.h"
#include "cli/commands.h"
#include <errno.h>
#include <malloc.h>
#include <stdio.h>

#define PROBLEMS_MAX 65536

/* Free memory beyond this goes back to the system. glibc's own bound grows with
 * the largest block that was ever freed, which is a batch. */
#define FREE_BYTES_MAX (256 << 10)

static void be_frugal(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_TRIM_THRESHOLD, FREE_BYTES_MAX);
#endif
}

static enum cli_exit run(const struct cli_args *args)
{
	struct config config;
	struct ep_err err = { 0 };
	struct buf problems;
	enum cli_exit code = CLI_CONFIG;
	int r;

	be_frugal();
	buf_init(&problems, PROBLEMS_MAX);
	r = config_load(cli_text(args, "config"), &config, &problems);
	if (r < 0)
		fprintf(stderr, "%s", problems.data ? problems.data : "");
	buf_finish(&problems);
	if (r < 0)
		return code;
	r = app_run(&config,
		    cli_given(args, "duration") ? cli_number(args, "duration")
						: 0,
		    &err);
	if (r == 0)
		code = CLI_OK;
	else if (r == -EINVAL)
		code = (cli_fail(args, r, "%s", err.text), CLI_CONFIG);
	else
		code = cli_fail(args, r, "%s", err.text);
	config_finish(&config);
	return code;
}

static const struct cli_option options[] = {
	{ .name = "config",
	  .letter = 'c',
	  .type = CLI_TEXT,
	  .value = "FILE",
	  .help = "read this instead of " CONFIG_PATH },
	{ .name = "duration",
	  .letter = 'd',
	  .type = CLI_DURATION,
	  .value = "TIME",
	  .min = 1e9,
	  .max = 366 * 86400e9,
	  .help = "end by itself after this long; without it, at a signal" },
};

const struct cli_command cmd_run = {
	.name = "run",
	.summary = "Run the agent in the foreground",
	.usage = "",
	.help = "Probes the configured targets, or the built-in Microsoft "
		"ones, on their\nschedule, keeps every sample in the store and "
		"sends them to the configured\ndestinations. SIGTERM and "
		"SIGINT commit what is open and end it; a second\nsignal ends "
		"it at once.",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = run,
};
