/* An event of distance opens when what is in use is farther from the site than
 * Microsoft's limit, and closes when it is near again, or when nothing is known
 * of where it is now. */
#include "origin.h"
#include "base/buf.h"
#include "base/log.h"
#include "edge/judge.h"
#include "edge/place.h"
#include "edge/pop.h"
#include "events/egress.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 2048

/* Of one end of a circuit. */
struct end {
	bool far; /* an event is open */
};

struct origin {
	const struct config *config;
	struct facts *facts;
	origin_cb cb;
	void *arg;
	struct egress *egress;
	struct end (*ends)[FACTS_WHATS]; /* of each circuit, and of none */
};

static const struct {
	const char *event, *key;
	enum edge_rule_id rule;
} whats[FACTS_WHATS] = {
	[FACTS_EGRESS] = { "egress_far", "egress_address", EDGE_EGRESS },
	[FACTS_RESOLVER] = { "resolver_far", "resolver_address",
			     EDGE_RESOLVER },
};

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json_text(out, text);
}

static void add_line(struct buf *out, const struct config *c, size_t i)
{
	if (i == c->n_circuits)
		return;
	add_text(out, "circuit", c->circuits[i].name);
	add_text(out, "provider", c->circuits[i].provider);
}

static void tell_far(struct origin *o, size_t i, enum facts_what what,
		     const struct facts_where *where)
{
	bool far = o->ends[i][what].far;
	char text[EP_ADDRESS_TEXT_MAX];
	struct buf body;

	ep_address_format(&where->address, text, sizeof(text));
	buf_init(&body, BODY_MAX);
	buf_printf(&body, "\"event\":\"%s\",\"level\":\"%s\",\"state\":\"%s\"",
		   whats[what].event, far ? "warning" : "info",
		   far ? "open" : "closed");
	add_line(&body, o->config, i);
	add_text(&body, whats[what].key, text);
	add_text(&body, "place", where->place);
	if (!isnan(where->km))
		buf_printf(&body, ",\"km\":%.0f", where->km);
	if (body.error == 0) {
		o->cb(body.data, o->arg);
		log_info("events", "event=%s state=%s address=%s",
			 whats[what].event, far ? "open" : "closed", text);
	}
	buf_finish(&body);
}

void origin_learn(struct origin *origin, size_t i, enum facts_what what,
		  const struct ep_address *address)
{
	const struct config *c = origin->config;
	const struct edge_hub *hub = edge_hub_find(c->hubs, c->n_hubs, address);
	const struct edge_rule *rule =
		edge_rule(whats[what].rule, EDGE_FROM_CLIENT);
	struct facts_where where = { .address = *address, .km = (double)NAN };
	struct end *end = &origin->ends[i][what];
	bool far;

	if (hub != NULL) {
		where.place = hub->name;
		where.km = edge_distance_km(
			(struct edge_place){ c->site.latitude,
					     c->site.longitude },
			(struct edge_place){ hub->latitude, hub->longitude });
	}
	facts_learn(origin->facts, i, what, &where);
	far = where.km > rule->good;
	if (far == end->far)
		return;
	end->far = far;
	tell_far(origin, i, what, &where);
}

/* --- egress --- */

static size_t circuit_of(const struct config *c, const char *name)
{
	size_t i = 0;

	while (i < c->n_circuits &&
	       (name == NULL || strcmp(c->circuits[i].name, name) != 0))
		i++;
	return i;
}

static void tell_change(struct origin *o, const struct egress_news *news)
{
	char from[EP_ADDRESS_TEXT_MAX], to[EP_ADDRESS_TEXT_MAX];
	struct buf body;

	buf_init(&body, BODY_MAX);
	egress_write(&body, news);
	if (body.error == 0) {
		o->cb(body.data, o->arg);
		log_info("events",
			 "event=egress_changed circuit=\"%.64s\" from=%s to=%s",
			 news->series->circuit ? news->series->circuit : "",
			 ep_address_format(&news->from, from, sizeof(from)),
			 ep_address_format(&news->to, to, sizeof(to)));
	}
	buf_finish(&body);
}

static void on_egress(const struct egress_news *news, void *arg)
{
	struct origin *o = arg;

	if (news->from.family != 0)
		tell_change(o, news);
	origin_learn(o, circuit_of(o->config, news->series->circuit),
		     FACTS_EGRESS, &news->to);
}

void origin_see(struct origin *origin, uint32_t id, const struct item *item,
		const struct ep_sample *sample)
{
	egress_see(origin->egress, id, &item->series, sample);
}

struct origin *origin_create(const struct config *config, struct facts *facts,
			     origin_cb cb, void *arg)
{
	struct origin *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->config = config;
	o->facts = facts;
	o->cb = cb;
	o->arg = arg;
	o->egress = egress_create(on_egress, o);
	o->ends = calloc(config->n_circuits + 1, sizeof(*o->ends));
	if (o->egress != NULL && o->ends != NULL)
		return o;
	origin_destroy(o);
	return NULL;
}

void origin_destroy(struct origin *origin)
{
	if (origin == NULL)
		return;
	egress_destroy(origin->egress);
	free(origin->ends);
	free(origin);
}
