/* Says when each probe is due, on a libuv loop: one timer for all. It knows
 * neither probes nor store; it calls back. The pure part is plan.h. */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include "schedule/plan.h"
#include <stdint.h>
#include <uv.h>

struct schedule;

/* `item` (an index as added) is due: it should leave at `due_ns`. `missed` due
 * times before that one were not kept (0 in the ordinary case); this call
 * stands for them, too. */
typedef void (*schedule_cb)(unsigned item, uint64_t due_ns, uint64_t missed,
			    void *arg);

/* 0 or negative errno. */
int schedule_open(uv_loop_t *loop, schedule_cb cb, void *arg,
		  struct schedule **ret_schedule);

/* Before schedule_start(): returns the item's index, from 0; or -ENOMEM. */
int schedule_add(struct schedule *schedule, const struct plan_item *item);

/* Begin. */
int schedule_start(struct schedule *schedule);

/* No further call. May be called from the callback. */
void schedule_stop(struct schedule *schedule);

void schedule_close(struct schedule *schedule, void (*cb)(void *arg),
		    void *arg);

#endif
