/* Defaults that depend on the machine. */
#include "config/host.h"
#include "config/config.h"
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT_MAX    64
#define SYSTEM_STORE "/var/lib/edgeprobe/store.db"

char *host_agent(void)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof name - 1) < 0 || name[0] == '\0')
		return strdup("edgeprobe");
	name[sizeof name - 1 < AGENT_MAX ? sizeof name - 1 : AGENT_MAX] = '\0';
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			*p = '-';
	return strdup(name);
}

static char *below(const char *dir, size_t len, const char *rest)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", (int)len, dir, rest) < 0)
		return NULL;
	return path;
}

char *config_default_store(void)
{
	const char *dir = getenv("STATE_DIRECTORY");

	/* systemd made it, wherever it is; of several the first is ours. */
	if (dir && *dir == '/')
		return below(dir, strcspn(dir, ":"), "store.db");
	if (geteuid() == 0)
		return strdup(SYSTEM_STORE);
	dir = getenv("XDG_STATE_HOME");
	if (dir && *dir == '/')
		return below(dir, strlen(dir), "edgeprobe/store.db");
	dir = getenv("HOME");
	if (dir && *dir == '/')
		return below(dir, strlen(dir),
			     ".local/state/edgeprobe/store.db");
	return strdup(SYSTEM_STORE); /* opening it says what is missing */
}

static bool is_default_store(const char *path)
{
	char *usual = config_default_store();
	bool same = usual && strcmp(usual, path) == 0;

	free(usual);
	return same;
}

/* By the store alone, so that whoever asks finds it with the same
 * configuration, whatever their environment is. */
char *config_default_control(const char *store_path)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (strcmp(store_path, SYSTEM_STORE) == 0)
		return strdup(CONFIG_CONTROL);
	if (geteuid() != 0 && dir && *dir == '/' &&
	    is_default_store(store_path))
		return below(dir, strlen(dir), "edgeprobe/control.sock");
	if (asprintf(&path, "%s-control", store_path) < 0)
		return NULL;
	return path;
}
