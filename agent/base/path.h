/* Paths of files. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "edgeprobe/error.h"

/* Create the directories above `path` that are missing, mode 0750. 0, or a
 * negative errno that names the one that could not be made. */
int path_make_parents(const char *path, struct ep_err *err);

#endif
