/* `edgeprobe run`: the agent, in the foreground. */
#include "app.h"
#include "base/log.h"
#include "cli/commands.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define PROBLEMS_MAX 65536
#define PRINTED_MAX  (64u << 20)

/* Free memory beyond this goes back to the system. glibc's own bound grows with
 * the largest block that was ever freed, which is a batch. */
#define FREE_BYTES_MAX (128 << 10)

static void be_frugal(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_TRIM_THRESHOLD, FREE_BYTES_MAX);
#endif
}

static int load(const struct cli_args *args, struct config *ret_config)
{
	struct buf problems;
	int r;

	buf_init(&problems, PROBLEMS_MAX);
	r = config_load(cli_text(args, "config"), ret_config, &problems);
	if (r < 0)
		fprintf(stderr, "%s", problems.data ? problems.data : "");
	buf_finish(&problems);
	return r;
}

/* All but the hosts that sources come to; the items with a source instead. */
static void print_asked(const struct config *config, struct buf *out)
{
	struct config asked = *config;

	asked.n_targets -= asked.n_sourced;
	config_print(&asked, out);
	asked.targets = asked.sources;
	asked.n_targets = asked.n_sources;
	config_print(&asked, out);
}

static bool is_same(const struct config *a, const struct config *b)
{
	struct buf one, other;
	bool same;

	buf_init(&one, PRINTED_MAX);
	buf_init(&other, PRINTED_MAX);
	print_asked(a, &one);
	print_asked(b, &other);
	same = one.error == 0 && other.error == 0 && one.len == other.len &&
	       memcmp(one.data, other.data, one.len) == 0;
	buf_finish(&one);
	buf_finish(&other);
	return same;
}

/* The hosts of sources as they are now, and nothing else that somebody may be
 * about to change. */
static void take_targets(const struct cli_args *args, struct config *config)
{
	struct config now;

	if (load(args, &now) < 0) {
		log_warn("config", "problems=yes next=as_before");
		return;
	}
	if (is_same(config, &now)) {
		struct config before = *config;

		*config = now;
		now = before;
	} else {
		log_warn("config", "changed=yes next=as_before reason=\"new "
				   "targets come with the next start\"");
	}
	config_finish(&now);
}

/* Until it ends for good. */
static int run_on(const struct cli_args *args, struct config *config,
		  struct ep_err *err)
{
	uint64_t length_ns =
		cli_given(args, "duration") ? cli_number(args, "duration") : 0;
	uint64_t began_ns = ep_clock_mono_ns();
	int r = app_run(config, length_ns, err);

	while (r == APP_AGAIN) {
		uint64_t spent_ns = ep_clock_mono_ns() - began_ns;
		uint64_t left_ns = spent_ns + EP_NS_PER_MS < length_ns
					   ? length_ns - spent_ns
					   : EP_NS_PER_MS;

		take_targets(args, config);
		r = app_run(config, length_ns > 0 ? left_ns : 0, err);
	}
	return r;
}

static enum cli_exit run(const struct cli_args *args)
{
	struct config config;
	struct ep_err err = { 0 };
	enum cli_exit code;
	int r;

	be_frugal();
	if (load(args, &config) < 0)
		return CLI_CONFIG;
	r = run_on(args, &config, &err);
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
