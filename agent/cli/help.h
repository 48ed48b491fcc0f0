/* Help texts, made from the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli.h"
#include <stdio.h>

/* Every command on a line, and where more is. */
void cli_print_overview(FILE *out);

/* Usage, options with bounds and defaults, and what else there is to say. */
void cli_print_help(FILE *out, const struct cli_command *command);

#endif
