#include "report/gather/places.h"
#include "edge/market.h"
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void places_init(struct places *places, struct texts *texts)
{
	memset(places, 0, sizeof(*places));
	places->texts = texts;
}

void places_finish(struct places *places)
{
	free(places->sites);
	free(places->circuits);
	memset(places, 0, sizeof(*places));
}

/* --- finding --- */

static struct place_site *site_of(struct places *p, const char *name)
{
	struct place_site *grown, *site;

	for (size_t i = 0; i < p->n_sites; i++)
		if (strcmp(p->sites[i].site.name, name) == 0)
			return &p->sites[i];
	grown = realloc(p->sites, (p->n_sites + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	p->sites = grown;
	site = &grown[p->n_sites++];
	memset(site, 0, sizeof(*site));
	site->site = (struct model_site){
		.name = name,
		.country = "",
		.metro = "",
		.market = "",
		.expected_pops = "",
		.latitude = (double)NAN,
		.longitude = (double)NAN,
		.headline = MODEL_NO_HEADLINE,
		.score = (double)NAN,
	};
	return site;
}

static struct place_circuit *circuit_of(struct places *p, const char *site,
					const char *name)
{
	struct place_circuit *grown, *circuit;

	for (size_t i = 0; i < p->n_circuits; i++)
		if (strcmp(p->circuits[i].site, site) == 0 &&
		    strcmp(p->circuits[i].circuit.name, name) == 0)
			return &p->circuits[i];
	grown = realloc(p->circuits, (p->n_circuits + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	p->circuits = grown;
	circuit = &grown[p->n_circuits++];
	memset(circuit, 0, sizeof(*circuit));
	circuit->site = site;
	circuit->circuit = (struct model_circuit){
		.name = name,
		.provider = "",
		.prefix = "",
		.connection = "",
		.primary_location = "",
		.backup_location = "",
		.egress_address = "",
		.egress_place = "",
		.observed_provider = "",
		.resolver_address = "",
		.resolver_place = "",
		.egress_km = (double)NAN,
		.resolver_km = (double)NAN,
		.headline = MODEL_NO_HEADLINE,
		.score = (double)NAN,
	};
	return circuit;
}

/* --- learning --- */

static void take(const char **into, const char *text)
{
	if (*text != '\0')
		*into = text;
}

int places_see(struct places *places, const struct series *series)
{
	struct place_site *site = site_of(places, series->site);
	struct place_circuit *circuit =
		circuit_of(places, series->site, series->circuit);

	if (site == NULL || circuit == NULL)
		return -ENOMEM;
	site->seen = circuit->seen = true;
	if (site->told_ns == 0) {
		take(&site->site.country, series->country);
		take(&site->site.metro, series->metro);
	}
	if (circuit->told_ns == 0) {
		take(&circuit->circuit.provider, series->provider);
		take(&circuit->circuit.prefix, series->prefix);
	}
	return 0;
}

static const char *text_in(struct places *p, const struct json *row,
			   const char *key)
{
	const char *kept = texts_keep(p->texts, json_text(json_get(row, key)));

	return kept == NULL ? "" : kept; /* a fact less, out of memory */
}

static double number_in(const struct json *row, const char *key)
{
	double number = (double)NAN;

	json_number(json_get(row, key), &number);
	return number;
}

int places_tell_site(struct places *places, const char *name, uint64_t time_ns,
		     const struct json *row)
{
	struct place_site *site = site_of(places, name);

	if (site == NULL)
		return -ENOMEM;
	if (time_ns < site->told_ns)
		return 0;
	site->told_ns = time_ns;
	take(&site->site.country, text_in(places, row, "country"));
	take(&site->site.metro, text_in(places, row, "metro"));
	site->site.expected_pops = text_in(places, row, "expected_pops");
	site->site.latitude = number_in(row, "latitude");
	site->site.longitude = number_in(row, "longitude");
	return 0;
}

/* An agent that has just started does not know yet what it knew before. */
static void take_found(struct places *p, const struct json *row,
		       const char *const keys[3], const char **address,
		       const char **place, double *km)
{
	const char *found = text_in(p, row, keys[0]);

	if (*found == '\0')
		return;
	*address = found;
	*place = text_in(p, row, keys[1]);
	*km = number_in(row, keys[2]);
}

/* Of the address that was just told, or none. */
static const char *observed(struct places *p, const struct json *row)
{
	double asn = number_in(row, "egress_asn");
	const char *name = text_in(p, row, "egress_provider");
	char text[160];

	if (!(asn >= 1 && asn <= UINT32_MAX))
		return "";
	snprintf(text, sizeof(text), "AS%.0f%s%s", asn,
		 *name == '\0' ? "" : " ", name);
	return texts_keep(p->texts, text);
}

int places_tell_circuit(struct places *places, const char *site,
			uint64_t time_ns, const struct json *row)
{
	static const char *const egress[] = { "egress_address", "egress_place",
					      "egress_km" };
	static const char *const resolver[] = { "resolver_address",
						"resolver_place",
						"resolver_km" };
	struct place_circuit *place =
		circuit_of(places, site, text_in(places, row, "circuit"));
	struct model_circuit *c;

	if (place == NULL)
		return -ENOMEM;
	if (time_ns < place->told_ns)
		return 0;
	place->told_ns = time_ns;
	c = &place->circuit;
	take(&c->provider, text_in(places, row, "provider"));
	take(&c->prefix, text_in(places, row, "prefix"));
	c->connection = text_in(places, row, "connection");
	c->primary_location = text_in(places, row, "primary_location");
	c->backup_location = text_in(places, row, "backup_location");
	take_found(places, row, egress, &c->egress_address, &c->egress_place,
		   &c->egress_km);
	if (*text_in(places, row, "egress_address") != '\0')
		c->observed_provider = observed(places, row);
	take_found(places, row, resolver, &c->resolver_address,
		   &c->resolver_place, &c->resolver_km);
	return 0;
}

const char *places_connection(const struct places *places, const char *site,
			      const char *circuit)
{
	for (size_t i = 0; i < places->n_circuits; i++)
		if (strcmp(places->circuits[i].site, site) == 0 &&
		    strcmp(places->circuits[i].circuit.name, circuit) == 0)
			return places->circuits[i].circuit.connection;
	return "";
}

/* --- into the model --- */

static int compare_sites(const void *a, const void *b)
{
	const struct model_site *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

static int compare_circuits(const void *a, const void *b)
{
	const struct model_circuit *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return strverscmp(x->name, y->name);
}

uint32_t places_site(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_sites; i++)
		if (strcmp(model->sites[i].name, name) == 0)
			return (uint32_t)i;
	return MODEL_NONE;
}

uint32_t places_circuit(const struct model *model, uint32_t site,
			const char *name)
{
	for (size_t i = 0; i < model->n_circuits; i++)
		if (model->circuits[i].site == site &&
		    strcmp(model->circuits[i].name, name) == 0)
			return (uint32_t)i;
	return MODEL_NONE;
}

static int copy(struct arena *arena, const char **const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*texts[i] = arena_text(arena, *texts[i]);
		if (*texts[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int copy_site(struct arena *arena, struct model_site *site)
{
	const char **const texts[] = { &site->name, &site->country,
				       &site->metro, &site->expected_pops };

	site->market = edge_market(site->country);
	line_init(&site->now);
	line_init(&site->before);
	return copy(arena, texts, sizeof(texts) / sizeof(texts[0]));
}

static int copy_circuit(struct arena *arena, struct model_circuit *c)
{
	const char **const texts[] = {
		&c->name,           &c->provider,          &c->prefix,
		&c->connection,     &c->primary_location,  &c->backup_location,
		&c->egress_address, &c->egress_place,      &c->resolver_address,
		&c->resolver_place, &c->observed_provider,
	};

	line_init(&c->now);
	line_init(&c->before);
	return copy(arena, texts, sizeof(texts) / sizeof(texts[0]));
}

static int fill_sites(const struct places *p, struct model *model)
{
	model->sites =
		arena_alloc(model->arena, p->n_sites, sizeof(*model->sites));
	if (model->sites == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_sites; i++) {
		struct model_site *site = &model->sites[model->n_sites];

		if (!p->sites[i].seen)
			continue;
		*site = p->sites[i].site;
		if (copy_site(model->arena, site) < 0)
			return -ENOMEM;
		model->n_sites++;
	}
	qsort(model->sites, model->n_sites, sizeof(*model->sites),
	      compare_sites);
	return 0;
}

static int fill_circuits(const struct places *places, struct model *model)
{
	model->circuits = arena_alloc(model->arena, places->n_circuits,
				      sizeof(*model->circuits));
	if (model->circuits == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < places->n_circuits; i++) {
		const struct place_circuit *from = &places->circuits[i];
		struct model_circuit *circuit =
			&model->circuits[model->n_circuits];

		if (!from->seen)
			continue;
		*circuit = from->circuit;
		circuit->site = places_site(model, from->site);
		if (copy_circuit(model->arena, circuit) < 0)
			return -ENOMEM;
		model->n_circuits++;
	}
	qsort(model->circuits, model->n_circuits, sizeof(*model->circuits),
	      compare_circuits);
	return 0;
}

int places_fill(const struct places *places, struct model *model)
{
	int r = fill_sites(places, model);

	return r < 0 ? r : fill_circuits(places, model);
}
