/* The lock file says whether an agent lives: the kernel drops the lock when it
 * dies, so that its socket can be told from one that is in use, and two agents
 * that start at once cannot both take it. */
#include "control/claim.h"
#include "control/address.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_NAME_MAX (CONTROL_PATH_MAX + 8)
#define GROUPS_MAX    65536 /* as many as the kernel lets a process have */

int claim_init(struct claim *claim, const char *path, const char *group,
	       struct ep_err *err)
{
	const struct group *found;

	*claim = (struct claim){ .path = path, .lock_fd = -1 };
	if (group == NULL)
		return 0;
	found = getgrnam(group);
	if (found == NULL)
		return ep_err_set(err, -EINVAL,
				  "control: this machine has no group \"%s\"",
				  group);
	claim->has_group = true;
	claim->group = found->gr_gid;
	return 0;
}

/* --- the lock --- */

static void lock_name(const struct claim *claim, char *name, size_t size)
{
	snprintf(name, size, "%s-lock", claim->path);
}

/* The file under that name is still the one that is open. */
static bool is_current(int fd, const char *name)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(name, &named) == 0 &&
	       open_one.st_ino == named.st_ino &&
	       open_one.st_dev == named.st_dev;
}

static int lock_failed(const struct claim *claim, int code, struct ep_err *err)
{
	if (code == EWOULDBLOCK)
		return ep_err_set(err, -EBUSY,
				  "%s: another agent listens there",
				  claim->path);
	return ep_err_set(err, -code, "%s: %s", claim->path, strerror(code));
}

static int lock(struct claim *claim, struct ep_err *err)
{
	char name[LOCK_NAME_MAX];
	int fd = -1;

	lock_name(claim, name, sizeof(name));
	while (fd < 0) {
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			  0600);
		if (fd < 0)
			return lock_failed(claim, errno, err);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int code = errno;

			close(fd);
			return lock_failed(claim, code, err);
		}
		if (!is_current(fd, name)) { /* its owner has just left */
			close(fd);
			fd = -1;
		}
	}
	claim->lock_fd = fd;
	return 0;
}

static void unlock(struct claim *claim)
{
	char name[LOCK_NAME_MAX];

	if (claim->lock_fd < 0)
		return;
	lock_name(claim, name, sizeof(name));
	(void)unlink(name);
	close(claim->lock_fd);
	claim->lock_fd = -1;
}

/* --- the socket --- */

static int clear_stale(const struct claim *claim, struct ep_err *err)
{
	struct stat st;

	if (lstat(claim->path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return ep_err_set(err, -EEXIST,
				  "%s: is there, and is no socket: name "
				  "another file or remove it",
				  claim->path);
	if (unlink(claim->path) < 0)
		return ep_err_set(err, -errno, "%s: %s", claim->path,
				  strerror(errno));
	return 0;
}

/* Before it is bound, so that there is no moment at which others may connect:
 * the new file has the mode of the socket, less the umask. */
static int bind_private(const struct claim *claim, int fd)
{
	struct sockaddr_un address;

	if (control_address(claim->path, &address) < 0)
		return -ENAMETOOLONG;
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

static int open_to_group(const struct claim *claim)
{
	if (!claim->has_group)
		return 0;
	if (claim->group != getegid() &&
	    lchown(claim->path, (uid_t)-1, claim->group) < 0)
		return -errno;
	return chmod(claim->path, 0660) < 0 ? -errno : 0;
}

static int make_socket(struct claim *claim, int *ret_fd, struct ep_err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : bind_private(claim, fd);

	claim->bound = r == 0;
	if (r == 0)
		r = open_to_group(claim);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return ep_err_set(err, r, "%s: %s", claim->path, strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

int claim_take(struct claim *claim, int *ret_fd, struct ep_err *err)
{
	struct sockaddr_un address;
	int r = control_address(claim->path, &address);

	if (r < 0)
		return ep_err_set(err, r,
				  "%s: the path of a socket has at most %d "
				  "bytes",
				  claim->path, CONTROL_PATH_MAX);
	r = lock(claim, err);
	if (r == 0)
		r = clear_stale(claim, err);
	if (r == 0)
		r = make_socket(claim, ret_fd, err);
	if (r < 0)
		claim_drop(claim);
	return r;
}

void claim_drop(struct claim *claim)
{
	if (claim->bound)
		(void)unlink(claim->path);
	claim->bound = false;
	unlock(claim);
}

/* --- who may ask --- */

/* The groups of the other end beside its first one. */
static bool has_group(int fd, gid_t group)
{
	gid_t *groups;
	socklen_t size = 0;
	bool found = false;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 ||
	    errno != ERANGE || size > GROUPS_MAX * sizeof(*groups))
		return false;
	groups = malloc(size);
	if (groups == NULL)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found = found || groups[i] == group;
	free(groups);
	return found;
}

bool claim_allows(const struct claim *claim, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	return claim->has_group &&
	       (peer.gid == claim->group || has_group(fd, claim->group));
}
