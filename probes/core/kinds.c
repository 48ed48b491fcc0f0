/* The registry: the one place that names the kinds there are. */
#include "core/kinds.h"
#include <string.h>

static const struct ep_kind *const kinds[] = {
	&ep_kind_icmp,
	&ep_kind_tcp,
	&ep_kind_https,
	&ep_kind_stun,
};

const struct ep_kind *const *ep_kinds(size_t *ret_n)
{
	*ret_n = sizeof(kinds) / sizeof(kinds[0]);
	return kinds;
}

const struct ep_kind *ep_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}
