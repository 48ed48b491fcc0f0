#include "core/name_server_list.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

/* Longest entry: brackets, address with scope, colon, five digits. */
#define ENTRY_MAX (EP_ADDRESS_TEXT_MAX + 9)

static int parse_port(const char *text, uint16_t *ret_port)
{
	size_t n = strspn(text, "0123456789");
	unsigned long port;

	if (n == 0 || n > 5 || text[n] != '\0')
		return -EINVAL;
	port = strtoul(text, NULL, 10);
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

/* The colon before the port: after the bracket, or the only one there is. */
static char *find_port(char *entry)
{
	char *end = strchr(entry, ']');
	char *colon;

	if (end != NULL)
		return end[1] == ':' ? end + 1 : NULL;
	colon = strchr(entry, ':');
	return colon != NULL && strchr(colon + 1, ':') == NULL ? colon : NULL;
}

static int strip_brackets(char **entry)
{
	size_t n = strlen(*entry);

	if ((*entry)[0] != '[')
		return 0;
	if ((*entry)[n - 1] != ']')
		return -EINVAL;
	(*entry)[n - 1] = '\0';
	++*entry;
	return strchr(*entry, ':') == NULL ? -EINVAL : 0;
}

/* `entry` is scratch. */
static int parse_entry(char *entry, struct name_server *ret_server)
{
	struct name_server server = { .port = DNS_PORT };
	char *colon = find_port(entry);

	if (colon != NULL) {
		*colon = '\0';
		if (parse_port(colon + 1, &server.port) < 0)
			return -EINVAL;
	}
	if (strip_brackets(&entry) < 0)
		return -EINVAL;
	if (ep_address_parse(entry, &server.address) < 0)
		return -EINVAL;
	*ret_server = server;
	return 0;
}

static int refuse(struct ep_err *err, unsigned at, const char *text, size_t n)
{
	return ep_err_set(
		err, -EINVAL,
		"name server %u, \"%.*s\", is not understood: allowed "
		"are ADDRESS, ADDRESS:PORT and [ADDRESS6]:PORT, with a "
		"port from 1 to 65535, separated by commas",
		at, (int)(n < ENTRY_MAX ? n : ENTRY_MAX), text);
}

/* c-ares takes 16 bytes of an address and nothing else. */
static int refuse_scope(struct ep_err *err, unsigned at)
{
	return ep_err_set(err, -EINVAL,
			  "name server %u is a link-local address: the "
			  "resolver cannot be told its interface; give a "
			  "global one",
			  at);
}

static int take_entry(const char *text, size_t n, unsigned at,
		      struct name_server *ret_server, struct ep_err *err)
{
	char entry[ENTRY_MAX + 1];

	if (n == 0 || n > ENTRY_MAX)
		return refuse(err, at, text, n);
	memcpy(entry, text, n);
	entry[n] = '\0';
	if (parse_entry(entry, ret_server) < 0)
		return refuse(err, at, text, n);
	return ret_server->address.scope != 0 ? refuse_scope(err, at) : 0;
}

int name_server_list_parse(const char *text,
			   struct name_server ret_servers[NAME_SERVERS_MAX],
			   unsigned *ret_n, struct ep_err *err)
{
	unsigned n = 0;

	for (;;) {
		size_t length = strcspn(text, ",");
		int r;

		if (n == NAME_SERVERS_MAX)
			return ep_err_set(err, -EINVAL,
					  "more than %d name servers",
					  NAME_SERVERS_MAX);
		r = take_entry(text, length, n + 1, &ret_servers[n], err);
		if (r < 0)
			return r;
		n++;
		if (text[length] == '\0')
			break;
		text += length + 1;
		text += strspn(text, " ");
	}
	*ret_n = n;
	return 0;
}
