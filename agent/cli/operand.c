#include "cli/operand.h"
#include "edgeprobe/address.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FORMS                                                                  \
	"icmp://HOST, tcp://HOST[:PORT], https://HOST[:PORT][/PATH], "         \
	"stun://HOST[:PORT], or a bare HOST for the first three"

static int refuse(struct ep_err *err, const char *text, const char *why)
{
	return ep_err_set(err, -EINVAL, "\"%.300s\": %s", text, why);
}

/* "icmp://" and what follows; a text without "://" is a bare host. */
static int take_scheme(struct operand *o, const char **at, struct ep_err *err)
{
	const char *colon = strstr(o->text, "://");
	char scheme[16] = { 0 };
	size_t n = colon == NULL ? 0 : (size_t)(colon - o->text);

	*at = o->text;
	if (colon == NULL)
		return 0;
	if (n < sizeof(scheme))
		memcpy(scheme, o->text, n);
	o->kind = ep_kind_find(scheme);
	if (o->kind == NULL)
		return refuse(err, o->text, "unknown scheme; use " FORMS);
	*at = colon + 3;
	return 0;
}

static int take_host(struct operand *o, const char **at, struct ep_err *err)
{
	const char *begin = *at, *end;
	struct ep_address literal;
	bool bracket = *begin == '[';

	if (bracket) {
		begin++;
		end = strchr(begin, ']');
		if (end == NULL)
			return refuse(err, o->text, "the '[' is not closed");
	} else if (ep_address_parse(begin, &literal) == 0) {
		end = begin + strlen(begin);
	} else {
		end = begin + strcspn(begin, ":/?#");
	}
	if (end - begin > EP_HOST_MAX)
		return refuse(err, o->text,
			      "the host has more than 253 bytes, the most that "
			      "DNS can carry");
	memcpy(o->host, begin, (size_t)(end - begin));
	if (bracket && ep_address_parse(o->host, &literal) < 0)
		return refuse(err, o->text,
			      "what is in brackets is no IPv6 address");
	*at = end + bracket;
	return 0;
}

static int take_port(struct operand *o, const char **at, struct ep_err *err)
{
	const char *digit = *at;
	unsigned long port = 0;

	if (*digit != ':')
		return 0;
	for (digit++; *digit >= '0' && *digit <= '9' && port <= 65535; digit++)
		port = port * 10 + (unsigned long)(*digit - '0');
	if (port == 0 || port > 65535 ||
	    (*digit != '\0' && *digit != '/' && *digit != '?'))
		return refuse(err, o->text, "a port is a number, 1 to 65535");
	if (o->kind == NULL)
		return refuse(err, o->text,
			      "a bare host takes no port; use tcp://HOST:PORT "
			      "or https://HOST:PORT");
	if (o->kind->port == 0)
		return refuse(err, o->text, "icmp has no ports");
	o->port = (uint16_t)port;
	*at = digit;
	return 0;
}

static int take_path(struct operand *o, const char *at, struct ep_err *err)
{
	size_t n = strlen(at);

	if (n == 0 || strcmp(at, "/") == 0)
		return 0;
	if (o->kind == NULL || strcmp(o->kind->name, "https") != 0)
		return refuse(err, o->text,
			      "only https takes a path; use https://HOST/PATH");
	if (n > OPERAND_PATH_MAX)
		return refuse(err, o->text,
			      "the path is longer than 2048 bytes");
	for (size_t i = 0; i < n; i++)
		if (at[i] <= ' ' || at[i] > '~' || at[i] == '#')
			return refuse(err, o->text,
				      "the path has a byte that must be "
				      "percent-encoded");
	if (*at != '/')
		return refuse(err, o->text, "a path starts with a slash");
	memcpy(o->path, at, n + 1);
	return 0;
}

int operand_parse(const char *text, struct operand *ret_operand,
		  struct ep_err *err)
{
	struct operand o = { .text = text };
	struct ep_target target = { .host = o.host };
	size_t n_kinds;
	const char *at;
	int r = take_scheme(&o, &at, err);

	if (r == 0)
		r = take_host(&o, &at, err);
	if (r == 0)
		r = take_port(&o, &at, err);
	if (r == 0)
		r = take_path(&o, at, err);
	if (r < 0)
		return r;
	target.kind = ep_kinds(&n_kinds)[0];
	r = ep_target_check(&target, err);
	if (r < 0) {
		ep_err_prefix(err, "\"%.300s\"", text);
		return r;
	}
	*ret_operand = o;
	return 0;
}
