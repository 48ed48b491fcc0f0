/* What each cmd_NAME.c ends in; commands.c puts them in order. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cmd_backlog;
extern const struct cli_command cmd_check_config;
extern const struct cli_command cmd_dead_letter;
extern const struct cli_command cmd_export;
extern const struct cli_command cmd_export;
extern const struct cli_command cmd_help;
extern const struct cli_command cmd_probe;
extern const struct cli_command cmd_report;
extern const struct cli_command cmd_run;
extern const struct cli_command cmd_probe;
extern const struct cli_command cmd_report;
extern const struct cli_command cmd_run;
extern const struct cli_command cmd_report;
extern const struct cli_command cmd_run;
extern const struct cli_command cmd_replay;
extern const struct cli_command cmd_status;
extern const struct cli_command cmd_store;
extern const struct cli_command cmd_targets;
extern const struct cli_command cmd_test_destination;
extern const struct cli_command cmd_version;

/* The command that a mistyped name is nearest to; NULL: to none. */
const char *cli_nearest(const char *typed);

#endif
