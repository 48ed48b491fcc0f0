#include "core/file_version.h"

/* By the inode's change time, which no program can set back. */
static struct file_version look_at(const char *path)
{
	struct file_version v = { 0 };
	struct stat st;

	if (stat(path, &st) == 0) {
		v.device = st.st_dev;
		v.inode = st.st_ino;
		v.size = st.st_size;
		v.changed = st.st_ctim;
	}
	return v;
}

bool file_version_changed(const char *path, struct file_version *seen)
{
	struct file_version now = look_at(path);
	bool same = now.device == seen->device && now.inode == seen->inode &&
		    now.size == seen->size &&
		    now.changed.tv_sec == seen->changed.tv_sec &&
		    now.changed.tv_nsec == seen->changed.tv_nsec;

	*seen = now;
	return !same;
}
