/* What a call would have suffered, by Microsoft's thresholds for media: the
 * worst share lost in any 15 s and in any 200 ms, and the worst jitter in any
 * 15 s. Pure, online, in bounded memory; one for each series. */
#ifndef REPORT_JUDGING_VOICE_H
#define REPORT_JUDGING_VOICE_H

#include <stddef.h>
#include <stdint.h>

#define VOICE_LONG_NS  UINT64_C(15000000000)
#define VOICE_SHORT_NS UINT64_C(200000000)

/* Packets that a window has to hold to be one: below, a single loss would be
 * more than the threshold, whatever the line is like. */
#define VOICE_LONG_LEAST  100
#define VOICE_SHORT_LEAST 8

/* A lost packet is known only when its time is over: samples may come in any
 * order as long as they are so close. What is further behind the newest is left
 * out (`stale`); what is VOICE_STEP_NS behind says that the clock was set back,
 * and begins anew. */
#define VOICE_SETTLE_NS UINT64_C(15000000000)
#define VOICE_STEP_NS   UINT64_C(120000000000)

/* Most packets that are held: beyond, the oldest are settled, and leave their
 * window, before their time. */
#define VOICE_HELD_MAX 8192

#define VOICE_LOST (-1) /* instead of a round trip */

/* The worst windows; percent and nanoseconds, NAN where no window held enough
 * packets. `_at_ns` is when the window's last packet was sent. */
struct voice_worst {
	double loss_percent;  /* of any 15 s */
	double burst_percent; /* of any 200 ms */
	/* Mean difference of the round trips of packets that follow each other
	 * within 200 ms, of any 15 s. */
	double jitter_ns;
	uint64_t loss_at_ns, burst_at_ns, jitter_at_ns;
};

struct voice_packet {
	uint64_t sent_ns;
	int64_t rtt_ns;
};

/* A window (from, next] of what is held: how much of it was lost. */
struct voice_window {
	size_t from; /* the first packet in it */
	uint64_t n, lost;
};

/* Zero-initialise; voice_end() frees. */
struct voice {
	struct voice_packet *held; /* by sent_ns; own array */
	size_t n, size, next;      /* `next`: the first that is not settled */
	struct voice_window loss, burst;
	uint64_t differences, difference_ns; /* in the long window */
	struct {
		double percent, ns;
		uint64_t at_ns;
	} worst_loss, worst_burst, worst_jitter; /* at_ns 0: none yet */
	uint64_t settled_ns;                     /* sent_ns of the last */
	uint64_t stale;                          /* packets left out */
};

/* A packet: its round trip, or VOICE_LOST where no answer came in time. What was
 * not sent, or was spoilt by our own host, is not said here. 0 or -ENOMEM (it is
 * then not counted). */
int voice_see(struct voice *v, uint64_t sent_ns, int64_t rtt_ns);

/* There is no more: the worst of all. */
void voice_end(struct voice *v, struct voice_worst *ret_worst);

#endif
