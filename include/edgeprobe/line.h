/* What the kernel of this host tells about packets on one of its lines. */
#ifndef EDGEPROBE_LINE_H
#define EDGEPROBE_LINE_H

#include "edgeprobe/engine.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How well an ICMP round trip can be measured over it. */
struct ep_line {
	const char *source; /* as asked; NULL: the default route */
	uint8_t family;     /* 4 or 6; 0: no address to send to was found */
	unsigned echoes, replies;
	bool tx_driver; /* stamped when handed to the device: the best */
	bool tx_queue;  /* stamped before the local queue: EP_FLAG_TX_SCHED */
	bool rx;        /* replies are stamped */
	uint64_t buffer_bytes; /* for received packets; granted, not asked */
};

/* Borrowed until the callback returns. */
typedef void (*ep_line_cb)(const struct ep_line *line, void *arg);

/* Find that out with a few ICMP echoes that leave by `source` (interface or
 * address; NULL: any) to the line's gateway, or, if that is silent, to `host`.
 * Takes a few round trips, at most some seconds, and hinders no probe. On 0 the
 * callback runs once, from the loop; on a negative errno never. Texts are
 * copied. */
int ep_engine_self_test(struct ep_engine *engine, const char *source,
			const char *host, ep_line_cb cb, void *arg);

#ifdef __cplusplus
}
#endif

#endif
