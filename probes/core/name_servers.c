/* Happy path: name_servers_ask() hands the question to the channel of that
 * server (name_channel.c), which answers or gives up.
 *
 * What can fail: resolv.conf changes, or what is open was asked over a line
 * that is another one by now (the channels are made anew, and all is asked
 * again); resolv.conf is absent (c-ares then asks 127.0.0.1).
 *
 * c-ares 1.18 rereads the hosts file for every look-up, and starts at the first
 * server each time, however dead. Hence the channel of its own for hosts, and
 * one for each server. */
#include "core/name_servers.h"
#include "core/file_version.h"
#include "core/name_server_list.h"
#include "edgeprobe/address.h"
#include "edgeprobe/clock.h"
#include <ares.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define RESOLV_CONF  "/etc/resolv.conf"
#define HOSTS        "/etc/hosts"
#define CHECK_GAP_NS EP_NS_PER_S

struct name_servers {
	struct name_channels all;
	struct name_server fixed[NAME_SERVERS_MAX];
	unsigned n_fixed; /* 0: resolv.conf decides */
	struct name_channel channels[NAME_SERVERS_MAX];
	unsigned n;
	struct name_channel hosts; /* knows the hosts file only */
	uint64_t due_ns, checked_ns;
	unsigned hosts_version;
	struct file_version resolv_conf_seen, hosts_seen;
};

/* --- channels --- */

static void close_channels(struct name_servers *servers)
{
	for (unsigned i = 0; i < NAME_SERVERS_MAX; i++)
		name_channel_close(&servers->channels[i]);
	name_channel_close(&servers->hosts);
	servers->n = 0;
}

static int open_channels(struct name_servers *servers)
{
	struct name_server found[NAME_SERVERS_MAX];
	const struct name_server *list = servers->fixed;
	unsigned n = servers->n_fixed;
	int r = name_channel_open_hosts(&servers->hosts, &servers->all);

	if (r < 0)
		return r;
	if (n == 0) {
		n = name_channel_servers(&servers->hosts, found);
		list = found;
	}
	for (unsigned i = 0; i < n && r == 0; i++)
		r = name_channel_open(&servers->channels[i], &servers->all,
				      &list[i]);
	if (r < 0) {
		close_channels(servers);
		return r;
	}
	servers->n = n;
	return 0;
}

/* --- what may change under us --- */

/* An interface or address that we asked by has gone or changed. */
static bool has_moved(struct name_servers *servers)
{
	for (unsigned i = 0; i < servers->n; i++)
		if (name_channel_is_stale(&servers->channels[i]))
			return true;
	return false;
}

/* A reload that fails leaves no server, and is tried again at the next look. */
bool name_servers_refresh(struct name_servers *servers, uint64_t now_ns)
{
	bool reload;

	if (servers->checked_ns != 0 &&
	    now_ns - servers->checked_ns < CHECK_GAP_NS)
		return false;
	servers->checked_ns = now_ns;
	if (file_version_changed(HOSTS, &servers->hosts_seen) &&
	    ++servers->hosts_version == 0)
		servers->hosts_version = 1;
	reload = file_version_changed(RESOLV_CONF, &servers->resolv_conf_seen);
	if (!reload && servers->hosts.ares != NULL && !has_moved(servers))
		return false;
	close_channels(servers);
	(void)open_channels(servers);
	return true;
}

/* --- questions --- */

void name_servers_ask(struct name_servers *servers, unsigned at,
		      const char *host, int family, name_answer_cb cb,
		      void *arg)
{
	uint64_t due_ns = ep_clock_mono_ns() +
			  (uint64_t)servers->all.try_ms * EP_NS_PER_MS;

	if (due_ns < servers->due_ns)
		servers->due_ns = due_ns;
	name_channel_ask(&servers->channels[at], host, family, cb, arg);
}

static void on_hosts(const struct name_answer *answer, void *arg)
{
	struct name_answer *ret = arg;

	*ret = *answer;
}

