#include "edgeprobe/clock.h"
#include <sys/timex.h>
#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * EP_NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t ep_clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t ep_clock_boot_ns(void)
{
	return read_ns(CLOCK_BOOTTIME);
}

uint64_t ep_clock_wall_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

/* The monotonic clock is read on both sides, and the narrowest of a few tries
 * counts: being preempted between two reads must not look like a step. */
int64_t ep_clock_offset_ns(void)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = ep_clock_mono_ns();
		uint64_t wall = ep_clock_wall_ns();
		uint64_t after = ep_clock_mono_ns();

		if (after - before < best) {
			best = after - before;
			offset = (int64_t)(wall - before - best / 2);
		}
		if (best < EP_NS_PER_US)
			break;
	}
	return offset;
}

uint64_t ep_clock_suspended_ns(void)
{
	uint64_t mono = ep_clock_mono_ns();
	uint64_t boot = ep_clock_boot_ns();

	return boot > mono ? boot - mono : 0;
}

int ep_clock_synced(void)
{
	struct timex t = { .modes = 0 };

	return adjtimex(&t) >= 0 && (t.status & STA_UNSYNC) == 0;
}
