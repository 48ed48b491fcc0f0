/* The socket of an https probe: what it is given before it is connected, and
 * what it tells before libcurl reads from it. */
#ifndef PROBES_CORE_HTTPS_SOCKET_H
#define PROBES_CORE_HTTPS_SOCKET_H

#include "core/tcp_info.h"
#include <stdbool.h>
#include <stdint.h>

/* What lies unread in a socket. */
struct https_arrival {
	uint64_t mono_ns;  /* when it came; 0: not known */
	int64_t offset_ns; /* wall minus monotonic, now */
	bool closed;       /* nothing does, and the peer has closed */
};

/* Ask for receive stamps; not to get any is no failure. */
void https_socket_prepare(int fd);

/* The handshake is over: ICMP errors are no end to it any more. */
void https_socket_connected(int fd, uint8_t family);

/* Bytes that IP carried both ways so far, about. */
uint64_t https_socket_bytes(const struct tcp_info_facts *facts, uint8_t family);

/* What parting will take: two alerts of TLS, two FINs, and their ACKs. */
uint64_t https_socket_parting_bytes(uint8_t family);

/* When what lies there came: its first byte, or if that did by `since_ns`
 * (monotonic; when we last read or sent), the last one: TLS 1.3's tickets may
 * come early and lie before the answer. Takes nothing. Not for a socket that
 * has an error pending: libcurl has to see it. */
struct https_arrival https_socket_arrival(int fd, uint64_t since_ns);

/* A descriptor that makes the host stamp packets for as long as it is open, or
 * a negative one. Asking for the first stamp patches the kernel's code, which
 * comes too late for the first reply, and would happen for each probe that is
 * alone. */
int https_socket_keep_stamps(void);

#endif
