/* The kernel's word on interfaces, addresses and routes (rtnetlink). */
#ifndef CIRCUIT_NETLINK_H
#define CIRCUIT_NETLINK_H

#include <stdbool.h>
#include <stddef.h>

struct lines;

/* A nonblocking socket that becomes readable when an interface, an address or a
 * default route has changed; other routes' changes, of which a router may have
 * thousands a second, do not reach it. The descriptor, or negative errno. */
int netlink_subscribe(void);

/* Read what is there, at most some hundred messages. True if anything was, or
 * if the kernel had to leave something out: look again then. */
bool netlink_changed(int fd);

/* Fill `lines` with how it is now. Of routes, only those by the interfaces of
 * the `n` circuits' `sources` (NULL: skipped). Waits for the kernel, which
 * answers at once. 0 or negative errno, and `lines` is to be cleared. */
int netlink_look(struct lines *lines, const char *const *sources, size_t n);

#endif
