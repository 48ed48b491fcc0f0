#include "edgeprobe/target.h"
#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Letters, digits and what addresses and names in the field carry. */
static bool host_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' ||
	       c == ':' || c == '%';
}

/* Asked before each probe, so in one walk; what is wrong is found after. */
static bool host_is_fine(const char *host)
{
	size_t n = 0;

	while (n <= EP_HOST_MAX && host_byte((unsigned char)host[n]))
		n++;
	return n > 0 && n <= EP_HOST_MAX && host[n] == '\0';
}

static int check_host(const char *host, struct ep_err *err)
{
	size_t n;

	if (host != NULL && host_is_fine(host))
		return 0;
	n = host == NULL ? 0 : strnlen(host, EP_HOST_MAX + 1);
	if (n == 0)
		return ep_err_set(err, -EINVAL, "the host is empty");
	if (n > EP_HOST_MAX)
		return ep_err_set(err, -EINVAL,
				  "the host has more than %d bytes, the most "
				  "that DNS can carry",
				  EP_HOST_MAX);
	for (size_t i = 0; i < n; i++)
		if (!host_byte((unsigned char)host[i]))
			return ep_err_set(err, -EINVAL,
					  "the host has a byte that no name or "
					  "address has: 0x%02x at position %zu",
					  (unsigned char)host[i], i + 1);
	return 0;
}

static int check_family(const struct ep_target *t, struct ep_err *err)
{
	struct ep_address literal;

	if (t->family != 0 && t->family != 4 && t->family != 6)
		return ep_err_set(err, -EINVAL,
				  "family %u is unknown: 4, 6, or 0 for the "
				  "first address",
				  t->family);
	if (t->family != 0 && ep_address_parse(t->host, &literal) == 0 &&
	    literal.family != t->family)
		return ep_err_set(err, -EINVAL, "%s is no address of IPv%u",
				  t->host, t->family);
	return 0;
}

int ep_target_check(const struct ep_target *target, struct ep_err *err)
{
	int r;

	if (target->kind == NULL)
		return ep_err_set(err, -EINVAL, "the target has no kind");
	r = check_host(target->host, err);
	if (r == 0)
		r = check_family(target, err);
	if (r == 0 && target->path != NULL && target->path[0] != '/')
		r = ep_err_set(err, -EINVAL,
			       "the path \"%s\" does not start with a slash",
			       target->path);
	return r;
}
