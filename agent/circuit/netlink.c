/* What has changed is not worked out from the kernel's notices: they only say
 * that a look is due, and a look asks for everything. So a notice that was left
 * out for want of room (ENOBUFS) is as good as one that came. */
#include "circuit/netlink.h"
#include "circuit/lines.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define READ_BYTES  32768
#define NOTICES_MAX 512
#define TRIES       4 /* a dump that others changed meanwhile is made again */
#define ANSWER_S    2 /* it is the kernel: more than enough */

/* --- notices --- */

/* The kernel writes the type in the host's order, a filter loads in that of the
 * network. A route's prefix length is the second byte behind the header. */
static int filter_routes(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
			 offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LINES_DEFAULT_BITS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program));
}

int netlink_subscribe(void)
{
	struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return -errno;
	if (filter_routes(fd) < 0 ||
	    bind(fd, (const void *)&name, sizeof(name)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* Whose word it is need not be asked: all it brings about is a look. */
bool netlink_changed(int fd)
{
	bool changed = false;
	char byte;
	ssize_t n;

	for (unsigned i = 0; i < NOTICES_MAX; i++) {
		n = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno != ENOBUFS)
			break;
		changed = true;
	}
	return changed;
}

/* --- dumps --- */

struct question {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg own;
		struct rtmsg route;
	} about;
	struct rtattr attribute;
	uint32_t index;
};

/* A dialogue with the kernel. */
struct dialogue {
	int fd;
	bool interrupted; /* others changed something meanwhile */
	struct lines *lines;
	char *bytes;
};

static int start(struct dialogue *d, struct lines *lines)
{
	struct timeval patience = { .tv_sec = ANSWER_S };
	int on = 1;

	d->lines = lines;
	d->bytes = malloc(READ_BYTES);
	d->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (d->fd < 0 || d->bytes == NULL)
		return d->bytes == NULL ? -ENOMEM : -errno;
	setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* An older kernel does not select routes, and sends them all. */
	setsockopt(d->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

static void end(struct dialogue *d)
{
	if (d->fd >= 0)
		close(d->fd);
	free(d->bytes);
}

/* True at the end of the dump, which `*ret_r` is the result of. */
static bool read_course(struct dialogue *d, size_t n, int *ret_r)
{
	const char *at = d->bytes, *end = d->bytes + n;

	while (end - at >= (ptrdiff_t)sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *m = (const void *)at;
		const struct nlmsgerr *error = NLMSG_DATA(m);

		if (m->nlmsg_flags & NLM_F_DUMP_INTR)
			d->interrupted = true;
		if (m->nlmsg_type == NLMSG_ERROR)
			*ret_r = error->error;
		if (m->nlmsg_type == NLMSG_ERROR ||
		    m->nlmsg_type == NLMSG_DONE || m->nlmsg_len < sizeof(*m))
			return true;
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	return false;
}

static int hear(struct dialogue *d)
{
	bool over = false;
	int r = 0;

	while (r == 0 && !over) {
		ssize_t n = recv(d->fd, d->bytes, READ_BYTES, 0);

		if (n < 0)
			return -errno;
		r = lines_take(d->lines, d->bytes, (size_t)n);
		if (r == 0)
			over = read_course(d, (size_t)n, &r);
	}
	return r;
}

static int ask(struct dialogue *d, uint16_t type, uint8_t family,
	       uint32_t route_index)
{
	struct question q = { .header = {
				      .nlmsg_type = type,
				      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			      } };
	size_t about = sizeof(q.about.own);

	/* all three begin with the family */
	q.about.own.ifa_family = family;
	if (type == RTM_GETLINK)
		about = sizeof(q.about.link);
	if (type == RTM_GETROUTE) {
		about = sizeof(q.about.route);
		q.about.route.rtm_type = RTN_UNICAST;
	}
	q.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(about);
	if (route_index != 0) {
		struct rtattr *a = (void *)((char *)&q + NLMSG_SPACE(about));

		a->rta_type = RTA_OIF;
		a->rta_len = (unsigned short)RTA_LENGTH(sizeof(route_index));
		memcpy(RTA_DATA(a), &route_index, sizeof(route_index));
		q.header.nlmsg_len = (uint32_t)(NLMSG_SPACE(about) +
						RTA_SPACE(sizeof(route_index)));
	}
	if (send(d->fd, &q, q.header.nlmsg_len, 0) < 0)
		return -errno;
	return hear(d);
}

/* A family that this machine does not have has no routes; an interface that has
 * just gone, neither. */
static int ask_routes(struct dialogue *d, uint32_t index)
{
	int r = ask(d, RTM_GETROUTE, AF_INET, index);

	if (r == 0 || r == -ENODEV || r == -EOPNOTSUPP)
		r = ask(d, RTM_GETROUTE, AF_INET6, index);
	return r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
}

static int look(struct dialogue *d, const char *const *sources, size_t n)
{
	uint32_t index;
	int r = ask(d, RTM_GETLINK, AF_UNSPEC, 0);

	if (r == 0)
		r = ask(d, RTM_GETADDR, AF_UNSPEC, 0);
	for (size_t i = 0; r == 0 && i < n; i++) {
		index = sources[i] == NULL
				? 0
				: lines_interface(d->lines, sources[i]);
		if (index != 0)
			r = ask_routes(d, index);
	}
	return r;
}

int netlink_look(struct lines *lines, const char *const *sources, size_t n)
{
	struct dialogue d = { .fd = -1 };
	int r = start(&d, lines);

	for (unsigned try = 0; r == 0 && try < TRIES; try++) {
		lines_clear(lines);
		d.interrupted = false;
		r = look(&d, sources, n);
		if (!d.interrupted)
			break;
	}
	end(&d);
	return r;
}
