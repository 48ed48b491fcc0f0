/* From argv to struct cli_args, by the command's table. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/cli.h"
#include "edgeprobe/error.h"

enum cli_parsed { CLI_PARSED, CLI_PARSED_HELP, CLI_PARSED_WRONG };

/* `argv[0]` is the command's own name; operands are moved to the end of argv,
 * as getopt(3) does. CLI_PARSED_HELP: --help was given. CLI_PARSED_WRONG: why
 * is in `err`. */
enum cli_parsed cli_parse(const struct cli_command *command, int argc,
			  char **argv, struct cli_args *ret_args,
			  struct ep_err *err);

/* Append what an option takes, e.g. "from 1 to 100"; nothing if unbounded. */
struct buf;
void cli_print_bounds(struct buf *out, const struct cli_option *option);

/* The row that each command has besides its own. */
extern const struct cli_option cli_help_option;

#endif
