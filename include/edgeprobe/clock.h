/* Clocks. Intervals are differences of one monotonic clock, or of two kernel
 * stamps; wall time labels a record and is never subtracted across a step. */
#ifndef EDGEPROBE_CLOCK_H
#define EDGEPROBE_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EP_NS_PER_US UINT64_C(1000)
#define EP_NS_PER_MS UINT64_C(1000000)
#define EP_NS_PER_S  UINT64_C(1000000000)

/* Nanoseconds of CLOCK_MONOTONIC: does not step, stands still in suspend. */
uint64_t ep_clock_mono_ns(void);

/* Nanoseconds of CLOCK_BOOTTIME: does not step, goes on in suspend. */
uint64_t ep_clock_boot_ns(void);

/* Nanoseconds since 1970 (CLOCK_REALTIME); the clock of kernel packet stamps. */
uint64_t ep_clock_wall_ns(void);

/* CLOCK_REALTIME minus CLOCK_MONOTONIC, nanoseconds. It moves slowly (at most
 * 500 ppm) unless the wall clock was stepped or the host was suspended. */
int64_t ep_clock_offset_ns(void);

/* CLOCK_BOOTTIME minus CLOCK_MONOTONIC: time spent in suspend, nanoseconds. */
uint64_t ep_clock_suspended_ns(void);

/* 1 if the kernel says that the wall clock is synchronised (adjtimex, read
 * only: no STA_UNSYNC), 0 if not. A container may always say 0. */
int ep_clock_synced(void);

#ifdef __cplusplus
}
#endif

#endif
