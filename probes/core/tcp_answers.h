/* Which dials have been answered.
 *
 * They wait in two epoll instances. What happens in the loud one wakes the
 * loop. The quiet one is only asked when somebody looks, because the kernel's
 * figure of a handshake does not change by lying there, and CPU is wake-ups. */
#ifndef PROBES_CORE_TCP_ANSWERS_H
#define PROBES_CORE_TCP_ANSWERS_H

#include "edgeprobe/kind.h"
#include "edgeprobe/private/list.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* A dial that waits; embedded in its owner. Zero-initialise. */
struct tcp_await {
	int fd;
	bool known; /* this descriptor has waited before */
	bool waiting, loud;
};

/* `events` as of epoll. `await` waits no more, and its owner may be gone when
 * this returns; tcp_answers_add() makes it wait again. */
typedef void (*tcp_answered_cb)(struct tcp_await *await, uint32_t events);

#define TCP_ANSWERS_BATCH 64

/* Embedded. */
struct tcp_answers {
	struct ep_engine *engine;
	tcp_answered_cb cb;
	struct ep_watch loud, quiet;
	bool dense;         /* the quiet ones wake nobody */
	uint64_t looked_ns; /* when the quiet ones were last seen empty */
	unsigned n_quiet;   /* that wait */
	struct epoll_event batch[TCP_ANSWERS_BATCH];
	int n_batch, at_batch; /* while they are handed out */
};

/* 0, or a negative errno and nothing is open. */
int tcp_answers_open(struct tcp_answers *answers, struct ep_engine *engine,
		     tcp_answered_cb cb);
void tcp_answers_shut(struct tcp_answers *answers);

/* While probes are dense the quiet ones wait until tcp_answers_look(). */
void tcp_answers_pace(struct tcp_answers *answers, bool dense);

/* Wait for the answer to the dial of `await->fd`. `wake`: it must be seen at
 * once even while probes are dense. 0 or a negative errno. */
int tcp_answers_add(struct tcp_answers *answers, struct tcp_await *await,
		    bool wake);

/* Wait no more. Harmless for one that does not. The descriptor stays in the
 * kernel's list, where it is told of never again, until it is closed. */
void tcp_answers_remove(struct tcp_answers *answers, struct tcp_await *await);

/* Hand out whatever has come by now. */
void tcp_answers_look(struct tcp_answers *answers);

#endif
