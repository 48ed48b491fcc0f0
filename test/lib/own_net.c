#include "own_net.h"
#include <assert.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

void own_net_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	assert(fd >= 0);
	n = write(fd, text, strlen(text));
	assert(n == (ssize_t)strlen(text));
	close(fd);
}

static void map_id(const char *path, unsigned from)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1", from);
	own_net_write(path, text);
}

static void unshare_all(int flags)
{
	unsigned uid = geteuid(), gid = getegid();
	int r;

	if (uid == 0) {
		r = unshare(flags | CLONE_NEWNET);
		assert(r == 0);
		return;
	}
	r = unshare(flags | CLONE_NEWNET | CLONE_NEWUSER);
	assert(r == 0);
	own_net_write("/proc/self/setgroups", "deny");
	map_id("/proc/self/uid_map", uid);
	map_id("/proc/self/gid_map", gid);
}

void own_net_enter(int flags)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, r;

	unshare_all(flags);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0);
	r = ioctl(fd, SIOCSIFFLAGS, &request);
	assert(r == 0);
	close(fd);
}

/* In the child. */
static void run_ip(char *line)
{
	char name[] = "ip";
	char *arguments[ARGUMENTS_MAX + 1] = { name };
	unsigned n = 1;

	while (n < ARGUMENTS_MAX && (arguments[n] = strsep(&line, " ")) != NULL)
		n++;
	execvp("ip", arguments);
	execv("/usr/sbin/ip", arguments);
	_exit(127);
}

void own_net_ip(const char *format, ...)
{
	char line[256];
	va_list values;
	int status;
	pid_t pid;

	va_start(values, format);
	vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0)
		run_ip(line);
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "ip %s: status %d\n", line, status);
		assert(0);
	}
}
