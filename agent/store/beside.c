/* Files beside the one in use: what was set aside, and what came out of it. */
#include "store/parts.h"
#include "store/plausible.h"
#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4300

/* What SQLite and we put beside a database. */
static const char *const suffixes[] = { "",         "-wal",  "-shm",
					"-journal", "-lock", "-ballast" };

#define N_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

void store_remove(const char *path)
{
	char name[NAME_MAX_BYTES];

	/* The database last: while it is there, the rest belongs to it. */
	for (size_t i = N_SUFFIXES; i-- > 0;) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

/* Of its holes nothing is on disk. */
static uint64_t taken_by(const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;
	uint64_t blocks = (uint64_t)st->st_blocks * 512;

	return blocks < size ? blocks : size;
}

uint64_t store_bytes_of(const char *path)
{
	char name[NAME_MAX_BYTES];
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < N_SUFFIXES; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		if (stat(name, &st) == 0)
			bytes += taken_by(&st);
	}
	return bytes;
}

static int lock_name(const char *path, char *name)
{
	const char *damaged = strstr(path, ".damaged-");
	size_t len = damaged ? (size_t)(damaged - path) : strlen(path);

	return snprintf(name, NAME_MAX_BYTES, "%.*s-lock", (int)len, path) <
			       NAME_MAX_BYTES
		       ? 0
		       : -ENAMETOOLONG;
}

int store_hold(const char *path, int *ret_fd, struct ep_err *err)
{
	char name[NAME_MAX_BYTES];
	int fd, r = lock_name(path, name);

	if (r < 0)
		return ep_err_set(err, r, "%s: the name is too long", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ep_err_set(err, -errno, "%s: %s", name, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return ep_err_set(err, -EBUSY,
				  "%s: an agent is using this store; it "
				  "repairs by itself",
				  path);
	}
	*ret_fd = fd;
	return 0;
}

bool store_is_held(const char *path)
{
	char name[NAME_MAX_BYTES];
	bool held = false;
	int fd = -1;

	if (lock_name(path, name) == 0)
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) < 0;
	close(fd);
	return held;
}

int store_rename(const char *from, const char *to)
{
	static const char *const logs[] = { "-wal", "-journal" };
	char a[NAME_MAX_BYTES], b[NAME_MAX_BYTES];

	if (rename(from, to) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		snprintf(a, sizeof(a), "%s%s", from, logs[i]);
		snprintf(b, sizeof(b), "%s%s", to, logs[i]);
		(void)rename(a, b);
	}
	snprintf(a, sizeof(a), "%s-shm", from);
	(void)unlink(a);
	return 0;
}

static void sync_directory(const char *path)
{
	char copy[NAME_MAX_BYTES];
	char *slash;
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	slash = strrchr(copy, '/');
	if (slash)
		slash[slash == copy] = '\0';
	fd = open(slash ? copy : ".", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

int store_keep_salvaged(const char *from, const char *to, const char *damaged)
{
	if (rename(from, to) < 0)
		return -errno;
	store_remove(from);
	sync_directory(to);
	store_remove(damaged);
	return 0;
}

static void aside_key(const char *name, char *ret_key, size_t size)
{
	snprintf(ret_key, size, ASIDE_PREFIX "%s", name);
}

bool store_aside(struct store *store, const char *name, char ret_epoch[17],
		 uint64_t *ret_last)
{
	char key[300];
	const char *text = NULL;
	sqlite3_stmt *s;

	aside_key(name, key, sizeof(key));
	s = db_ask(&store->db, Q_META_GET, "t", key);
	if (s && db_next(&store->db, s) > 0)
		text = (const char *)sqlite3_column_text(s, 0);
	if (text) {
		const char *space = strchr(text, ' ');

		*ret_last = strtoull(text, NULL, 10);
		snprintf(ret_epoch, 17, "%s", space ? space + 1 : "");
	}
	db_end(s);
	return text != NULL;
}

void store_forget_aside(struct store *store, const char *name)
{
	char key[300];

	aside_key(name, key, sizeof(key));
	(void)db_run(&store->db, Q_META_DROP, "t", key);
}
