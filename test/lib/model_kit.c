#include "lib/model_kit.h"
#include "base/arena.h"
#include "edge/judge.h"
#include "edge/market.h"
#include "edge/pop.h"
#include "lib/model_kit_i.h"
#include "report/judging/findings.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS   UINT64_C(1000000000)
#define SINCE_NS    (UINT64_C(1790000000) * SECOND_NS)
#define MS          1e6
#define PROBES      3 /* of each target */
#define INTERVAL_NS (10 * SECOND_NS)
#define FAILOVER    0.42 /* of the window */

struct place {
	const char *name, *country, *metro;
	double latitude, longitude;
	const char *pop;
};

static const struct place places[MODEL_KIT_SITES] = {
	{ "Amsterdam office", "NL", "Amsterdam", 52.37, 4.90, "AMS" },
	{ "Paris office", "FR", "Paris", 48.86, 2.35, "PAR" },
	{ "Köln \"Mitte\"", "DE", "Köln", 50.94, 6.96, "FRA" },
	{ "London City", "GB", "London", 51.51, -0.13, "LON" },
	{ "London Docklands", "GB", "London", 51.50, 0.02, "LON" },
	{ "Madrid", "ES", "Madrid", 40.42, -3.70, "MAD" },
	{ "Stockholm", "SE", "Stockholm", 59.33, 18.07, "STO" },
	{ "Warszawa", "PL", "Warszawa", 52.23, 21.01, "WAW" },
	{ "New York", "US", "New York", 40.71, -74.01, "NYC" },
	{ "Chicago plant", "US", "Chicago", 41.88, -87.63, "CHI" },
	{ "Toronto", "CA", "Toronto", 43.65, -79.38, "YTO" },
	{ "Miami depot", "US", "Miami", 25.76, -80.19, "MIA" },
	{ "Tokyo", "JP", "Tokyo", 35.68, 139.69, "TYO" },
	{ "Singapore", "SG", "Singapore", 1.35, 103.82, "SIN" },
	{ "Hong Kong", "HK", "Hong Kong", 22.30, 114.17, "HKG" },
	{ "Sydney", "AU", "Sydney", -33.87, 151.21, "SYD" },
	{ "Mumbai", "IN", "Mumbai", 19.08, 72.88, "BOM" },
	{ "Dubai", "AE", "Dubai", 25.20, 55.27, "DXB" },
	{ "Johannesburg", "ZA", "Johannesburg", -26.20, 28.05, "JNB" },
	{ "São Paulo", "BR", "São Paulo", -23.55, -46.63, "SAO" },
};

struct target {
	const char *name, *host;
	const char *probes[PROBES];
};

static const struct target targets[MODEL_KIT_TARGETS] = {
	{ "exchange", "outlook.office365.com", { "tcp", "https", "icmp" } },
	{ "sharepoint", "contoso.sharepoint.com", { "tcp", "https", "icmp" } },
	{ "teams",
	  "worldaz.tr.teams.microsoft.com",
	  { "tcp", "https", "stun" } },
	{ "entra", "login.microsoftonline.com", { "tcp", "https", "icmp" } },
	{ "shop", "shop-contoso.azurefd.net", { "tcp", "https", "icmp" } },
};

struct access {
	const char *name, *provider;
	double more_ms;
};

static const struct access accesses[MODEL_KIT_CIRCUITS] = {
	{ "fibre", "KPN", 0 },
	{ "cable", "Vodafone", 4.5 },
	{ "lte", "Telenor", 22 },
};

/* --- chance, the same each time --- */

