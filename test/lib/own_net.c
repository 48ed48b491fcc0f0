#include "own_net.h"
#include <assert.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
