/* The sockets by which name servers are asked: over a certain line, and still
 * the ones that the kernel would open today. */
#ifndef PROBES_CORE_NAME_SOCKET_H
#define PROBES_CORE_NAME_SOCKET_H

#include "core/name_server_list.h"
#include <stdbool.h>

/* Where they leave, and what came of the last one. */
struct name_line {
	const char *source; /* interface or address; NULL: any */
	/* By family, IPv4 first: the last one could not be opened, because
	 * `source` is not there, or has no address of that family. */
	bool gone[2];
};

/* A socket (AF_INET or AF_INET6) that leaves by `line`, nonblocking; -1 and
 * errno, which is EAFNOSUPPORT if the line has no address of the family: then
 * c-ares puts such addresses last. */
int name_socket_open(int domain, int type, struct name_line *line);

/* The same for c-ares; the user data is a struct name_line. */
struct ares_socket_functions;
extern const struct ares_socket_functions name_socket_functions;

/* True if `fd`, connected to `server`, leaves from another address or interface
 * than a new socket would, or a new one could not be opened at all: answers to
 * it may never come. */
bool name_socket_is_stale(int fd, struct name_line *line,
			  const struct name_server *server);

#endif
