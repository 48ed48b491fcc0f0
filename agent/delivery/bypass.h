/* Which hosts are not reached through the proxy. Pure. */
#ifndef DELIVERY_BYPASS_H
#define DELIVERY_BYPASS_H

#include <stdbool.h>

/* `list` is comma-separated; an entry is "*"; a name, which stands for itself
 * and for all below it, with or without a dot before it; an address; or a
 * prefix such as 10.0.0.0/8, of a literal address. `host` is a name, or an
 * address with or without brackets. No name is looked up. NULL: nothing. */
bool bypass_has(const char *list, const char *host);

/* True if each entry is one of these. */
bool bypass_is_valid(const char *list);

#endif
