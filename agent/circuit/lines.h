/* This machine's interfaces, addresses and default routes, as the kernel's
 * messages say, and what they mean for a circuit. Pure: fed with bytes. */
#ifndef CIRCUIT_LINES_H
#define CIRCUIT_LINES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a longer prefix no route is a default; two halves, or eight eighths of
 * IPv6's global space, together are. */
#define LINES_DEFAULT_BITS 4

struct lines;

/* NULL: out of memory. */
struct lines *lines_create(void);
void lines_destroy(struct lines *lines);

/* Forget everything: a new dump comes. */
void lines_clear(struct lines *lines);

/* Take the rtnetlink messages of one datagram: RTM_NEWLINK, RTM_NEWADDR and
 * RTM_NEWROUTE; others are left out, and so is what is cut short. 0, or
 * -ENOMEM, or -E2BIG beyond LINES_MAX of a sort. */
#define LINES_MAX 65536
int lines_take(struct lines *lines, const void *bytes, size_t n);

/* What a circuit lacks first. */
enum line_lack {
	LINE_WHOLE,
	LINE_NO_INTERFACE,
	LINE_INTERFACE_DOWN,
	LINE_NO_CARRIER,
	LINE_NO_ADDRESS,
	LINE_NO_ROUTE, /* no default route by it */
};

#define LINE_ADDRESSES_MAX 256

struct line {
	enum line_lack lack;
	bool routed;                        /* has a default route */
	char interface[IFNAMSIZ];           /* "": none is known */
	char addresses[LINE_ADDRESSES_MAX]; /* "A,B", sorted; "": none */
};

/* Look `source` up, an interface's name or a literal address. Addresses are
 * those a packet can leave from: not link-local (unless named), not still
 * being tried, not deprecated. `lack` is never LINE_NO_ROUTE: whether it needs
 * a default route is not known here. */
void lines_look(const struct lines *lines, const char *source,
		struct line *ret_line);

/* Index of the interface that `source` is or is on; 0: there is none. */
unsigned lines_interface(const struct lines *lines, const char *source);

/* The row's word; "" for LINE_WHOLE. */
const char *line_lack_name(enum line_lack lack);

#endif
