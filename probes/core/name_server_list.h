/* A list of name servers as people write it. Pure. */
#ifndef PROBES_CORE_NAME_SERVER_LIST_H
#define PROBES_CORE_NAME_SERVER_LIST_H

#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include <stdint.h>

/* More than anybody configures; each costs a socket. */
#define NAME_SERVERS_MAX 8

struct name_server {
	struct ep_address address;
	uint16_t port;
};

/* "ADDRESS", "ADDRESS:PORT" (IPv4) or "[ADDRESS6]:PORT", comma-separated.
 * 0, or -EINVAL and in `err` which one is wrong and what is allowed. */
int name_server_list_parse(const char *text,
			   struct name_server ret_servers[NAME_SERVERS_MAX],
			   unsigned *ret_n, struct ep_err *err);

#endif
