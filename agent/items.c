#include "items.h"
#include "edgeprobe/address.h"
#include "edgeprobe/clock.h"
#include "edgeprobe/kind.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Probes of one round are this far apart, unless it is configured: a burst makes
 * some devices drop one in five, and that would be our own doing. */
#define SPACING_NS (100 * EP_NS_PER_MS)

#define FAMILY_BOTH 46

/* What is reckoned with where each address of a name is measured. */
#define ADDRESSES_USUAL 4

static void fill_series(struct item *item, const struct config *config,
			const struct config_target *t,
			const struct config_circuit *circuit)
{
	struct series *s = &item->series;

	s->target = t->name;
	s->probe = item->target.kind->name;
	s->host = t->host;
	s->site = config->site.name;
	s->country = config->site.country;
	s->metro = config->site.metro;
	if (circuit == NULL)
		return;
	s->circuit = circuit->name;
	s->provider = circuit->provider;
	s->prefix = circuit->prefix;
	item->circuit = circuit;
	item->circuit_index = (size_t)(circuit - config->circuits);
	item->target.source = circuit->source;
	item->dns = circuit->dns;
	item->dns_source = circuit->dns == NULL ? NULL : circuit->source;
}

/* The phase and the flow come from the item's own name, so that they are the
 * same at every start and differ between items. */
static void fill_plan(struct item *item, const struct config *config,
		      const struct config_target *t)
{
	const struct series *s = &item->series;
	uint64_t even_ns = t->interval_ns / t->count;
	char name[1024];

	snprintf(name, sizeof(name), "%s/%s/%s/%s/%u%s", config->agent,
		 s->target, s->probe, s->circuit == NULL ? "" : s->circuit,
		 item->target.family, item->target.kept ? "/kept" : "");
	item->target.flow = plan_phase(name, UINT64_MAX);
	if (strcmp(t->schedule, CONFIG_POISSON) == 0)
		item->plan.kind = PLAN_POISSON;
	item->plan.seed = item->target.flow;
	item->plan.count = t->count;
	item->plan.interval_ns = t->interval_ns;
	item->plan.phase_ns = plan_phase(name, t->interval_ns);
	item->plan.spacing_ns = even_ns < SPACING_NS ? even_ns : SPACING_NS;
	if (t->spacing_ns > 0 && t->spacing_ns <= even_ns)
		item->plan.spacing_ns = t->spacing_ns;
}

