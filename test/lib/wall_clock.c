/* A wall clock that a test steps, for a program that was not made for it:
 *
 *	LD_PRELOAD=wall_clock.so TEST_WALL_CLOCK=FILE program
 *
 * FILE holds STEPS pairs of 64-bit numbers: when (nanoseconds of the real wall
 * clock), and by how many nanoseconds the program's clock is stepped then. A
 * pair whose time is 0 is none; others may be written while the program runs.
 * The stamps of packets, which the kernel takes from the real clock, are stepped
 * in the same way as they are received: whoever subtracts two of them across a
 * step is as wrong as with a clock that was really stepped. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STEPS     16
#define SECOND_NS INT64_C(1000000000)

struct step {
	_Atomic int64_t at_ns, by_ns;
};

static struct step none[STEPS];
static struct step *steps = none;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("TEST_WALL_CLOCK");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(none), PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		steps = at;
	close(fd);
}

/* Pairs are written time last. */
static struct timespec stepped(const struct timespec *real)
{
	int64_t now_ns = (int64_t)real->tv_sec * SECOND_NS + real->tv_nsec;
	int64_t by_ns = 0;
	struct timespec t;

	for (unsigned i = 0; i < STEPS; i++) {
		int64_t at_ns = atomic_load(&steps[i].at_ns);

		if (at_ns != 0 && at_ns <= now_ns)
			by_ns += atomic_load(&steps[i].by_ns);
	}
	now_ns += by_ns;
	t.tv_sec = (time_t)(now_ns / SECOND_NS);
	t.tv_nsec = (long)(now_ns % SECOND_NS);
	return t;
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

/* Called for every clock there is: by the vdso, as without us. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	static void *_Atomic known;
	int (*real)(clockid_t, struct timespec *);
	int r;

	*(void **)&real = next("clock_gettime", &known);
	r = real(clock, t);
	if (r == 0 && clock == CLOCK_REALTIME)
		*t = stepped(t);
	return r;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -1;
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (t != NULL)
		*t = now.tv_sec;
	return now.tv_sec;
}

static void step_stamps(struct msghdr *m)
{
	struct cmsghdr *c;

	if (m->msg_control == NULL)
		return;
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct scm_timestamping stamps;

		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SO_TIMESTAMPING ||
		    c->cmsg_len < CMSG_LEN(sizeof(stamps)))
			continue;
		memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
		if (stamps.ts[0].tv_sec != 0)
			stamps.ts[0] = stepped(&stamps.ts[0]);
		memcpy(CMSG_DATA(c), &stamps, sizeof(stamps));
	}
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	static void *_Atomic known;
	ssize_t (*real)(int, struct msghdr *, int);
	ssize_t n;

	*(void **)&real = next("recvmsg", &known);
	n = real(fd, m, flags);
	if (n >= 0)
		step_stamps(m);
	return n;
}

int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags,
	     struct timespec *timeout)
{
	static void *_Atomic known;
	int (*real)(int, struct mmsghdr *, unsigned, int, struct timespec *);
	int got;

	*(void **)&real = next("recvmmsg", &known);
	got = real(fd, m, n, flags, timeout);
	for (int i = 0; i < got; i++)
		step_stamps(&m[i].msg_hdr);
	return got;
}
