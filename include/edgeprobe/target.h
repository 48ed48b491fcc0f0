/* What to measure. */
#ifndef EDGEPROBE_TARGET_H
#define EDGEPROBE_TARGET_H

#include "edgeprobe/option.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ep_kind;

/* Longest name that DNS can carry, in bytes. */
#define EP_HOST_MAX 253

/* Instead of a name: the router that `source` leaves by, as the routing table
 * has it at that moment. A host of this very name needs a dot behind it. */
#define EP_HOST_GATEWAY "gateway"

/* Which address, where a name has several. */
enum ep_pick {
	EP_PICK_FIRST,  /* the first, as the name server orders them */
	EP_PICK_STABLE, /* by `flow`: the same one as long as it is there */
	EP_PICK_NTH,    /* number `nth` of ep_engine_addresses() */
};

/* Addresses of a name that are ever measured side by side. */
#define EP_NTH_MAX 16

/* Borrowed by the engine from ep_probe_start() until the callback returns;
 * zero means the default everywhere. */
struct ep_target {
	const struct ep_kind *kind; /* how: ep_kind_find("icmp") */
	const char *host;    /* name or literal address, without brackets */
	const char *source;  /* interface or address to leave by; NULL: any */
	const char *path;    /* https: starts with '/'; NULL: "/" */
	uint64_t timeout_ns; /* silence after the send that is a loss; 0: 3 s */
	uint64_t flow;   /* stable number of this target: keeps its flow one */
	uint16_t port;   /* 0: the kind's own */
	uint8_t family;  /* 4 or 6; 0: the first address the name gives */
	uint8_t pick;    /* enum ep_pick */
	uint8_t nth;     /* EP_PICK_NTH: 0 to EP_NTH_MAX - 1 */
	bool fresh_flow; /* not the constant flow, but a new one: other ids or
			  * ports, which load balancers and NATs tell apart */
	bool kept;       /* https: over a connection that is kept open */
	bool dont_fragment; /* icmp: DF is set; false: as the system likes */
	uint64_t size;      /* icmp: bytes of payload, 24 to 1472; 0: 56 */
	uint64_t ttl;       /* 1 to 255; 0: the system's */
	uint64_t dscp;      /* 0 to 63 */
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
