/* Says when each probe is due, on a libuv loop: one timer for all. It knows
 * neither probes nor store; it calls back. The pure part is plan.h. */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include "base/hist.h"
#include "schedule/plan.h"
#include <stdint.h>
#include <uv.h>

struct schedule;

/* `due` is borrowed. With `due->missed` nothing is to be sent: that many due
 * times from `due->due_ns` on could not be kept. */
typedef void (*schedule_cb)(const struct plan_due *due, void *arg);

/* Takes `plan` on success and destroys it at the end. 0 or negative errno. */
int schedule_open(uv_loop_t *loop, struct plan *plan, schedule_cb cb, void *arg,
		  struct schedule **ret_schedule);

/* Begin. */
void schedule_start(struct schedule *schedule);

/* No further call, also when called from the callback. */
void schedule_stop(struct schedule *schedule);

/* How late the loop came, each time that the timer called it: the host's doing,
 * or that of whoever keeps the loop busy. Those since the last call, which are
 * forgotten here. On the loop's thread. */
void schedule_take_lag(struct schedule *schedule, struct hist *ret_lag);

/* `cb` (may be NULL) runs from the loop when nothing is left of it. */
void schedule_close(struct schedule *schedule, void (*cb)(void *arg),
		    void *arg);

#endif
