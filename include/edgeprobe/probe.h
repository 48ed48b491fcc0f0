/* Measure one target once. */
#ifndef EDGEPROBE_PROBE_H
#define EDGEPROBE_PROBE_H

#include "edgeprobe/sample.h"
#include "edgeprobe/target.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ep_engine;
struct ep_probe;

/* The answer. `sample` is borrowed until the callback returns; so is
 * `target`, which is the caller's own again afterwards. The callback may start
 * and cancel probes, and may close the engine. */
typedef void (*ep_probe_cb)(const struct ep_target *target,
			    const struct ep_sample *sample, void *arg);

/* Measure `target` once. On 0 the callback will run exactly once, from the
 * loop and never from inside this call; on a negative errno it never runs
 * (-EINVAL: see ep_target_check(); -ENOMEM; -ECANCELED: the engine is
 * closing). `due_ns` is when it should have been sent, in ep_clock_mono_ns()
 * time, for `slip_ns`; 0 means now. Where the address is known the packet
 * leaves inside this call. `*ret_probe` (which may be NULL) is borrowed: it is
 * gone when the callback returns. `sample->id` is told in advance by
 * ep_probe_id(). */
int ep_probe_start(struct ep_engine *engine, const struct ep_target *target,
		   uint64_t due_ns, ep_probe_cb cb, void *arg,
		   struct ep_probe **ret_probe);

/* Stop asking: the callback runs from the loop with EP_CANCELLED, unless an
 * outcome was already on its way. May be called twice. */
void ep_probe_cancel(struct ep_probe *probe);

/* The `id` that the sample of this probe will carry. */
uint64_t ep_probe_id(const struct ep_probe *probe);

#ifdef __cplusplus
}
#endif

#endif
