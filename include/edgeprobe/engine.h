/* A measuring engine on a libuv loop. It is single-threaded: everything of one
 * engine happens on the thread that runs its loop. A process may have several,
 * each on a loop of its own. */
#ifndef EDGEPROBE_ENGINE_H
#define EDGEPROBE_ENGINE_H

#include "edgeprobe/error.h"
#include "edgeprobe/kind.h"
#include "edgeprobe/probe.h"
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
