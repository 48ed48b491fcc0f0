/* The keys of an item of `places`. */
#include "config/checks.h"
#include "config/schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HUB(field)   offsetof(struct edge_hub, field)

#define PLACE_MAX  128
#define PREFIX_MAX 64

static const struct schema_key hub_keys[] = {
	{ .opt = { "name", EP_OPT_TEXT, HUB(name), 1, PLACE_MAX, NULL,
		   "what the place is called" },
	  .check = check_label,
	  .required = true },
	{ .opt = { "prefixes", EP_OPT_TEXT, HUB(prefixes), 1, PREFIX_MAX, NULL,
		   "of the addresses there; the longest that fits counts" },
	  .shape = SCHEMA_TEXTS,
	  .check = check_prefix,
	  .required = true },
	{ .opt = { "latitude", EP_OPT_DOUBLE, HUB(latitude), -90, 90, NULL,
		   "degrees, north is positive" },
	  .required = true },
	{ .opt = { "longitude", EP_OPT_DOUBLE, HUB(longitude), -180, 180, NULL,
		   "degrees, east is positive" },
	  .required = true },
};
const struct schema_object schema_hub = { "this place", hub_keys,
					  COUNT(hub_keys),
					  sizeof(struct edge_hub) };
