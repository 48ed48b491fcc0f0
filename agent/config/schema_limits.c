/* The keys of `limits`: what figures of the report are held against. */
#include "config/checks.h"
#include "config/schema.h"
#include "config/value.h"
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LIMIT(field) offsetof(struct config_limits, field)

#define GOOD_HELP "up to this a figure is good"
#define POOR_HELP "above this it is bad; between both it is a warning"

static const struct schema_key duration_keys[] = {
	{ .opt = { "good", EP_OPT_DURATION,
		   offsetof(struct config_limit_ns, good), 1e6, 60e9, NULL,
		   GOOD_HELP } },
	{ .opt = { "poor", EP_OPT_DURATION,
		   offsetof(struct config_limit_ns, poor), 1e6, 60e9, NULL,
		   POOR_HELP } },
};
static const struct schema_object duration = { .phrase = "this limit",
					       .keys = duration_keys,
					       .n_keys = COUNT(duration_keys) };

#define NUMBER(field, most, help)                                              \
	{                                                                      \
		.opt = { #field,                                               \
			 EP_OPT_DOUBLE,                                        \
			 offsetof(struct config_limit, field),                 \
			 0.01,                                                 \
			 most,                                                 \
			 NULL,                                                 \
			 help },                                               \
	}

static const struct schema_key percent_keys[] = {
	NUMBER(good, 1000, GOOD_HELP),
	NUMBER(poor, 1000, POOR_HELP),
};
static const struct schema_object percent = { .phrase = "this limit",
					      .keys = percent_keys,
					      .n_keys = COUNT(percent_keys) };

static const struct schema_key km_keys[] = {
	NUMBER(good, 20000, GOOD_HELP),
	NUMBER(poor, 20000, POOR_HELP),
};
static const struct schema_object km = { .phrase = "this limit",
					 .keys = km_keys,
					 .n_keys = COUNT(km_keys) };

#define RULE(rule, kind, text)                                                 \
	{                                                                      \
		.opt = { .name = #rule,                                        \
			 .offset = LIMIT(rule),                                \
			 .help = (text) },                                     \
		.shape = SCHEMA_OBJECT, .object = &(kind), .sparse = true,     \
		.ordered = true                                                \
	}

static const char *check_vantage(const char *text)
{
	return strcmp(text, CONFIG_CLIENT) == 0 ||
			       strcmp(text, CONFIG_EDGE) == 0
		       ? NULL
		       : "client or edge";
}

static const struct schema_key limits_keys[] = {
	{ .opt = { "vantage", EP_OPT_TEXT, LIMIT(vantage), 1, 16, NULL,
		   "where the agent stands: client (among the users; the "
		   "default), or edge (before the LAN), of which Microsoft "
		   "demands more for calls" },
	  .check = check_vantage },
	RULE(exchange_rtt, duration,
	     "median TCP round trip to Exchange; built in: 25ms and 100ms"),
	RULE(teams_rtt, duration,
	     "median round trip to Teams' media relays; built in: 100ms and "
	     "200ms, at the edge 60ms and 120ms"),
	RULE(teams_loss, percent,
	     "packets lost within 15 s, percent; built in: 1 and 5, at the "
	     "edge 0.1 and 1"),
	RULE(teams_burst, percent,
	     "packets lost within 200 ms, percent; built in: 10 and 20, at the "
	     "edge 1 and 10"),
	RULE(teams_jitter, duration,
	     "jitter within 15 s; built in: 30ms and 60ms, at the edge 15ms "
	     "and 30ms"),
	RULE(loaded, duration,
	     "round trip of a full line above that of an idle one; built in: "
	     "100ms and 1s"),
	RULE(egress, km,
	     "km from the site to where its traffic leaves; built in: 800 and "
	     "1600"),
	RULE(resolver, km,
	     "km from the site to its name server; built in: 800 and 1600"),
	RULE(pop_distance, km,
	     "km from the site to the edge location, if one is nearer; built "
	     "in: 800 and 1600"),
	RULE(peers, percent,
	     "percent above the sites of the same metro; built in: 10 and 50"),
	RULE(unavailable, percent,
	     "percent of probes that could not be made; built in: 0.5 and 5"),
	RULE(loss, percent, "percent of probes lost; built in: 1 and 5"),
	RULE(change, percent,
	     "percent above the window before, and 5 ms at least; built in: 20 "
	     "and 100"),
	RULE(saving, duration,
	     "what another circuit would save at the median; built in: 5ms and "
	     "500ms"),
};
const struct schema_object schema_limits = { .phrase = "the object \"limits\"",
					     .keys = limits_keys,
					     .n_keys = COUNT(limits_keys) };

static double number_of(const struct schema_key *key, const void *base)
{
	const char *field = (const char *)base + key->opt.offset;

	return key->opt.type == EP_OPT_DOUBLE
		       ? *(const double *)(const void *)field
		       : (double)*(const uint64_t *)(const void *)field;
}

bool schema_in_order(const struct schema_object *object, const void *base)
{
	for (size_t i = 0; i < 2; i++) {
		const struct schema_key *key = &object->keys[i];

		if (value_absent(&key->opt,
				 (const char *)base + key->opt.offset))
			return true;
	}
	return number_of(&object->keys[0], base) <=
	       number_of(&object->keys[1], base);
}
