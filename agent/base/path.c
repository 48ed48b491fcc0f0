#include "base/path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int make(const char *dir, struct ep_err *err)
{
	struct stat st;

	if (mkdir(dir, 0750) == 0 || errno == EEXIST)
		return 0;
	if (stat(dir, &st) == 0)
		return 0; /* it is there, whatever mkdir thought of it */
	return ep_err_set(err, -errno, "%s: the directory cannot be made: %s",
			  dir, strerror(errno));
}

int path_make_parents(const char *path, struct ep_err *err)
{
	char *copy = strdup(path);
	int r = 0;

	if (copy == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	for (char *at = strchr(copy + (*copy == '/'), '/');
	     r == 0 && at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		r = make(copy, err);
		*at = '/';
	}
	free(copy);
	return r;
}
