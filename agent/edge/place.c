#include "edge/place.h"
#include <stdlib.h>
#include <string.h>

/* How many bits of the prefix at `text` hold it; -1: it is not in it. */
static int matches(const char *text, size_t len,
		   const struct ep_address *address)
{
	char copy[EP_ADDRESS_TEXT_MAX + 4];
	struct ep_address net;
	char *slash;
	long bits;

	if (len >= sizeof(copy))
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash == NULL)
		return -1;
	*slash = '\0';
	bits = strtol(slash + 1, NULL, 10);
	if (ep_address_parse(copy, &net) < 0 || net.family != address->family ||
	    bits < 0 || bits > (net.family == 4 ? 32 : 128))
		return -1;
	for (long i = 0; i < bits; i++)
		if ((net.bytes[i / 8] ^ address->bytes[i / 8]) >> (7 - i % 8) &
		    1)
			return -1;
	return (int)bits;
}

const struct edge_hub *edge_hub_find(const struct edge_hub *hubs, size_t n,
				     const struct ep_address *address)
{
	const struct edge_hub *found = NULL;
	int best = -1;

	for (size_t i = 0; i < n; i++) {
		const char *at = hubs[i].prefixes ? hubs[i].prefixes : "";

		for (size_t len; *at != '\0'; at += len + (at[len] == ',')) {
			int bits;

			len = strcspn(at, ",");
			bits = matches(at, len, address);
			if (bits <= best)
				continue;
			best = bits;
			found = &hubs[i];
		}
	}
	return found;
}
