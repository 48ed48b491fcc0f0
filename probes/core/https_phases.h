/* How long each phase of an https probe took, without the time in which what
 * had arrived lay unread because this process was busy elsewhere.
 *
 * The moments are kept on a clock that stands still while the answer lies in
 * the socket: each time we come to read, the kernel's receive stamp of the
 * first unread byte says for how long it had. Pure; all times are monotonic
 * nanoseconds, 0 is "not reached". */
#ifndef PROBES_CORE_HTTPS_PHASES_H
#define PROBES_CORE_HTTPS_PHASES_H

#include "edgeprobe/sample.h"
#include <stdint.h>

struct https_phases {
	uint64_t open_ns;      /* the socket is there, the SYN leaves */
	uint64_t connected_ns; /* the connection was seen */
	uint64_t hello_ns;     /* the ClientHello is about to be made */
	uint64_t greeted_ns;   /* it leaves; uncorrected */
	uint64_t server_ns;    /* the server's first byte came; its stamp */
	uint64_t secured_ns;   /* TLS is done */
	uint64_t request_ns;   /* the request leaves */
	uint64_t first_ns;     /* the answer's first byte came */
	uint64_t done_ns;      /* its last byte came */
	uint64_t unread_ns;    /* all that lay unread, so far */
	uint64_t arrived_ns;   /* what is being read came then */
	uint64_t worked_ns;    /* when we last read or sent, uncorrected */
};

/* We come to read at `now_ns` what came at `stamp_ns`; 0: no stamp. A stamp from
 * before we were last at work says nothing of how long we were not. */
void https_phases_read(struct https_phases *p, uint64_t now_ns,
		       uint64_t stamp_ns);

/* The corrected clock. */
uint64_t https_phases_clock(const struct https_phases *p, uint64_t now_ns);

/* The ClientHello is about to be made, leaves; TLS is done, the request leaves. */
void https_phases_hello(struct https_phases *p, uint64_t now_ns);
void https_phases_greet(struct https_phases *p, uint64_t now_ns);
void https_phases_secured(struct https_phases *p, uint64_t now_ns);
void https_phases_request(struct https_phases *p, uint64_t now_ns);

/* The server's first byte since the ClientHello came at `stamp_ns`. */
void https_phases_server(struct https_phases *p, uint64_t stamp_ns);

/* The first byte of the answer is among what is being read. */
void https_phases_first(struct https_phases *p, uint64_t now_ns);

/* The durations that are known; `dns_ns` is EP_ABSENT where no name was looked
 * up. The others become EP_ABSENT. */
void https_phases_put(const struct https_phases *p, int64_t dns_ns,
		      struct ep_https *ret_https);

#endif
