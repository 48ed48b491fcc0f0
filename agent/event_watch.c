#include "event_watch.h"
#include "edge/intercept.h"
#include "edgeprobe/clock.h"
#include "events/events.h"
#include "facts.h"
#include "items.h"
#include "origin.h"
#include "provider.h"
#include <stdlib.h>
#include <string.h>

/* A download over a circuit, the last one; wall clock. */
struct load {
	uint64_t since_ns, until_ns;
};

struct event_watch {
	struct events *events;
	struct facts *facts;
	struct origin *origin;
	struct provider *provider; /* NULL: nobody is asked */
	event_watch_cb cb;
	void *arg;
	struct edge_place site;
	struct intercept *intercepts; /* by id; of https only */
	size_t n;
	struct load *loads; /* of each circuit, and of none */
	size_t n_circuits;
};

static void on_event(const char *body, void *arg)
{
	struct event_watch *w = arg;

	w->cb(ROW_EVENT, body, w->arg);
}

static void on_fact(const char *body, void *arg)
{
	struct event_watch *w = arg;

	w->cb(ROW_SELF, body, w->arg);
}

static struct events *watch_events(struct event_watch *w,
				   const struct config *c)
{
	struct events_options options = {
		.latitude = c->site.latitude,
		.longitude = c->site.longitude,
		.limits = watch_defaults,
	};

	options.limits.step_ms = (double)c->events.step_ns / EP_NS_PER_MS;
	options.limits.step_share = c->events.step_percent / 100;
	options.limits.loss_percent = c->events.loss_percent;
	options.limits.outage = (unsigned)c->events.outage;
	options.limits.lasting_ns = c->events.lasting_ns;
	options.limits.pops = c->site.expected_pops;
	options.limits.n_pops = c->site.n_expected_pops;
	return events_create(&options, on_event, w);
}

struct event_watch *event_watch_create(const struct config *config,
				       event_watch_cb cb, void *arg)
{
	struct event_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->cb = cb;
	w->arg = arg;
	w->site = (struct edge_place){ config->site.latitude,
				       config->site.longitude };
	w->n_circuits = config->n_circuits;
	w->loads = calloc(config->n_circuits + 1, sizeof(*w->loads));
	w->events = watch_events(w, config);
	w->facts = facts_create(config, on_fact, w);
	if (w->facts != NULL)
		w->origin = origin_create(config, w->facts, on_event, w);
	if (w->events != NULL && w->origin != NULL && w->loads != NULL)
		return w;
	event_watch_destroy(w);
	return NULL;
}

void event_watch_destroy(struct event_watch *watch)
{
	if (watch == NULL)
		return;
	events_destroy(watch->events);
	origin_destroy(watch->origin);
	facts_destroy(watch->facts);
	free(watch->intercepts);
	free(watch->loads);
	free(watch);
}

/* NULL: out of memory. */
static struct intercept *intercept_of(struct event_watch *w, uint32_t id)
{
	size_t n = w->n ? w->n : 64;
	struct intercept *grown;

	if (id < w->n)
		return &w->intercepts[id];
	while (n <= id)
		n *= 2;
	grown = realloc(w->intercepts, n * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	memset(grown + w->n, 0, (n - w->n) * sizeof(*grown));
	w->intercepts = grown;
	w->n = n;
	return &grown[id];
}

static void see_between(struct event_watch *w, uint32_t id,
			const struct item *item, struct ep_sample *sample)
{
	const struct intercept_rule rule = {
		.host = item->series.host,
		.issuers = item->expect_issuer,
		.site = w->site,
	};
	struct intercept *intercept = intercept_of(w, id);

	if (intercept != NULL)
		sample->flags |=
			(uint16_t)intercept_see(intercept, &rule, sample);
}

void event_watch_load(struct event_watch *watch, size_t i, uint64_t since_ns,
		      uint64_t until_ns)
{
	watch->loads[i] = (struct load){ since_ns, until_ns };
}

static bool is_within(const struct load *load, const struct ep_sample *sample)
{
	return sample->sent_ns >= load->since_ns &&
	       sample->sent_ns < load->until_ns;
}

/* What leaves by the routing table may leave by any of them. */
static bool is_loaded(const struct event_watch *w, const struct item *item,
		      const struct ep_sample *sample)
{
	if (item->circuit != NULL)
		return is_within(&w->loads[item->circuit_index], sample);
	for (size_t i = 0; i <= w->n_circuits; i++)
		if (is_within(&w->loads[i], sample))
			return true;
	return false;
}

void event_watch_see(struct event_watch *watch, uint32_t id,
		     const struct item *item, struct ep_sample *sample)
{
	if (is_loaded(watch, item, sample))
		sample->flags |= EP_FLAG_LOADED;
	if (strcmp(item->series.probe, "https") == 0)
		see_between(watch, id, item, sample);
	events_see(watch->events, id, &item->series, sample);
	origin_see(watch->origin, id, item, sample);
}

bool event_watch_learned(const struct event_watch *watch, uint32_t id,
			 struct buf *out)
{
	return events_learned(watch->events, id, out);
}

bool event_watch_recall(struct event_watch *watch, uint32_t id,
			const struct item *item, const char *text)
{
	return events_recall(watch->events, id, &item->series, text);
}

void event_watch_resolver(struct event_watch *watch, size_t i,
			  const struct ep_address *address)
{
	origin_learn(watch->origin, i, FACTS_RESOLVER, address);
}

void event_watch_ask(struct event_watch *watch, struct provider *provider)
{
	watch->provider = provider;
}

static void look_up(struct event_watch *w, size_t i, uint64_t now_ns)
{
	const struct ep_address *address = facts_egress(w->facts, i);
	const struct edge_asn *asn = NULL;

	if (address != NULL)
		asn = provider_of(w->provider, i, address, now_ns);
	if (asn != NULL)
		facts_belongs(w->facts, i, asn);
}

void event_watch_tick(struct event_watch *watch, uint64_t now_ns)
{
	if (watch->provider != NULL)
		for (size_t i = 0; i <= watch->n_circuits; i++)
			look_up(watch, i, now_ns);
	facts_tick(watch->facts, now_ns);
}

void event_watch_again(struct event_watch *watch)
{
	facts_again(watch->facts);
}
