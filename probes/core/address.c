#include "edgeprobe/address.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "eth0" or a number after the '%'. */
static int parse_scope(const char *text, uint32_t *ret_scope)
{
	char *end;
	unsigned long n;

	*ret_scope = if_nametoindex(text);
	if (*ret_scope != 0)
		return 0;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || n > UINT32_MAX)
		return -EINVAL;
	*ret_scope = (uint32_t)n;
	return 0;
}

static int parse_6(const char *text, struct ep_address *a)
{
	char plain[INET6_ADDRSTRLEN];
	const char *percent = strchr(text, '%');
	size_t n = percent == NULL ? strlen(text) : (size_t)(percent - text);

	if (n >= sizeof(plain))
		return -EINVAL;
	memcpy(plain, text, n);
	plain[n] = '\0';
	if (inet_pton(AF_INET6, plain, a->bytes) != 1)
		return -EINVAL;
	a->family = 6;
	return percent == NULL ? 0 : parse_scope(percent + 1, &a->scope);
}

int ep_address_parse(const char *text, struct ep_address *ret_address)
{
	struct ep_address a = { 0 };
	int r = 0;

	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = 4;
	else
		r = parse_6(text, &a);
	if (r == 0)
		*ret_address = a;
	return r;
}

char *ep_address_format(const struct ep_address *address, char *buf,
			size_t size)
{
	char name[IF_NAMESIZE];
	size_t n;

	buf[0] = '\0';
	if (address->family == 0)
		return buf;
	inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes,
		  buf, (socklen_t)size);
	n = strlen(buf);
	if (address->scope == 0)
		return buf;
	if (if_indextoname(address->scope, name) != NULL)
		snprintf(buf + n, size - n, "%%%s", name);
	else
		snprintf(buf + n, size - n, "%%%u", address->scope);
	return buf;
}

socklen_t ep_address_to_sockaddr(const struct ep_address *address,
				 uint16_t port, union ep_sockaddr *ret_sockaddr)
{
	memset(ret_sockaddr, 0, sizeof(*ret_sockaddr));
	if (address->family == 4) {
		ret_sockaddr->in4.sin_family = AF_INET;
		ret_sockaddr->in4.sin_port = htons(port);
		memcpy(&ret_sockaddr->in4.sin_addr, address->bytes, 4);
		return sizeof(ret_sockaddr->in4);
	}
	if (address->family == 6) {
		ret_sockaddr->in6.sin6_family = AF_INET6;
		ret_sockaddr->in6.sin6_port = htons(port);
		ret_sockaddr->in6.sin6_scope_id = address->scope;
		memcpy(&ret_sockaddr->in6.sin6_addr, address->bytes, 16);
		return sizeof(ret_sockaddr->in6);
	}
	return 0;
}

struct ep_address ep_address_from_sockaddr(const struct sockaddr *sa)
{
	struct ep_address a = { 0 };
	union ep_sockaddr u;

	if (sa->sa_family == AF_INET) {
		memcpy(&u.in4, sa, sizeof(u.in4));
		a.family = 4;
		memcpy(a.bytes, &u.in4.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&u.in6, sa, sizeof(u.in6));
		a.family = 6;
		memcpy(a.bytes, &u.in6.sin6_addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&u.in6.sin6_addr))
			a.scope = u.in6.sin6_scope_id;
	}
	return a;
}

int ep_address_equal(const struct ep_address *a, const struct ep_address *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
