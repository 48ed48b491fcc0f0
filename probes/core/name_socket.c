#include "core/name_socket.h"
#include "core/source.h"
#include "edgeprobe/address.h"
#include <ares.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int name_socket_open(int domain, int type, struct name_line *line)
{
	uint8_t family = domain == AF_INET ? 4 : 6;
	struct ep_address address;
	int fd, r;

	if (line->source != NULL &&
	    ep_address_parse(line->source, &address) == 0 &&
	    address.family != family) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	r = source_bind(fd, family, line->source);
	line->gone[family == 6] = r == -ENODEV || r == -EADDRNOTAVAIL;
	if (r == 0)
		return fd;
	close(fd);
	errno = r == -EADDRNOTAVAIL ? EAFNOSUPPORT : -r;
	return -1;
}

/* --- for c-ares: what it would do itself, but for the opening --- */

static ares_socket_t open_for_ares(int domain, int type, int protocol,
				   void *line)
{
	(void)protocol;
	return name_socket_open(domain, type, line);
}

static int close_for_ares(ares_socket_t fd, void *line)
{
	(void)line;
	return close(fd);
}

static int connect_for_ares(ares_socket_t fd, const struct sockaddr *to,
			    ares_socklen_t length, void *line)
{
	(void)line;
	return connect(fd, to, length);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are c-ares' */
static ares_ssize_t receive_for_ares(ares_socket_t fd, void *bytes, size_t size,
				     int flags, struct sockaddr *from,
				     ares_socklen_t *length, void *line)
{
	(void)line;
	return recvfrom(fd, bytes, size, flags, from, length);
}

static ares_ssize_t send_for_ares(ares_socket_t fd, const struct iovec *parts,
				  int n, void *line)
{
	struct msghdr message = {
		.msg_iov = (struct iovec *)(uintptr_t)parts,
		.msg_iovlen = (size_t)n,
	};

	(void)line;
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

const struct ares_socket_functions name_socket_functions = {
	.asocket = open_for_ares,
	.aclose = close_for_ares,
	.aconnect = connect_for_ares,
	.arecvfrom = receive_for_ares,
	.asendv = send_for_ares,
};

/* --- where a socket leaves --- */

struct way_out {
	struct ep_address address;
	int interface; /* it is bound to; 0: none */
};

static int get_way_out(int fd, struct way_out *ret_way)
{
	union ep_sockaddr local;
	socklen_t length = sizeof(local);
	int interface = 0;
	socklen_t size = sizeof(interface);

	if (getsockname(fd, &local.sa, &length) < 0)
		return -errno;
	/* A kernel that does not tell has none that we could compare. */
	(void)getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, &size);
	ret_way->address = ep_address_from_sockaddr(&local.sa);
	ret_way->interface = interface;
	return 0;
}

static int find_way_out(struct name_line *line,
			const struct name_server *server,
			struct way_out *ret_way)
{
	union ep_sockaddr to;
	socklen_t length =
		ep_address_to_sockaddr(&server->address, server->port, &to);
	int fd = name_socket_open(to.sa.sa_family, SOCK_DGRAM, line);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, &to.sa, length) < 0 ? -errno : get_way_out(fd, ret_way);
	close(fd);
	return r;
}

/* Want of descriptors or memory says nothing about the line. */
static bool is_want(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS ||
	       error == -ENOMEM;
}

bool name_socket_is_stale(int fd, struct name_line *line,
			  const struct name_server *server)
{
	struct way_out now = { .interface = 0 }, then = now;
	int r = get_way_out(fd, &then);

	if (r == 0)
		r = find_way_out(line, server, &now);
	if (r < 0)
		return !is_want(r);
	return now.interface != then.interface ||
	       !ep_address_equal(&now.address, &then.address);
}
