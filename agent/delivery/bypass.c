#include "delivery/bypass.h"
#include "edgeprobe/address.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ENTRY_MAX 256

struct prefix {
	struct ep_address address;
	unsigned bits;
};

/* The next entry, copied; false: there is none. One that is too long is cut,
 * and matches nothing. */
static bool next_entry(const char **list, char entry[static ENTRY_MAX])
{
	size_t n = strcspn(*list, ",");

	if (**list == '\0')
		return false;
	snprintf(entry, ENTRY_MAX, "%.*s", (int)n, *list);
	*list += n + ((*list)[n] == ',');
	return true;
}

/* An address, or "ADDRESS/BITS". */
static bool parse_prefix(const char *entry, struct prefix *ret)
{
	char text[EP_ADDRESS_TEXT_MAX];
	size_t n = strcspn(entry, "/"), digits;
	unsigned most;

	if (n == 0 || n >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)n, entry);
	if (ep_address_parse(text, &ret->address) < 0)
		return false;
	most = ret->address.family == 4 ? 32 : 128;
	ret->bits = most;
	if (entry[n] == '\0')
		return true;
	digits = strspn(entry + n + 1, "0123456789");
	if (digits == 0 || digits > 3 || entry[n + 1 + digits] != '\0')
		return false;
	ret->bits = (unsigned)strtoul(entry + n + 1, NULL, 10);
	return ret->bits <= most;
}

static bool is_within(const struct ep_address *address, const struct prefix *p)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;
	unsigned mask = 0xff00u >> rest & 0xffu;

	if (address->family != p->address.family ||
	    memcmp(address->bytes, p->address.bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((address->bytes[whole] ^ p->address.bytes[whole]) & mask) == 0;
}

static bool is_below(const char *host, const char *entry)
{
	size_t host_len = strlen(host), len;

	entry += entry[0] == '.';
	len = strlen(entry);
	if (len == 0 || len > host_len ||
	    strcasecmp(host + host_len - len, entry) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

/* Without brackets, and without the dot that ends a name. */
static void bare(const char *host, char ret[static ENTRY_MAX])
{
	size_t n;

	host += host[0] == '[';
	n = strcspn(host, "]");
	if (n > 0 && host[n - 1] == '.')
		n--;
	snprintf(ret, ENTRY_MAX, "%.*s", (int)n, host);
}

bool bypass_has(const char *list, const char *host)
{
	char entry[ENTRY_MAX], name[ENTRY_MAX];
	struct ep_address address;
	struct prefix prefix;
	bool literal;

	bare(host, name);
	literal = ep_address_parse(name, &address) == 0;
	while (list && next_entry(&list, entry)) {
		if (strcmp(entry, "*") == 0)
			return true;
		if (literal) {
			if (parse_prefix(entry, &prefix) &&
			    is_within(&address, &prefix))
				return true;
		} else if (is_below(name, entry)) {
			return true;
		}
	}
	return false;
}

static bool is_name(const char *entry)
{
	size_t n = strspn(entry, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && entry[n] == '\0' && n < ENTRY_MAX - 1 &&
	       strcmp(entry, ".") != 0;
}

bool bypass_is_valid(const char *list)
{
	char entry[ENTRY_MAX];
	struct prefix prefix;

	while (next_entry(&list, entry))
		if (strcmp(entry, "*") != 0 && !is_name(entry) &&
		    !parse_prefix(entry, &prefix))
			return false;
	return true;
}
