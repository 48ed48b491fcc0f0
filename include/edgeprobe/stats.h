/* What an engine did: so that the host's troubles can be told from the
 * network's. */
#ifndef EDGEPROBE_STATS_H
#define EDGEPROBE_STATS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ep_engine;

/* What an engine has done since it was opened, and how its host let it. */
struct ep_engine_stats {
	uint64_t started;     /* probes */
	uint64_t wakeups;     /* times that its loop called it */
	uint64_t drains;      /* times that it looked at what the kernel holds
			   * without having been called for it */
	uint64_t stalls;      /* times that nobody ran it for 200 ms or longer
			   * while probes were under way: EP_FLAG_STALLED */
	uint64_t local_drops; /* packets that the kernel had no room for */
	/* Round trips by where their stamps are from. */
	uint64_t stamps_kernel, stamps_mixed, stamps_user;
	uint64_t stamps_sched;  /* of the first two, EP_FLAG_TX_SCHED */
	unsigned in_flight_max; /* since the call before this */
};

/* Fill `*ret_stats`. On the loop's thread. */
void ep_engine_stats(struct ep_engine *engine,
		     struct ep_engine_stats *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
