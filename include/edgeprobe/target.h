/* What to measure. */
#ifndef EDGEPROBE_TARGET_H
#define EDGEPROBE_TARGET_H

#include "edgeprobe/option.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ep_kind;

/* Longest name that DNS can carry, in bytes. */
#define EP_HOST_MAX 253

/* Borrowed by the engine from ep_probe_start() until the callback returns;
 * zero means the default everywhere. */
struct ep_target {
	const struct ep_kind *kind; /* how: ep_kind_find("icmp") */
	const char *host;    /* name or literal address, without brackets */
	const char *source;  /* interface or address to leave by; NULL: any */
	const char *path;    /* https: starts with '/'; NULL: "/" */
	uint64_t timeout_ns; /* silence after the send that is a loss; 0: 3 s */
	uint64_t flow;  /* stable number of this target: keeps its flow one */
	uint16_t port;  /* 0: the kind's own */
	uint8_t family; /* 4 or 6; 0: the first address the name gives */
	uint64_t size;  /* icmp: bytes of payload, 24 to 1472; 0: 56 */
	uint64_t ttl;   /* 1 to 255; 0: the system's */
	uint64_t dscp;  /* 0 to 63 */
	struct ep_statuses expect_status; /* https: none means any status */
};

#define EP_TIMEOUT_DEFAULT_NS UINT64_C(3000000000)

/* 0 if a probe of it can be started, else -EINVAL and why in `err`: no kind,
 * host empty, longer than EP_HOST_MAX or with bytes no name has, family
 * unknown, a path without its slash. */
struct ep_err;
int ep_target_check(const struct ep_target *target, struct ep_err *err);

#ifdef __cplusplus
}
#endif

#endif
