#include "base/usage.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

/* Two numbers of a file of the kernel's; untouched where they are not. */
static void read_two(const char *path, uint64_t *first, uint64_t *second)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[96];
	char *after;
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	*first = strtoull(text, &after, 10);
	*second = strtoull(after, NULL, 10);
}

void usage_of_thread(struct usage *ret_usage)
{
	uint64_t ran = 0, waited = 0;
	struct timespec cpu = { 0 };
	struct rusage used;

	memset(&used, 0, sizeof(used));
	getrusage(RUSAGE_THREAD, &used);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	read_two("/proc/thread-self/schedstat", &ran, &waited);
	ret_usage->cpu_ns =
		(uint64_t)cpu.tv_sec * SECOND_NS + (uint64_t)cpu.tv_nsec;
	ret_usage->waited_ns = waited;
	ret_usage->wakeups = (uint64_t)used.ru_nvcsw;
	ret_usage->preempted = (uint64_t)used.ru_nivcsw;
}

void usage_of_memory(struct usage_memory *ret_memory)
{
	uint64_t all = 0, resident = 0;
	struct rusage used;

	memset(&used, 0, sizeof(used));
	getrusage(RUSAGE_SELF, &used);
	read_two("/proc/self/statm", &all, &resident);
	ret_memory->bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	ret_memory->max_bytes = (uint64_t)used.ru_maxrss * 1024;
	if (ret_memory->max_bytes < ret_memory->bytes)
		ret_memory->max_bytes = ret_memory->bytes;
}
