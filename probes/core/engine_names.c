/* Whom a target means: a literal address, the router, or a name. */
#include "core/engine_i.h"
#include "core/gateway.h"
#include <errno.h>
#include <strings.h>

/* From an address of one family only that family can be measured. */
static uint8_t family_of(const struct ep_target *t)
{
	struct ep_address source;

	if (t->family == 0 && t->source != NULL &&
	    ep_address_parse(t->source, &source) == 0)
		return source.family;
	return t->family;
}

static enum ep_reason reason_of(int error)
{
	switch (-error) {
	case ENODEV:
	case EADDRNOTAVAIL:
		return EP_REASON_NO_SOURCE;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return EP_REASON_NO_RESOURCES;
	default:
		return EP_REASON_NO_ROUTE;
	}
}

static int answer_gateway(const struct ep_target *t, struct resolve_query *q)
{
	struct ep_address router = { .family = 0 };
	int r = gateway_find(t->source, t->family, &router);

	q->answer.reason = r < 0 ? reason_of(r) : EP_REASON_NONE;
	q->answer.address = router;
	q->answer.took_ns = EP_ABSENT;
	return 1;
}

static bool is_gateway(const struct ep_target *t)
{
	return strcasecmp(t->host, EP_HOST_GATEWAY) == 0;
}

int engine_resolve(struct ep_engine *e, const struct ep_target *t,
		   struct resolve_query *query)
{
	query->want = (struct name_want){ .flow = t->flow,
					  .pick = t->pick,
					  .nth = t->nth };
	if (is_gateway(t))
		return answer_gateway(t, query);
	return resolve_start(e->resolve, query, t->host, family_of(t));
}

unsigned ep_engine_addresses(const struct ep_engine *engine,
			     const struct ep_target *target,
			     struct ep_address *ret, unsigned max)
{
	struct ep_address literal;
	uint8_t family = family_of(target);

	if (ep_address_parse(target->host, &literal) < 0)
		return is_gateway(target)
			       ? 0
			       : resolve_known(engine->resolve, target->host,
					       family, ret, max);
	if (max == 0 || (family != 0 && family != literal.family))
		return 0;
	*ret = literal;
	return 1;
}

void ep_engine_on_names(struct ep_engine *engine, ep_names_cb cb, void *arg)
{
	resolve_on_names(engine->resolve, cb, arg);
}

void ep_engine_flush_names(struct ep_engine *engine)
{
	resolve_flush(engine->resolve);
}
