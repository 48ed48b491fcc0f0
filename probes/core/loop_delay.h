/* How late a user-space stamp may be: the longest time that an event may have
 * waited for this loop before a callback saw it.
 *
 * The loop either slept when the event came, and then only waking up and the
 * callbacks before ours lie between; or it was busy, and the event may have
 * come any time since the loop looked last. Which of the two it was, the
 * scheduler's own account of this thread tells: time on a processor, and time
 * spent waiting for one. Without that account the answer is the longer one. */
#ifndef PROBES_CORE_LOOP_DELAY_H
#define PROBES_CORE_LOOP_DELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct ep_scope;

/* Embedded; its handles live in the scope given to loop_delay_open(). */
struct loop_delay {
	uv_prepare_t prepare;
	uv_check_t check;
	int account_fd; /* -1: this kernel keeps none */
	bool opened;    /* account_fd was tried, on the loop's own thread */
	unsigned wanted;
	uint64_t wait_ns;   /* when the loop went to wait; 0: not known */
	uint64_t wait_busy; /* the account at that time */
	uint64_t woke_ns;   /* when it came back the time before, at latest */
};

/* Watches nothing yet, and does not keep the loop alive. */
void loop_delay_open(struct loop_delay *delay, uv_loop_t *loop,
		     struct ep_scope *scope);
void loop_delay_shut(struct loop_delay *delay, struct ep_scope *scope);

/* Keep account of the loop while anybody wants it: a microsecond or two for
 * each of its turns. */
void loop_delay_take(struct loop_delay *delay);
void loop_delay_drop(struct loop_delay *delay);

/* The bound for an event seen at `now_ns` (mono), nanoseconds; what it is at
 * most is for the caller to say. */
uint64_t loop_delay_bound_ns(const struct loop_delay *delay, uint64_t now_ns);

#endif
