/* What https.c and https_wire.c share; nobody else includes it. */
#ifndef PROBES_CORE_HTTPS_I_H
#define PROBES_CORE_HTTPS_I_H

#include "core/https_answer.h"
#include "core/https_kept.h"
#include "core/https_phases.h"
#include "core/https_request.h"
#include "core/https_tls.h"
#include "core/https_verdict.h"
#include "core/loop_delay.h"
#include "core/tcp_dial.h"
#include "core/tcp_partings.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/private/curl_loop.h"
#include "edgeprobe/private/trust.h"
#include <stdbool.h>
#include <stdint.h>

/* Of an engine. */
struct https_shared {
	struct curl_loop *curl;
	struct ep_trust *trust;
	struct loop_delay delay;
	struct https_writing writing;
	struct tcp_partings partings;
	struct https_kept_set kept;
	int stamps_fd; /* keeps the kernel stamping between probes; -1 */
	bool closing;
};

/* Of a probe: one transfer, or one after the other. */
struct https {
	struct curl_transfer transfer;
	struct ep_probe *probe;
	struct https_request request;
	struct https_answer answer;
	struct https_phases phases;
	struct https_end end;
	struct https_kept *kept; /* NULL: a fresh connection */
	int fd;            /* libcurl's; its number is good until TLS begins */
	unsigned try;      /* for a port of the flow */
	unsigned openings; /* that took place for a kept one */
	uint64_t dialled_ns; /* first event of the socket; 0: none */
	uint64_t late_ns;    /* by how much at most we saw it late */
	uint64_t bytes;      /* counted of a fresh connection */
	int64_t offset_ns;   /* wall minus monotonic, at the dial */
	int64_t srtt_ns, min_rtt_ns;
	bool opened;    /* a socket, for this transfer */
	bool fixed;     /* its port is the flow's */
	bool connected; /* it was */
	bool stamped;   /* by the kernel, the first byte of the answer */
};

/* Let libcurl tell of its sockets, of TLS and of the request. */
CURLcode https_wire_watch(struct https *h, struct https_shared *shared);

/* Something happened at the socket, of which libcurl is still to be told. True:
 * the network has said why there will be no connection, in `ret_icmp`. */
bool https_wire_event(struct https *h, curl_socket_t fd, int events,
		      struct flow_error *ret_icmp);

/* Count the packets so far, while `fd` is still open. */
void https_wire_count(struct https *h, curl_socket_t fd);

#endif
