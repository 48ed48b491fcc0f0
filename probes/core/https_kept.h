/* The connections that are kept open for https targets with `kept`. libcurl
 * holds them; this table tells whose each is, and by which name libcurl shall
 * find it again. */
#ifndef PROBES_CORE_HTTPS_KEPT_H
#define PROBES_CORE_HTTPS_KEPT_H

#include "edgeprobe/address.h"
#include "edgeprobe/private/list.h"
#include "edgeprobe/target.h"
#include <stdbool.h>
#include <stdint.h>

/* At most so many; beyond, the one that was not used for longest is closed. */
#define HTTPS_KEPT_MAX 32768

#define HTTPS_KEPT_BUCKETS 1024

struct https_kept_set {
	struct list buckets[HTTPS_KEPT_BUCKETS];
	struct list idle; /* not in use, the longest first */
	unsigned n, max;
	uint32_t last_id;
};

/* One connection, open or not; in use by one probe at most. */
struct https_kept {
	struct list link, idle;
	struct https_kept_set *set;
	uint32_t id; /* in `alias` */
	/* Of libcurl's pool: it compares neither circuits nor what else a target
	 * is told by, so each connection has an address of its own there, which
	 * nobody can have. The real one is put in when the socket is opened. */
	struct ep_address alias;
	struct ep_address address; /* where it leads */
	uint64_t bytes; /* that were counted, of IP packets both ways */
	int fd;         /* -1: not open */
	bool used;
	/* The target's: */
	uint64_t flow;
	uint16_t port;
	uint8_t nth;
	char *source; /* "": any */
	char host[];
};

void https_kept_init(struct https_kept_set *set, unsigned max);

/* When libcurl has closed all of them. */
void https_kept_finish(struct https_kept_set *set);

/* One for `target` that is not in use. If it leads to another address it is
 * closed, to be opened anew. Returns NULL: no memory. Every one that is taken is
 * to be dropped, and stays where it is until https_kept_finish(). */
struct https_kept *https_kept_take(struct https_kept_set *set,
				   const struct ep_target *target,
				   const struct ep_address *address,
				   uint16_t port);
void https_kept_drop(struct https_kept *kept);

/* The descriptor that libcurl got for it, and that it lets go. */
void https_kept_opened(struct https_kept *kept, int fd);
void https_kept_closed(struct https_kept *kept, int fd);

#endif
