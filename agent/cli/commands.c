/* The table: the one place that names the commands there are. */
#include "cli/commands.h"
#include "base/suggest.h"
#include <string.h>

static const struct cli_command *const commands[] = {
	&cmd_run,    &cmd_probe,        &cmd_report,  &cmd_export,
	&cmd_status, &cmd_backlog,      &cmd_replay,  &cmd_dead_letter,
	&cmd_store,  &cmd_check_config, &cmd_targets, &cmd_test_destination,
	&cmd_help,   &cmd_version,
};

#define COUNT (sizeof commands / sizeof commands[0])

const struct cli_command *const *cli_commands(size_t *ret_n)
{
	*ret_n = COUNT;
	return commands;
}

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const char *cli_nearest(const char *typed)
{
	struct suggest s = { .typed = typed };

	for (size_t i = 0; i < COUNT; i++)
		suggest_offer(&s, commands[i]->name);
	return s.best;
}
