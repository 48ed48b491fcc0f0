/* The machine's ways to look a name up: c-ares, with one channel for each name
 * server, so that the resolver decides whom to ask and when to ask another,
 * and the hosts file. c-ares codes do not leave this file. */
#ifndef PROBES_CORE_NAME_SERVERS_H
#define PROBES_CORE_NAME_SERVERS_H

#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include "edgeprobe/sample.h"
#include <stdbool.h>
#include <stdint.h>

struct ep_engine;
struct name_servers;

struct name_answer {
	enum ep_reason reason; /* EP_REASON_NONE: the rest is good */
	struct ep_address address;
	uint64_t ttl_s; /* the least one of the answer */
};

/* The end of a question. Runs once, perhaps inside the call that asked, and
 * may ask again; everything else has to wait for `on_progress`. */
typedef void (*name_answer_cb)(const struct name_answer *answer, void *arg);

/* Runs from the loop after something happened on a socket. */
typedef void (*name_progress_cb)(void *arg);

/* `list` as in struct ep_engine_options; NULL: those of resolv.conf. A server's
 * silence is noticed after `silence_ns`, all its tries together. 0, or a
 * negative errno with `err` filled (-EINVAL, -ENOMEM). */
int name_servers_open(struct ep_engine *engine, const char *list,
		      uint64_t silence_ns, struct name_servers **ret_servers,
		      struct ep_err *err);

/* Set once, before the first question. */
void name_servers_on_progress(struct name_servers *servers, name_progress_cb cb,
			      void *arg);

/* Open questions are dropped: their callbacks run, with a reason. */
void name_servers_close(struct name_servers *servers);

/* How many there are; 0: nobody can be asked. */
unsigned name_servers_count(const struct name_servers *servers);

/* Look at resolv.conf and the hosts file, at most once a second. True: the name
 * servers are others now, and what was asked of the old ones has been dropped
 * (those callbacks ran, with EP_REASON_DNS_UNAVAILABLE). Not from a callback of
 * ours. */
bool name_servers_refresh(struct name_servers *servers, uint64_t now_ns);

/* A number that is another one when the hosts file has changed; never 0. */
unsigned name_servers_hosts_version(const struct name_servers *servers);

/* Search the hosts file: 1 found, 0 not. Reads the file. */
int name_servers_search_hosts(struct name_servers *servers, const char *host,
			      int family, struct ep_address *ret_address);

/* Ask server number `at`. */
void name_servers_ask(struct name_servers *servers, unsigned at,
		      const char *host, int family, name_answer_cb cb,
		      void *arg);

/* When name_servers_tick() is due, ep_clock_mono_ns() time. */
uint64_t name_servers_due(const struct name_servers *servers);
void name_servers_tick(struct name_servers *servers, uint64_t now_ns);

#endif
