/* Whether a file is still the one that was read. */
#ifndef PROBES_CORE_FILE_VERSION_H
#define PROBES_CORE_FILE_VERSION_H

#include <stdbool.h>
#include <sys/stat.h>

/* Zero: a file that is not there. */
struct file_version {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/* Remember what `path` is now; true if it was something else before. */
bool file_version_changed(const char *path, struct file_version *seen);

#endif
