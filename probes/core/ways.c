#include "core/ways.h"
#include "edgeprobe/clock.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A power of two; two ways with the same place drive each other out. */
#define PLACES 512

/* Something may have changed of which there is no notice. */
#define KEEP_NS EP_NS_PER_S

/* Notices read at once; whoever sends more is worth no memory. */
#define NOTICES_MAX 64

#define GROUP(name) (1u << (RTNLGRP_##name - 1))

struct entry {
	uint64_t source; /* its text, hashed; 0: the place is free */
	uint64_t until_ns;
	struct ep_address to;
	struct source_way way;
	int result;
};

struct ways {
	int notices;
	struct entry entries[PLACES];
};

static int subscribe(void)
{
	struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = GROUP(LINK) | GROUP(IPV4_IFADDR) |
			     GROUP(IPV6_IFADDR) | GROUP(IPV4_ROUTE) |
			     GROUP(IPV6_ROUTE) | GROUP(IPV4_RULE) |
			     GROUP(IPV6_RULE) | GROUP(NEXTHOP),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const void *)&name, sizeof(name)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct ways *ways_create(void)
{
	struct ways *ways = calloc(1, sizeof(*ways));

	if (ways == NULL)
		return NULL;
	ways->notices = subscribe();
	if (ways->notices >= 0)
		return ways;
	free(ways);
	return NULL;
}

void ways_destroy(struct ways *ways)
{
	if (ways == NULL)
		return;
	close(ways->notices);
	free(ways);
}

/* A notice that was left out for want of room is one as well (ENOBUFS). */
static bool has_changed(const struct ways *ways)
{
	bool changed = false;
	char byte;

	for (unsigned i = 0; i < NOTICES_MAX; i++) {
		if (recv(ways->notices, &byte, 1, MSG_DONTWAIT) < 0 &&
		    errno != ENOBUFS)
			break;
		changed = true;
	}
	return changed;
}

/* FNV-1a; never 0. */
static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	return h | 1;
}

static struct entry *place_of(struct ways *ways, uint64_t source,
			      const struct ep_address *to)
{
	uint64_t h = hash(source, to->bytes, sizeof(to->bytes));

	return &ways->entries[(h >> 32 ^ h >> 1) & (PLACES - 1)];
}

int ways_find(struct ways *ways, const char *source,
	      const struct ep_address *to, struct source_way *ret_way)
{
	uint64_t now_ns = ep_clock_mono_ns();
	uint64_t key =
		hash(UINT64_C(0xcbf29ce484222325), source, strlen(source));
	struct entry *e = place_of(ways, key, to);

	if (has_changed(ways))
		memset(ways->entries, 0, sizeof(ways->entries));
	if (e->source != key || now_ns >= e->until_ns ||
	    !ep_address_equal(&e->to, to)) {
		e->source = key;
		e->until_ns = now_ns + KEEP_NS;
		e->to = *to;
		e->result = source_find(source, to, &e->way);
	}
	*ret_way = e->way;
	return e->result;
}
