/* A socket file that is ours alone, and who may speak through it. */
#ifndef CONTROL_CLAIM_H
#define CONTROL_CLAIM_H

#include "edgeprobe/error.h"
#include <stdbool.h>
#include <sys/types.h>

/* Zero-initialise nothing: claim_init() does. */
struct claim {
	const char *path; /* borrowed */
	int lock_fd;      /* of PATH-lock, held by flock(2); -1: none */
	bool bound;
	bool has_group;
	gid_t group; /* whose members may ask, too */
};

/* -EINVAL: no such group. `group` NULL: root and our own user alone. */
int claim_init(struct claim *claim, const char *path, const char *group,
	       struct ep_err *err);

/* A bound stream socket at `path`, mode 0600, or 0660 with a group; what an
 * agent that is gone has left there is replaced. 0 and `*ret_fd`, which is the
 * caller's; or -EBUSY: a running agent has it; -EEXIST: something else is
 * there; -ENAMETOOLONG; another errno. */
int claim_take(struct claim *claim, int *ret_fd, struct ep_err *err);

/* Remove the socket. */
void claim_drop(struct claim *claim);

/* Who is at the other end of the connection `fd` may ask: root, our own user,
 * a member of the group. */
bool claim_allows(const struct claim *claim, int fd);

#endif
