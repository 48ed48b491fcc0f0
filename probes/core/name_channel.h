/* c-ares on the engine's epoll instance, asking one name server or searching
 * one file. c-ares codes do not leave name_channel.c. */
#ifndef PROBES_CORE_NAME_CHANNEL_H
#define PROBES_CORE_NAME_CHANNEL_H

#include "core/name_server_list.h"
#include "core/name_set.h"
#include "core/name_socket.h"
#include "edgeprobe/private/list.h"
#include <stdbool.h>
#include <stdint.h>

struct ares_channeldata;
struct ep_engine;

/* The end of a question. Runs once, perhaps inside the call that asked, and
 * may ask again; everything else has to wait for `on_progress`. */
typedef void (*name_answer_cb)(const struct name_answer *answer, void *arg);

/* Runs from the loop after something happened on a socket. */
typedef void (*name_progress_cb)(void *arg);

/* What all channels have in common; lives longer than each. */
struct name_channels {
	struct ep_engine *engine;
	struct name_line line;
	int try_ms; /* how long the first of NAME_TRIES is waited for */
	name_progress_cb on_progress;
	void *arg;
};

/* A server is asked so often; c-ares doubles its patience each time. */
#define NAME_TRIES        3
#define NAME_TRIES_WEIGHT (1 + 2 + 4)

/* Zeroed: closed. It stays in place while it is open. */
struct name_channel {
	struct name_channels *all;
	struct ares_channeldata *ares;
	struct list sockets;
	struct name_server server;
};

/* Ask `server`. 0, -ENOMEM or -EIO. */
int name_channel_open(struct name_channel *channel, struct name_channels *all,
		      const struct name_server *server);

/* Search the hosts file, and read resolv.conf for name_channel_servers(). */
int name_channel_open_hosts(struct name_channel *channel,
			    struct name_channels *all);

/* Open questions are dropped: their callbacks run, with a reason. */
void name_channel_close(struct name_channel *channel);

/* The servers that resolv.conf names; returns how many. */
unsigned name_channel_servers(struct name_channel *hosts,
			      struct name_server ret[NAME_SERVERS_MAX]);

/* `host` in lower case; `family` 4, 6 or 0. */
void name_channel_ask(struct name_channel *channel, const char *host,
		      int family, name_answer_cb cb, void *arg);

/* True if questions are open on a socket that leaves as no new one would. */
bool name_channel_is_stale(struct name_channel *channel);

/* When c-ares wants name_channel_tick(): ep_clock_mono_ns() time, at or after
 * `now_ns`; UINT64_MAX: never. */
uint64_t name_channel_due(struct name_channel *channel, uint64_t now_ns);
void name_channel_tick(struct name_channel *channel);

#endif
