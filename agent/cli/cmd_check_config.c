#include "base/buf.h"
#include "cli/commands.h"
#include "config/config.h"
#include "keeping.h"
#include "sending.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define OUTPUT_MAX (UINT32_C(1) << 26)

/* What only the room of deliveries knows about a destination. */
static int check_destinations(const struct config *config, const char *path)
{
	int r = 0;

	for (size_t i = 0; i < config->n_destinations; i++) {
		const struct config_destination *d = &config->destinations[i];
		struct deliver_options options = delivery_options(config, d);
		struct ep_err err = { 0 };

		if (deliver_check(&options, &err) == 0)
			continue;
		fprintf(stderr, "%s:1:1: destination \"%s\": %s\n", path,
			d->name, err.text);
		r = -EINVAL;
	}
	return r;
}

static void print_config(const struct config *config)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	config_print(config, &out);
	if (out.error == 0)
		fwrite(out.data, 1, out.len, stdout);
	else
		fputs("edgeprobe check-config: too long to print\n", stderr);
	buf_finish(&out);
}

static void print_summary(const struct config *config, const char *path)
{
	bool there = access(path, F_OK) == 0;

	printf("%s%s: valid: %zu target%s%s, %zu circuit%s, "
	       "%zu destination%s\n",
	       path, there ? "" : " (not there, defaults)", config->n_targets,
	       config->n_targets == 1 ? "" : "s",
	       config->built_in_targets ? " (built in)" : "",
	       config->n_circuits, config->n_circuits == 1 ? "" : "s",
	       config->n_destinations, config->n_destinations == 1 ? "" : "s");
}

static enum cli_exit run(const struct cli_args *args)
{
	const char *asked = args->n_operands > 0 ? args->operands[0] : NULL;
	const char *path = asked ? asked : CONFIG_PATH;
	struct config config;
	struct buf problems;
	int r;

	buf_init(&problems, 65536);
	r = config_load(asked, &config, &problems);
	if (problems.len > 0)
		fputs(problems.data, stderr);
	buf_finish(&problems);
	if (r < 0)
		return CLI_CONFIG;
	r = check_destinations(&config, path);
	if (r == 0 && cli_given(args, "print"))
		print_config(&config);
	else if (r == 0)
		print_summary(&config, path);
	config_finish(&config);
	return r == 0 ? CLI_OK : CLI_CONFIG;
}

static const struct cli_option options[] = {
	{ .name = "print",
	  .letter = 'p',
	  .help = "print the effective configuration as JSON, secrets masked" },
};

const struct cli_command cmd_check_config = {
	.name = "check-config",
	.summary = "Say what is wrong with a configuration, and where",
	.usage = "[FILE]",
	.help = "Without FILE, /etc/edgeprobe/edgeprobe.json and "
		"/etc/edgeprobe/conf.d/*.json are read, as \"edgeprobe run\" "
		"does. Exits with 78 if anything is wrong.",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.max_operands = 1,
	.run = run,
};
