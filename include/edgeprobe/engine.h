/* A measuring engine on a libuv loop. It is single-threaded: everything of one
 * engine happens on the thread that runs its loop. A process may have several,
 * each on a loop of its own. */
#ifndef EDGEPROBE_ENGINE_H
#define EDGEPROBE_ENGINE_H

#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/probe.h"
#include "edgeprobe/stats.h"
#include <stdbool.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All may be zero. Texts are copied. */
struct ep_engine_options {
	/* Name servers, "ADDRESS", "ADDRESS:PORT" or "[ADDRESS6]:PORT",
	 * comma-separated; NULL: those of resolv.conf. */
	const char *dns_servers;
	/* Interface or address that name servers are asked over, and no other;
	 * it may come and go. While it is not there look-ups fail with
	 * EP_REASON_NO_SOURCE. NULL: any. */
	const char *dns_source;
	/* PEM bundle of trusted CAs; NULL: SSL_CERT_FILE, else the system's. */
	const char *ca_file;
	/* User-Agent of https probes; NULL: "edgeprobe/VERSION". */
	const char *user_agent;
	/* Silence of the name servers after which a look-up has failed, for
	 * all its tries together; 0: 5 s. */
	uint64_t dns_timeout_ns;
	/* Use a raw ICMP socket even where ping sockets are allowed. */
	bool icmp_raw;
};

/* Something about a probe that was already answered: a reply after the
 * deadline (EP_REPLIED, `id` as in the sample counted lost), or one that came
 * again (with EP_FLAG_DUPLICATE). Borrowed until the callback returns. */
typedef void (*ep_late_cb)(const struct ep_sample *sample, void *arg);

/* A name has other addresses than before. `added` and `removed` are against
 * what was told last (or, at first, was known first): both are empty if it is
 * back to that. */
struct ep_names_change {
	const char *host; /* lower case, without a dot at the end */
	uint8_t family;   /* that was asked for: 4, 6; 0: either */
	unsigned n;       /* addresses now; EP_NTH_MAX at most count */
	unsigned n_added, n_removed;
	const struct ep_address *added, *removed;
	unsigned changes; /* answers since then that differed from the one
			   * before them; at least 1 */
};

/* Borrowed until the callback returns. */
typedef void (*ep_names_cb)(const struct ep_names_change *change, void *arg);

/* A name that was told of is not told of again for so long; what changes
 * meanwhile is told in one at the end. */
#define EP_NAMES_GAP_NS UINT64_C(60000000000)

/* Called when nothing of the engine is left. */
typedef void (*ep_engine_close_cb)(void *arg);

/* Create an engine on `loop`, which must outlive it. Opens no socket yet and
 * asks no name server, so it succeeds on a machine without network. A name
 * server or CA file that cannot be used is an error (-EINVAL, -ENOENT, ...)
 * with `err` filled. 0, or a negative errno. */
int ep_engine_open(uv_loop_t *loop, const struct ep_engine_options *options,
		   struct ep_engine **ret_engine, struct ep_err *err);

/* Cancel what is under way (each callback runs with EP_CANCELLED), close every
 * handle and free; `cb` (which may be NULL) runs from the loop at the end.
 * Must be called once; the engine may not be used after it. */
void ep_engine_close(struct ep_engine *engine, ep_engine_close_cb cb,
		     void *arg);

/* Ask for late and duplicate replies; NULL: not wanted (the default). */
void ep_engine_on_late(struct ep_engine *engine, ep_late_cb cb, void *arg);

/* Ask for changes of names' addresses; NULL: not wanted (the default). Failed
 * look-ups change nothing. */
void ep_engine_on_names(struct ep_engine *engine, ep_names_cb cb, void *arg);

/* The addresses of the target's host (in its family) by the last good answer,
 * even one that has to be asked for again: sorted, IPv4 first, lowest first;
 * they are what EP_PICK_NTH counts. Asks nobody. Returns how many, `max` at
 * most; 0: none is known, or the host is EP_HOST_GATEWAY. */
unsigned ep_engine_addresses(const struct ep_engine *engine,
			     const struct ep_target *target,
			     struct ep_address *ret, unsigned max);

/* Open what `kind` needs for `family` (4 or 6) now instead of at the first
 * probe. 0 if it can measure on this host, else a negative errno and in `err`
 * what to grant, e.g. -EACCES for ICMP without permission. */
int ep_engine_ready(struct ep_engine *engine, const struct ep_kind *kind,
		    int family, struct ep_err *err);

/* Forget cached names; the next probe of each asks again. */
void ep_engine_flush_names(struct ep_engine *engine);

/* Probes started and not yet answered. */
unsigned ep_engine_in_flight(const struct ep_engine *engine);

/* "MAJOR.MINOR.PATCH" of this library. */
const char *ep_version(void);

#ifdef __cplusplus
}
#endif

#endif
