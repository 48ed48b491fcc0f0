#include "fault/power_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

enum { DATABASE, LOG, JOURNAL, FILES, OTHER = FILES };

enum kind { WRITE, TRUNCATE, SYNC, DELETE, DELETE_SYNCED };

struct operation {
	enum kind kind;
	int file;
	int64_t at; /* offset, or length */
	size_t n;
	unsigned char *data;
};

/* What a file holds. */
struct content {
	unsigned char *data;
	size_t len, room;
	bool exists;
};

static struct {
	bool on;
	struct operation *list;
	size_t n, room, syncs;
	/* Up to where the images have come, and what is durable there. */
	size_t seen, since[FILES]; /* operations from `since` on are not */
	bool deleted[FILES];       /* and perhaps not durably */
	struct content durable[FILES];
} tape;

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void record(enum kind kind, int file, int64_t at, const void *data,
		   size_t n)
{
	struct operation *o;

	if (!tape.on || file == OTHER)
		return;
	if (tape.n == tape.room) {
		tape.room = tape.room ? tape.room * 2 : 4096;
		tape.list = must(
			realloc(tape.list, tape.room * sizeof(*tape.list)));
	}
	o = &tape.list[tape.n++];
	*o = (struct operation){ kind, file, at, n, NULL };
	if (n > 0)
		o->data = memcpy(must(malloc(n)), data, n);
	if (kind == SYNC)
		tape.syncs++;
}

void power_record(void)
{
	power_forget();
	tape.on = true;
}

void power_stop(void)
{
	tape.on = false;
}

void power_forget(void)
{
	for (size_t i = 0; i < tape.n; i++)
		free(tape.list[i].data);
	free(tape.list);
	for (int f = 0; f < FILES; f++)
		free(tape.durable[f].data);
	memset(&tape, 0, sizeof(tape));
}

size_t power_operations(void)
{
	return tape.n;
}

size_t power_syncs(void)
{
	return tape.syncs;
}

uint64_t power_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* --- the VFS --- */

static sqlite3_vfs *base;

struct recorded {
	sqlite3_file file;
	int which;
	sqlite3_file *real; /* behind this */
};

static struct recorded *of(sqlite3_file *file)
{
	return (struct recorded *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return of(file)->real;
}

static int x_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int x_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int x_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
	record(WRITE, of(f)->which, at, data, (size_t)n);
	return real_of(f)->pMethods->xWrite(real_of(f), data, n, at);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 len)
{
	record(TRUNCATE, of(f)->which, len, NULL, 0);
	return real_of(f)->pMethods->xTruncate(real_of(f), len);
}

static int x_sync(sqlite3_file *f, int flags)
{
	int r = real_of(f)->pMethods->xSync(real_of(f), flags);

	record(SYNC, of(f)->which, 0, NULL, 0);
	return r;
}

static int x_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int x_lock(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xLock(real_of(f), lock);
}

static int x_unlock(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), lock);
}

static int x_reserved(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int x_control(sqlite3_file *f, int what, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), what, arg);
}

static int x_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int x_character(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend,
		     void volatile **ret)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend,
					     ret);
}

static int x_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int x_shm_unmap(sqlite3_file *f, int forget)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), forget);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* without memory mapping */
	.xClose = x_close,
	.xRead = x_read,
	.xWrite = x_write,
	.xTruncate = x_truncate,
	.xSync = x_sync,
	.xFileSize = x_size,
	.xLock = x_lock,
	.xUnlock = x_unlock,
	.xCheckReservedLock = x_reserved,
	.xFileControl = x_control,
	.xSectorSize = x_sector,
	.xDeviceCharacteristics = x_character,
	.xShmMap = x_shm_map,
	.xShmLock = x_shm_lock,
	.xShmBarrier = x_shm_barrier,
	.xShmUnmap = x_shm_unmap,
};

static int which_file(int flags)
{
	if (flags & SQLITE_OPEN_MAIN_DB)
		return DATABASE;
	if (flags & SQLITE_OPEN_WAL)
		return LOG;
	return flags & SQLITE_OPEN_MAIN_JOURNAL ? JOURNAL : OTHER;
}

static int v_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
		  int flags, int *ret_flags)
{
	struct recorded *f = of(file);
	int r;

	(void)vfs;
	f->real = (sqlite3_file *)(f + 1);
	f->which = which_file(flags);
	r = base->xOpen(base, path, f->real, flags, ret_flags);
	file->pMethods = r == SQLITE_OK ? &methods : NULL;
	return r;
}

