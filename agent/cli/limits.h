/* What figures of a report are held against, as a configuration says. */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include "cli/cli.h"
#include "report/judging/rules.h"

/* Of --config: the limits, and its store, malloc(3)ed. Without that option
 * built-in limits, and NULL as store. On anything but CLI_OK it has been said
 * why. */
enum cli_exit cli_limits(const struct cli_args *args,
			 struct judge_options *ret_limits, char **ret_store);

#endif
