#include "cli/store_path.h"
#include "base/log.h"
#include "config/config.h"
#include "wreckage.h"
#include <errno.h>
#include <string.h>

#define PROBLEMS_MAX 65536

/* A configuration that has faults, or is not for our eyes, is no reason not to
 * read the store where it usually is. */
static char *configured(void)
{
	struct config config;
	struct buf problems;
	char *path = NULL;

	buf_init(&problems, PROBLEMS_MAX);
	if (config_load(NULL, &config, &problems) == 0) {
		path = strdup(config.store_path);
		config_finish(&config);
	}
	buf_finish(&problems);
	return path;
}

enum cli_exit cli_store_path(const struct cli_args *args, char **ret_path)
{
	char *path = cli_text(args, "store") != NULL
			     ? strdup(cli_text(args, "store"))
			     : configured();

	if (path == NULL)
		path = config_default_store();
	if (path == NULL)
		return cli_fail(args, -ENOENT,
				"no store: give one with --store FILE");
	*ret_path = path;
	return CLI_OK;
}

void cli_name_salvaged(const char *path)
{
	struct wreckage list[WRECKAGE_MAX];
	size_t n = wreckage_list(path, list);

	for (size_t i = 0; i < n; i++)
		if (list[i].kind == WRECKAGE_SALVAGED)
			log_warn("store",
				 "older rows are in %s, salvaged from a "
				 "damaged store: see it with --store",
				 list[i].name);
}