/* With no other source than the file c-ares answers inside the call. */
int name_servers_search_hosts(struct name_servers *servers, const char *host,
			      int family, struct name_answer *ret_answer)
{
	struct name_answer answer = { .reason = EP_REASON_DNS_NXDOMAIN };

	if (servers->hosts.ares == NULL)
		return 0;
	name_channel_ask(&servers->hosts, host, family, on_hosts, &answer);
	if (answer.reason != EP_REASON_NONE)
		return 0;
	*ret_answer = answer;
	return 1;
}

/* --- time --- */

static void look_ahead(struct name_servers *servers, uint64_t now_ns)
{
	servers->due_ns = UINT64_MAX;
	for (unsigned i = 0; i < servers->n; i++) {
		uint64_t due_ns =
			name_channel_due(&servers->channels[i], now_ns);

		if (due_ns < servers->due_ns)
			servers->due_ns = due_ns;
	}
}

uint64_t name_servers_due(const struct name_servers *servers)
{
	return servers->due_ns;
}

void name_servers_tick(struct name_servers *servers, uint64_t now_ns)
{
	if (now_ns < servers->due_ns)
		return;
	for (unsigned i = 0; i < servers->n; i++)
		name_channel_tick(&servers->channels[i]);
	look_ahead(servers, now_ns);
}

/* --- life --- */

static void init_library(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

unsigned name_servers_count(const struct name_servers *servers)
{
	return servers->n;
}

unsigned name_servers_hosts_version(const struct name_servers *servers)
{
	return servers->hosts_version;
}

/* An address reaches servers of its own family only. */
static int check_family(const struct name_servers *servers, const char *source,
			struct ep_err *err)
{
	struct ep_address address;

	if (servers->n_fixed == 0 || ep_address_parse(source, &address) < 0)
		return 0;
	for (unsigned i = 0; i < servers->n_fixed; i++)
		if (servers->fixed[i].address.family == address.family)
			return 0;
	return ep_err_set(err, -EINVAL,
			  "no name server can be asked from %s: one of IPv%u "
			  "is needed",
			  source, address.family);
}

static int set_line(struct name_servers *servers, const char *source,
		    struct ep_err *err)
{
	struct ep_address address;

	if (source == NULL || *source == '\0')
		return 0;
	if (ep_address_parse(source, &address) < 0 &&
	    strlen(source) >= IFNAMSIZ)
		return ep_err_set(err, -EINVAL,
				  "\"%s\" is no address, and longer than the "
				  "%d bytes of an interface's name",
				  source, IFNAMSIZ - 1);
	servers->all.line.source = source;
	return check_family(servers, source, err);
}

int name_servers_open(struct ep_engine *engine,
		      const struct name_servers_options *options,
		      struct name_servers **ret_servers, struct ep_err *err)
{
	static uv_once_t once = UV_ONCE_INIT;
	uint64_t try_ms =
		options->silence_ns / NAME_TRIES_WEIGHT / EP_NS_PER_MS;
	struct name_servers *servers = calloc(1, sizeof(*servers));
	int r = 0;

	if (servers == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	uv_once(&once, init_library);
	servers->all.engine = engine;
	servers->all.try_ms = try_ms > 0 && try_ms < INT_MAX ? (int)try_ms : 1;
	servers->due_ns = UINT64_MAX;
	if (options->list != NULL)
		r = name_server_list_parse(options->list, servers->fixed,
					   &servers->n_fixed, err);
	if (r == 0)
		r = set_line(servers, options->source, err);
	if (r < 0) {
		free(servers);
		return r;
	}
	*ret_servers = servers;
	return 0;
}

void name_servers_on_progress(struct name_servers *servers, name_progress_cb cb,
			      void *arg)
{
	servers->all.on_progress = cb;
	servers->all.arg = arg;
}

void name_servers_close(struct name_servers *servers)
{
	if (servers == NULL)
		return;
	close_channels(servers);
	free(servers);
}
