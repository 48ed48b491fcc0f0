/* Which store a command reads. */
#ifndef CLI_STORE_PATH_H
#define CLI_STORE_PATH_H

#include "cli/cli.h"

/* --store, else the store of the configuration in its usual place, else the
 * default: malloc(3)ed. On anything but CLI_OK it has been said why. */
enum cli_exit cli_store_path(const struct cli_args *args, char **ret_path);

/* Say on stderr which files beside the store at `path` hold older rows. */
void cli_name_salvaged(const char *path);

#endif
