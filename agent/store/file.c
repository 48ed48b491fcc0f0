/* The files beside the database: lock, ballast, and what was set aside. */
#include "store/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* The disk is no longer full when this is free: ballast and some commits. */
#define ROOM_AGAIN_BYTES (4u << 20)

#define NAME_MAX_BYTES 4096

static const char *beside(const struct store *store, const char *suffix,
			  char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", store->path, suffix);
	return buf;
}

uint64_t file_bytes(const struct store *store, const char *suffix)
{
	char name[NAME_MAX_BYTES];
	struct stat st;

	if (stat(beside(store, suffix, name, sizeof(name)), &st) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

static int lock_refused(const struct store *store, int code, struct ep_err *err)
{
	if (code == ENOENT)
		return ep_err_set(err, -ENOENT,
				  "%s: the directory does not exist: create it",
				  store->path);
	if (code == EWOULDBLOCK)
		return ep_err_set(err, -EBUSY,
				  "%s: another agent is using this store",
				  store->path);
	if (code == EACCES || code == EPERM || code == EROFS)
		return ep_err_set(err, -EACCES,
				  "%s: the directory is not writable for this "
				  "user",
				  store->path);
	return ep_err_set(err, -code, "%s: cannot lock: %s", store->path,
			  strerror(code));
}

int file_lock(struct store *store, struct ep_err *err)
{
	char name[NAME_MAX_BYTES];
	int fd;

	beside(store, "-lock", name, sizeof(name));
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		store->was_locked = true;
		fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0)
		return lock_refused(store, errno, err);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int code = errno;

		close(fd);
		return lock_refused(store, code, err);
	}
	store->lock_fd = fd;
	return 0;
}

void file_unlock(struct store *store, bool forget)
{
	char name[NAME_MAX_BYTES];

	if (store->lock_fd < 0)
		return;
	if (forget && !store->was_locked)
		(void)unlink(beside(store, "-lock", name, sizeof(name)));
	close(store->lock_fd);
	store->lock_fd = -1;
}

/* A name that is free: by the second, then by number. */
static void aside_name(const struct store *store, char *buf, size_t size)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(buf, size, "%s.damaged-%s", store->path, stamp);
	for (int i = 2; access(buf, F_OK) == 0 && i < 100; i++)
		snprintf(buf, size, "%s.damaged-%s-%d", store->path, stamp, i);
}

/* The log goes with its database: what it holds can still be saved. */
int file_set_aside(struct store *store, const char *why, struct ep_err *err)
{
	char aside[NAME_MAX_BYTES], from[NAME_MAX_BYTES],
		to[NAME_MAX_BYTES + 8];

	aside_name(store, aside, sizeof(aside));
	if (rename(store->path, aside) < 0)
		return ep_err_set(err, -errno,
				  "%s: damaged (%s), and cannot be renamed: %s",
				  store->path, why, strerror(errno));
	snprintf(to, sizeof(to), "%s-wal", aside);
	(void)rename(beside(store, "-wal", from, sizeof(from)), to);
	snprintf(to, sizeof(to), "%s-journal", aside);
	(void)rename(beside(store, "-journal", from, sizeof(from)), to);
	(void)unlink(beside(store, "-shm", from, sizeof(from)));
	free(store->aside.path);
	store->aside.path = strdup(aside);
	memcpy(store->aside.epoch, store->epoch, sizeof(store->epoch));
	store->aside.last = store->durable > 0 ? store->durable - 1 : 0;
	snprintf(store->notice, sizeof(store->notice),
		 "%.160s: damaged (%.100s): kept as %.200s, a new store begun",
		 store->path, why, aside);
	return 0;
}

bool file_has_room(const struct store *store)
{
	char name[NAME_MAX_BYTES];
	struct statvfs fs;

	if (statvfs(beside(store, "-lock", name, sizeof(name)), &fs) < 0)
		return true;
	return (uint64_t)fs.f_bavail * fs.f_frsize >= ROOM_AGAIN_BYTES;
}

void file_make_ballast(struct store *store)
{
	char name[NAME_MAX_BYTES];
	int fd;

	if (!file_has_room(store))
		return;
	beside(store, "-ballast", name, sizeof(name));
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, BALLAST_BYTES) == 0)
		store->ballast = true;
	else
		(void)unlink(name);
	close(fd);
}

void file_drop_ballast(struct store *store)
{
	char name[NAME_MAX_BYTES];

	(void)unlink(beside(store, "-ballast", name, sizeof(name)));
	store->ballast = false;
}
