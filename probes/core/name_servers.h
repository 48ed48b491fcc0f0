/* The machine's ways to look a name up: name servers, each by a channel of its
 * own, so that the resolver decides whom to ask and when to ask another, and
 * the hosts file. */
#ifndef PROBES_CORE_NAME_SERVERS_H
#define PROBES_CORE_NAME_SERVERS_H

#include "core/name_channel.h"
#include "core/name_set.h"
#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stdint.h>

struct ep_engine;
struct name_servers;

/* Texts are as in struct ep_engine_options, and borrowed until the end. */
struct name_servers_options {
	const char *list;    /* NULL: those of resolv.conf */
	const char *source;  /* NULL: asked over any line */
	uint64_t silence_ns; /* of a server, all its tries together */
};

/* 0, or a negative errno with `err` filled (-EINVAL, -ENOMEM). */
int name_servers_open(struct ep_engine *engine,
		      const struct name_servers_options *options,
		      struct name_servers **ret_servers, struct ep_err *err);

/* Set once, before the first question. */
void name_servers_on_progress(struct name_servers *servers, name_progress_cb cb,
			      void *arg);

/* Open questions are dropped: their callbacks run, with a reason. */
void name_servers_close(struct name_servers *servers);

/* How many there are; 0: nobody can be asked. */
unsigned name_servers_count(const struct name_servers *servers);

/* Look at resolv.conf, the hosts file and the lines that questions were asked
 * by, at most once a second. True: all is to be asked anew, because servers or
 * lines are others now, and what was asked has been dropped (those callbacks
 * ran, with some reason). Not from a callback of ours. */
bool name_servers_refresh(struct name_servers *servers, uint64_t now_ns);

/* A number that is another one when the hosts file has changed; never 0. */
unsigned name_servers_hosts_version(const struct name_servers *servers);

/* Search the hosts file: 1 found, 0 not. Reads the file. */
int name_servers_search_hosts(struct name_servers *servers, const char *host,
			      int family, struct name_answer *ret_answer);

/* Ask server number `at`. */
void name_servers_ask(struct name_servers *servers, unsigned at,
		      const char *host, int family, name_answer_cb cb,
		      void *arg);

/* When name_servers_tick() is due, ep_clock_mono_ns() time. */
uint64_t name_servers_due(const struct name_servers *servers);
void name_servers_tick(struct name_servers *servers, uint64_t now_ns);

#endif