static double chance(uint64_t a, uint64_t b)
{
	uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b + 1;

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

static uint32_t access_of(const struct making *m, uint32_t circuit)
{
	return circuit % m->kit->circuits;
}

static uint32_t site_of(const struct making *m, uint32_t circuit)
{
	return circuit / m->kit->circuits;
}

/* --- what is wrong --- */

static bool is_far(const struct making *m, uint32_t site)
{
	return m->kit->sites > 4 && site + 1 == m->kit->sites;
}

static bool fails_over(const struct making *m, uint32_t circuit, double moment)
{
	return site_of(m, circuit) == 1 && access_of(m, circuit) == 0 &&
	       moment >= FAILOVER;
}

static const char *far_pop(uint32_t site)
{
	return strcmp(places[site].pop, "SAO") == 0 ? "MIA" : "NYC";
}

static const char *pop_at(const struct making *m, uint32_t circuit,
			  double moment)
{
	uint32_t site = site_of(m, circuit);

	if (is_far(m, site))
		return far_pop(site);
	return fails_over(m, circuit, moment) ? "LON" : places[site].pop;
}

static double loss_share(const struct making *m, uint32_t circuit,
			 double moment)
{
	bool at_times = (moment > 0.3 && moment < 0.45) || moment > 0.9;

	return site_of(m, circuit) == 3 && at_times ? 0.04 : 0.0006;
}

static bool is_off(const struct making *m, uint32_t circuit, double moment)
{
	return site_of(m, circuit) == 2 && moment > 0.2 && moment < 0.22;
}

/* --- cells --- */

/* From 0 at night to 1 in the afternoon. */
static double busy(const struct place *place, uint64_t wall_ns)
{
	double hour = (double)(wall_ns / SECOND_NS % 86400) / 3600 +
		      place->longitude / 15;
	double wave = sin((hour - 8) / 24 * 6.283185307179586);

	return wave > 0 ? wave : 0;
}

static double base_ms(const struct making *m, uint32_t circuit, double moment)
{
	const struct place *place = &places[site_of(m, circuit)];
	const struct edge_pop *pop = edge_pop_find(pop_at(m, circuit, moment));
	double km = edge_distance_km(
		(struct edge_place){ place->latitude, place->longitude },
		(struct edge_place){ pop->latitude, pop->longitude });

	return 2.4 + (double)edge_floor_ns(km) / MS * 1.5 +
	       accesses[access_of(m, circuit)].more_ms +
	       (fails_over(m, circuit, moment) ? 31 : 0);
}

static void fill_cell(const struct making *m, uint32_t series, unsigned bucket)
{
	const struct model_series *s = &m->model->series[series];
	struct model_cell *cell = &s->cells[bucket];
	double moment = (double)bucket / m->kit->buckets;
	double load = busy(&places[site_of(m, s->circuit)],
			   SINCE_NS + bucket * m->kit->bucket_ns);
	double lost, ms;

	if (is_off(m, s->circuit, moment))
		return;
	cell->asked = (uint32_t)(m->kit->bucket_ns / INTERVAL_NS);
	lost = cell->asked * loss_share(m, s->circuit, moment);
	cell->lost = (uint32_t)(lost + chance(series + 7, bucket));
	ms = base_ms(m, s->circuit, moment) * (1 + 0.2 * load) +
	     (series % 7) * 0.3;
	ms *= 0.97 + 0.06 * chance(series, bucket);
	cell->p5 = (float)(ms * MS * 0.93);
	cell->p25 = (float)(ms * MS * 0.97);
	cell->p50 = (float)(ms * MS);
	cell->p75 = (float)(ms * MS * (1.04 + 0.05 * load));
	cell->p95 = (float)(ms * MS * (1.15 + 0.6 * load));
}

/* --- places --- */

static void fill_run(const struct making *m, struct model_run *run,
		     const char *pop, double from, double to)
{
	double window = (double)(m->kit->buckets * m->kit->bucket_ns);

	*run = (struct model_run){
		.pop = pop,
		.from_ns = SINCE_NS + (uint64_t)(from * window),
		.to_ns = SINCE_NS + (uint64_t)(to * window) - SECOND_NS,
		.n = (uint64_t)((to - from) * window / (double)INTERVAL_NS),
	};
}

static int fill_runs(const struct making *m, uint32_t circuit)
{
	struct model_circuit *c = &m->model->circuits[circuit];
	bool two = fails_over(m, circuit, 1);

	c->runs = arena_alloc(m->model->arena, 2, sizeof(*c->runs));
	if (c->runs == NULL)
		return -ENOMEM;
	c->n_runs = two ? 2 : 1;
	fill_run(m, &c->runs[0], pop_at(m, circuit, 0), 0, two ? FAILOVER : 1);
	if (two)
		fill_run(m, &c->runs[1], pop_at(m, circuit, 1), FAILOVER, 1);
	return 0;
}

static int fill_circuit(const struct making *m, uint32_t i)
{
	struct arena *arena = m->model->arena;
	struct model_circuit *c = &m->model->circuits[i];
	uint32_t site = site_of(m, i), access = access_of(m, i);
	const struct edge_pop *pop = edge_pop_find(places[site].pop);

	*c = (struct model_circuit){
		.site = site,
		.name = accesses[access].name,
		.provider = accesses[access].provider,
		.prefix = arena_printf(arena, "203.0.%u.0/24", 100 + i),
		.connection = "",
		.primary_location = "",
		.backup_location = "",
		.egress_address = arena_printf(arena, "203.0.%u.17", 100 + i),
		.egress_place = places[site].metro,
		.observed_provider = "AS64500 EXAMPLE-NET",
		.resolver_address = "192.0.2.53",
		.resolver_place = "Frankfurt",
		.egress_km = 4,
		.resolver_km = 360,
		.headline = MODEL_TCP,
		.score = (double)NAN,
	};
	if (access == 0) {
		c->connection = arena_printf(arena, "mps-%02u", site + 1);
		c->primary_location = pop->city;
		c->backup_location = "London";
	}
	if (c->prefix == NULL || c->egress_address == NULL ||
	    c->connection == NULL)
		return -ENOMEM;
	return fill_runs(m, i);
}

static void fill_site(struct model_site *site, const struct place *place)
{
	*site = (struct model_site){
		.name = place->name,
		.country = place->country,
		.metro = place->metro,
		.market = edge_market(place->country),
		.expected_pops = place->pop,
		.latitude = place->latitude,
		.longitude = place->longitude,
		.headline = MODEL_TCP,
		.score = (double)NAN,
	};
}

static int fill_series(const struct making *m, uint32_t i)
{
	unsigned each = m->kit->targets * PROBES;
	struct model_series *s = &m->model->series[i];
	const struct target *target = &targets[i % each / PROBES];

	*s = (struct model_series){
		.circuit = i / each,
		.target = target->name,
		.probe = target->probes[i % PROBES],
		.host = target->host,
		.service = edge_service(target->host),
		.cells = arena_alloc(m->model->arena, m->kit->buckets,
				     sizeof(*s->cells)),
		.worst_loss_percent = (double)NAN,
		.worst_burst_percent = (double)NAN,
		.worst_jitter_ns = (double)NAN,
	};
	if (s->cells == NULL)
		return -ENOMEM;
	if (strcmp(s->probe, "stun") == 0) {
		s->worst_loss_percent = 0.4;
		s->worst_burst_percent = 2.5;
		s->worst_jitter_ns = 6.2 * MS;
	}
	for (unsigned b = 0; b < m->kit->buckets; b++)
		fill_cell(m, i, b);
	return 0;
}

static int fill_measured(const struct making *m)
{
	int r = 0;

	for (uint32_t i = 0; i < m->model->n_sites; i++)
		fill_site(&m->model->sites[i], &places[i]);
	for (uint32_t i = 0; i < m->model->n_circuits && r == 0; i++)
		r = fill_circuit(m, i);
	for (uint32_t i = 0; i < m->model->n_series && r == 0; i++)
		r = fill_series(m, i);
	return r == 0 ? model_kit_lines(m) : r;
}

/* --- what there is to say --- */

static int fill_events(const struct making *m)
{
	struct model *model = m->model;
	struct model_event *e = arena_alloc(model->arena, 2, sizeof(*e));
	const struct model_run *run;

	if (e == NULL)
		return -ENOMEM;
	if (m->kit->sites < 2)
		return 0;
	run = &model->circuits[m->kit->circuits].runs[1];
	e[0] = (struct model_event){
		.time_ns = run->from_ns,
		.since_ns = run->from_ns,
		.site = 1,
		.circuit = m->kit->circuits,
		.event = "pop_changed",
		.level = "warning",
		.state = "raised",
		.target = "exchange",
		.probe = "https",
		.text = "exchange is answered by LON, not PAR",
	};
	e[1] = e[0];
	e[1].time_ns += 120 * SECOND_NS;
	e[1].event = "degraded";
	e[1].level = "bad";
	e[1].probe = "tcp";
	e[1].text = "round trips to exchange are 5 times as long as usual";
	model->events = e;
	model->n_events = 2;
	return 0;
}

static int fill_pairs(const struct making *m)
{
	struct model *model = m->model;
	unsigned each = m->kit->targets * PROBES;
	struct model_pair *p =
		arena_alloc(model->arena, m->kit->targets, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	if (m->kit->sites < 2 || m->kit->circuits < 2)
		return 0;
	for (unsigned t = 0; t < m->kit->targets; t++)
		p[t] = (struct model_pair){
			.a = m->kit->circuits * each + t * PROBES,
			.b = (m->kit->circuits + 1) * each + t * PROBES,
			.n = 1200,
			.p50 = { (14 - t) * MS, (12 - t) * MS, (15 - t) * MS },
			.p90 = { 31 * MS, 25 * MS, 38 * MS },
			.text = "",
		};
	model->pairs = p;
	model->n_pairs = m->kit->targets;
	return 0;
}

static int reserve(const struct making *m)
{
	struct model *model = m->model;

	model->n_sites = m->kit->sites;
	model->n_circuits = model->n_sites * m->kit->circuits;
	model->n_series = model->n_circuits * m->kit->targets * PROBES;
	if (model->arena == NULL)
		return -ENOMEM;
	model->sites = arena_alloc(model->arena, model->n_sites,
				   sizeof(*model->sites));
	model->circuits = arena_alloc(model->arena, model->n_circuits,
				      sizeof(*model->circuits));
	model->series = arena_alloc(model->arena, model->n_series,
				    sizeof(*model->series));
	return model->sites == NULL || model->circuits == NULL ||
			       model->series == NULL
		       ? -ENOMEM
		       : 0;
}

int model_kit(struct model *model, const struct model_kit *kit)
{
	struct making m = { model, kit };
	struct ep_err err;
	int r;

	model_init(model);
	model->source = "a model made for tests";
	model->agents = "as many agents as sites";
	model->since_ns = model->first_ns = SINCE_NS;
	model->until_ns = SINCE_NS + kit->buckets * kit->bucket_ns;
	model->last_ns = model->until_ns - SECOND_NS;
	model->bucket_ns = kit->bucket_ns;
	model->n_buckets = kit->buckets;
	r = reserve(&m);
	if (r == 0)
		r = fill_measured(&m);
	if (r == 0)
		r = fill_events(&m);
	if (r == 0)
		r = fill_pairs(&m);
	for (size_t i = 0; i < model->n_series && r == 0; i++)
		model->samples += line_sent(&model->series[i].now);
	return r == 0 ? model_judge(model, NULL, &err) : r;
}