static int add(struct items *items, const struct item *item)
{
	struct item *grown =
		realloc(items->items, (items->n + 1) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	grown[items->n] = *item;
	items->items = grown;
	items->n++;
	return 0;
}

struct context {
	struct items *items;
	const struct config *config;
	const struct config_target *t;
	const struct config_circuit *circuit;
};

/* Where more than one struct ep_target is needed: one for each address, and
 * as many again on fresh flows. */
static unsigned addresses_of(const struct item *item)
{
	return item->each_address ? EP_NTH_MAX : 1;
}

static int make_ways(struct item *item)
{
	unsigned n = addresses_of(item);

	if (!item->each_address && item->fresh_every == 0)
		return 0;
	item->ways = calloc((size_t)2 * n, sizeof(*item->ways));
	if (item->ways == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < 2 * n; i++) {
		item->ways[i] = item->target;
		item->ways[i].fresh_flow = i >= n;
		item->ways[i].nth = (uint8_t)(i % n);
	}
	return 0;
}

const struct ep_target *item_way(const struct item *item, bool fresh,
				 unsigned nth)
{
	if (item->ways == NULL)
		return &item->target;
	return &item->ways[(fresh ? addresses_of(item) : 0) + nth];
}

static void fill_pick(struct item *item, const struct config_target *t)
{
	item->each_address = strcmp(t->addresses, CONFIG_ALL) == 0;
	if (item->each_address)
		item->target.pick = EP_PICK_NTH;
	else if (item->target.kept || strcmp(t->addresses, CONFIG_STABLE) == 0)
		item->target.pick = EP_PICK_STABLE; /* a connection stays */
}

static int add_family(const struct context *c, const struct ep_kind *kind,
		      uint8_t family, bool kept)
{
	const struct config_target *t = c->t;
	struct item item = { 0 };
	int r;

	item.target.kind = kind;
	item.target.host = t->host;
	item.target.path = t->path;
	item.target.timeout_ns = t->timeout_ns;
	item.target.port = (uint16_t)t->port;
	item.target.family = family;
	item.target.size = t->size;
	item.target.ttl = t->ttl;
	item.target.dscp = t->dscp;
	item.target.dont_fragment = t->dont_fragment;
	item.target.kept = kept;
	item.target.expect_status = t->expect_status;
	item.fresh_every = kept ? 0 : t->fresh_flow;
	item.expect_issuer = t->expect_issuer;
	fill_pick(&item, t);
	fill_series(&item, c->config, t, c->circuit);
	fill_plan(&item, c->config, t);
	r = make_ways(&item);
	if (r == 0)
		r = add(c->items, &item);
	if (r < 0)
		free(item.ways);
	return r;
}

/* Only https has connections worth keeping. */
static int add_ways(const struct context *c, const struct ep_kind *kind,
		    uint8_t family)
{
	int r = add_family(c, kind, family, false);

	if (r == 0 && c->t->kept && strcmp(kind->name, "https") == 0)
		r = add_family(c, kind, family, true);
	return r;
}

static int add_kind(const struct context *c, const struct ep_kind *kind)
{
	struct ep_address literal;
	int r;

	if (c->t->family != FAMILY_BOTH)
		return add_ways(c, kind, (uint8_t)c->t->family);
	if (ep_address_parse(c->t->host, &literal) == 0)
		return add_ways(c, kind, literal.family);
	r = add_ways(c, kind, 4);
	return r < 0 ? r : add_ways(c, kind, 6);
}

static int add_circuit(const struct context *c, items_wanted wanted)
{
	int r = 0;

	for (size_t i = 0; i < c->t->n_probes && r == 0; i++)
		if (wanted(c->t->probes[i]))
			r = add_kind(c, c->t->probes[i]);
	return r;
}

static int add_target(struct context *c, items_wanted wanted)
{
	int r = 0;

	c->circuit = NULL;
	if (c->t->n_circuits == 0)
		return add_circuit(c, wanted);
	for (size_t i = 0; i < c->t->n_circuits && r == 0; i++) {
		c->circuit = &c->config->circuits[c->t->circuits[i]];
		r = add_circuit(c, wanted);
	}
	return r;
}

int items_init(struct items *items, const struct config *config,
	       items_wanted wanted)
{
	struct context c = { .items = items, .config = config };
	int r = 0;

	memset(items, 0, sizeof(*items));
	for (size_t i = 0; i < config->n_targets && r == 0; i++) {
		c.t = &config->targets[i];
		r = add_target(&c, wanted);
	}
	if (r < 0)
		items_finish(items);
	return r;
}

void items_finish(struct items *items)
{
	for (size_t i = 0; i < items->n; i++)
		free(items->items[i].ways);
	free(items->items);
	memset(items, 0, sizeof(*items));
}

double item_rate(const struct item *item)
{
	return (double)item->plan.count * (double)EP_NS_PER_S /
	       (double)item->plan.interval_ns;
}

double items_rate(const struct items *items)
{
	double rate = 0;

	for (size_t i = 0; i < items->n; i++) {
		const struct item *item = &items->items[i];

		rate += item_rate(item) *
			(item->each_address ? ADDRESSES_USUAL : 1);
	}
	return rate;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool item_same_servers(const struct item *a, const struct item *b)
{
	return is_same(a->dns, b->dns) && is_same(a->dns_source, b->dns_source);
}

/* As the engine asks: in lower case, without a dot at the end. */
static bool is_host(const char *written, const char *asked)
{
	size_t n = strlen(asked);

	return strncasecmp(written, asked, n) == 0 &&
	       (written[n] == '\0' || strcmp(written + n, ".") == 0);
}

/* A source that is an address leaves the engine one family only. */
static uint8_t family_asked(const struct ep_target *t)
{
	struct ep_address source;

	if (t->family == 0 && t->source != NULL &&
	    ep_address_parse(t->source, &source) == 0)
		return source.family;
	return t->family;
}

bool items_ask_for(const struct items *items, const struct item *servers,
		   const char *host, uint8_t family)
{
	for (size_t i = 0; i < items->n; i++) {
		const struct item *item = &items->items[i];

		if (item_same_servers(item, servers) &&
		    is_host(item->target.host, host) &&
		    family_asked(&item->target) == family)
			return true;
	}
	return false;
}