static int v_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	enum kind kind = sync ? DELETE_SYNCED : DELETE;
	int r = base->xDelete(base, path, sync);

	(void)vfs;
	if (strstr(path, "-wal"))
		record(kind, LOG, 0, NULL, 0);
	else if (strstr(path, "-journal"))
		record(kind, JOURNAL, 0, NULL, 0);
	return r;
}

int power_begin(void)
{
	static sqlite3_vfs vfs;

	base = sqlite3_vfs_find(NULL);
	vfs = *base;
	vfs.zName = "power";
	vfs.pNext = NULL;
	vfs.szOsFile = (int)sizeof(struct recorded) + base->szOsFile;
	vfs.xOpen = v_open;
	vfs.xDelete = v_delete;
	return sqlite3_vfs_register(&vfs, 1);
}

/* --- images --- */

static void put(struct content *c, size_t at, const unsigned char *data,
		size_t n)
{
	if (at + n > c->room) {
		c->room = (at + n) * 2;
		c->data = must(realloc(c->data, c->room));
	}
	if (at > c->len)
		memset(c->data + c->len, 0, at - c->len);
	memcpy(c->data + at, data, n);
	if (at + n > c->len)
		c->len = at + n;
	c->exists = true;
}

static void apply(struct content *c, const struct operation *o)
{
	if (o->kind == WRITE)
		put(c, (size_t)o->at, o->data, o->n);
	else if (o->kind == TRUNCATE && (size_t)o->at < c->len)
		c->len = (size_t)o->at;
	else if (o->kind == DELETE || o->kind == DELETE_SYNCED)
		*c = (struct content){ .data = c->data, .room = c->room };
}

/* Half of the sectors are there, one in twenty is garbage. */
static void put_some(struct content *c, const struct operation *o,
		     uint64_t *seed)
{
	unsigned char garbage[SECTOR];
	size_t at = (size_t)o->at, done = 0;

	while (done < o->n) {
		size_t n = SECTOR - (at + done) % SECTOR;
		uint64_t fate = power_random(seed) % 20;

		if (n > o->n - done)
			n = o->n - done;
		for (size_t i = 0; fate == 10 && i < n; i++)
			garbage[i] = (unsigned char)power_random(seed);
		if (fate <= 10)
			put(c, at + done, fate < 10 ? o->data + done : garbage,
			    n);
		done += n;
	}
}

static void apply_maybe(struct content *c, const struct operation *o,
			uint64_t *seed)
{
	if (o->kind == WRITE)
		put_some(c, o, seed);
	else if (power_random(seed) & 1)
		apply(c, o);
}

/* `file` is durable up to operation `end`. */
static void settle(int file, size_t end)
{
	for (size_t i = tape.since[file]; i < end; i++)
		if (tape.list[i].file == file)
			apply(&tape.durable[file], &tape.list[i]);
	tape.since[file] = end;
}

static void advance(size_t cut)
{
	for (; tape.seen < cut; tape.seen++) {
		const struct operation *o = &tape.list[tape.seen];

		if (o->kind == SYNC || o->kind == DELETE_SYNCED)
			settle(o->file, tape.seen + 1);
		else if (tape.deleted[o->file]) /* this is of a new file */
			settle(o->file, tape.seen);
		tape.deleted[o->file] = o->kind == DELETE;
	}
}

/* Over what is there: memory that is known already is written quicker. */
static int save(const char *path, const struct content *c)
{
	int fd, r = 0;

	if (!c->exists)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, c->data, c->len) != (ssize_t)c->len ||
	    ftruncate(fd, (off_t)c->len) < 0)
		r = -ENOSPC;
	close(fd);
	return r;
}

static int save_file(int file, size_t cut, const char *path, uint64_t *seed)
{
	const struct content *d = &tape.durable[file];
	struct content c = { .exists = d->exists };
	int r;

	if (d->len > 0)
		put(&c, 0, d->data, d->len);
	for (size_t i = tape.since[file]; i < cut; i++)
		if (tape.list[i].file == file)
			apply_maybe(&c, &tape.list[i], seed);
	r = save(path, &c);
	free(c.data);
	return r;
}

int power_image(size_t cut, const char *path, uint64_t *seed)
{
	static const char *const ends[FILES] = { "", "-wal", "-journal" };
	char name[256];
	int r = 0;

	advance(cut);
	for (int f = 0; f < FILES && r == 0; f++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[f]);
		r = save_file(f, cut, name, seed);
	}
	snprintf(name, sizeof(name), "%s-shm", path);
	(void)unlink(name);
	return r;
}
