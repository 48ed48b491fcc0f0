/* Kills the program that it is loaded into at a named point:
 *
 *	LD_PRELOAD=crash.so TEST_CRASH=POINT:N:MOMENT program
 *
 * when it reaches POINT for the N-th time, MOMENT being `before`, `half` (of
 * what is written) or `after` what happens there. A point is a kind of file and
 * what is done to it: db-write, db-sync, wal-write, wal-sync, wal-truncate,
 * wal-unlink, journal-write, journal-sync, journal-unlink, ballast-allocate,
 * ballast-unlink, part-write, part-sync, part-rename (a file destination's),
 * kept-sync (its folder); or of a stream to 127.0.0.1: collector-connect,
 * request-send, answer-read. The death is SIGKILL: no handler, no destructor. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum moment { BEFORE, HALF, AFTER };

static char point[32];
static atomic_long left; /* until it is reached for the last time */
static enum moment moment;

static bool read_spec(const char *given)
{
	const char *n = strchr(given, ':');
	char *when;

	if (n == NULL || (size_t)(n - given) >= sizeof(point))
		return false;
	memcpy(point, given, (size_t)(n - given));
	atomic_store(&left, strtol(n + 1, &when, 10));
	moment = AFTER;
	if (strcmp(when, ":before") == 0)
		moment = BEFORE;
	else if (strcmp(when, ":half") == 0)
		moment = HALF;
	else if (strcmp(when, ":after") != 0)
		return false;
	return atomic_load(&left) > 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *given = getenv("TEST_CRASH");

	if (given != NULL && !read_spec(given)) {
		fprintf(stderr, "TEST_CRASH=%s is not POINT:N:MOMENT\n", given);
		abort();
	}
}

static _Noreturn void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* The next one of that name. */
static void *next(const char *name, void *_Atomic *known)
{
	void *f = atomic_load(known);

	if (f == NULL) {
		f = dlsym(RTLD_NEXT, name);
		atomic_store(known, f);
	}
	return f;
}

#define NEXT(real, name)                                                       \
	do {                                                                   \
		static void *_Atomic known;                                    \
		*(void **)&(real) = next(name, &known);                        \
	} while (0)

/* --- which point is it? --- */

static const char *kind_of_path(const char *path)
{
	static const struct {
		const char *end, *kind;
	} ends[] = {
		{ "-wal", "wal" },         { "-journal", "journal" },
		{ "-ballast", "ballast" }, { ".part", "part" },
		{ ".db", "db" },           { "/kept", "kept" },
	};
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i].end);

		if (len >= n && strcmp(path + len - n, ends[i].end) == 0)
			return ends[i].kind;
	}
	return "";
}

static bool is_due(const char *kind, const char *verb)
{
	size_t n = strlen(kind);

	return strncmp(point, kind, n) == 0 && point[n] == '-' &&
	       strcmp(point + n + 1, verb) == 0 &&
	       atomic_fetch_sub(&left, 1) == 1;
}

static bool file_is_due(int fd, const char *verb)
{
	char link[32], path[4096];
	ssize_t n;

	if (point[0] == '\0')
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return is_due(kind_of_path(path), verb);
}

static bool path_is_due(const char *path, const char *verb)
{
	return is_due(kind_of_path(path), verb);
}

/* Probes go elsewhere. */
static bool is_collector(int fd, const struct sockaddr *to)
{
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);
	int type = 0;
	socklen_t type_len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 ||
	    type != SOCK_STREAM)
		return false;
	if (to != NULL)
		memcpy(&peer, to, sizeof(peer));
	else if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return false;
	return peer.sin_family == AF_INET &&
	       peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

/* How much of `n` is done before the end. */
static size_t part(bool due, size_t n)
{
	if (due && moment == BEFORE)
		die();
	return due && moment == HALF ? n / 2 : n;
}

static void end(bool due)
{
	if (due)
		die();
}

/* --- what the program calls --- */

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t);
	bool due = file_is_due(fd, "write");
	ssize_t done;

	NEXT(real, "pwrite64");
	done = real(fd, data, part(due, n), at);
	end(due);
	return done;
}

ssize_t write(int fd, const void *data, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);
	bool due = file_is_due(fd, "write");
	ssize_t done;

	NEXT(real, "write");
	done = real(fd, data, part(due, n));
	end(due);
	return done;
}

static int sync_with(int (*real)(int), int fd)
{
	bool due = file_is_due(fd, "sync");
	int r;

	part(due, 0);
	r = real(fd);
	end(due);
	return r;
}

int fsync(int fd)
{
	int (*real)(int);

	NEXT(real, "fsync");
	return sync_with(real, fd);
}

int fdatasync(int fd)
{
	int (*real)(int);

	NEXT(real, "fdatasync");
	return sync_with(real, fd);
}

int ftruncate(int fd, off_t length)
{
	int (*real)(int, off_t);
	bool due = file_is_due(fd, "truncate");
	int r;

	NEXT(real, "ftruncate64");
	part(due, 0);
	r = real(fd, length);
	end(due);
	return r;
}

int posix_fallocate(int fd, off_t at, off_t length)
{
	int (*real)(int, off_t, off_t);
	bool due = file_is_due(fd, "allocate");
	int r;

	NEXT(real, "posix_fallocate64");
	r = real(fd, at, (off_t)part(due, (size_t)length));
	end(due);
	return r;
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	int (*real)(int, const char *, int, const char *);
	bool due = path_is_due(from, "rename");
	int r;

	NEXT(real, "renameat");
	part(due, 0);
	r = real(from_dir, from, to_dir, to);
	end(due);
	return r;
}

int unlink(const char *path)
{
	int (*real)(const char *);
	bool due = path_is_due(path, "unlink");
	int r;

	NEXT(real, "unlink");
	part(due, 0);
	r = real(path);
	end(due);
	return r;
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	int (*real)(int, const struct sockaddr *, socklen_t);
	bool due = is_collector(fd, to) && is_due("collector", "connect");
	int r;

	NEXT(real, "connect");
	part(due, 0);
	r = real(fd, to, len);
	end(due);
	return r;
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int);
	bool due = is_collector(fd, NULL) && is_due("request", "send");
	ssize_t done;

	NEXT(real, "send");
	done = real(fd, data, part(due, n), flags);
	end(due);
	return done;
}

ssize_t recv(int fd, void *data, size_t n, int flags)
{
	ssize_t (*real)(int, void *, size_t, int);
	ssize_t got;

	NEXT(real, "recv");
	got = real(fd, data, n, flags);
	end(got > 0 && is_collector(fd, NULL) && is_due("answer", "read"));
	return got;
}
