/* How a kind hears of its descriptors. */
#ifndef EDGEPROBE_WATCH_H
#define EDGEPROBE_WATCH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ep_engine;

/* A descriptor in the engine's own epoll instance. The instance is what libuv
 * polls, because libuv stops a handle on POLLERR, which a transmit stamp
 * raises. Embed it; it is the engine's between watch and unwatch. */
struct ep_watch {
	int fd;
	/* `events` are EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as they came. */
	void (*on_ready)(struct ep_watch *watch, uint32_t events);
};

/* Start, or change `events`; level-triggered. 0 or negative errno. */
int ep_engine_watch(struct ep_engine *engine, struct ep_watch *watch,
		    uint32_t events);
/* Stop; `on_ready` does not run again, even inside the same wake-up. Harmless
 * for one that is not watched. Call it before close(2). */
void ep_engine_unwatch(struct ep_engine *engine, struct ep_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
