/* The stores of an enterprise's branches, as their agents would have written
 * them, for reports: ten sites (or more), two circuits each, an edge of several
 * PoPs, and the troubles of branches_world.c.
 *
 *   branches DIRECTORY [HOURS] [INTERVAL_S] [SITES] [END_S]
 *
 * A store a site, DIRECTORY/SITE.db, of the last HOURS (24) before END_S of the
 * wall clock (now), each target asked every INTERVAL_S (60). The same arguments
 * give the same figures. */
#include "lib/branches.h"
#include "base/log.h"
#include "edge/pop.h"
#include "edgeprobe/clock.h"
#include "events/events.h"
#include "facts.h"
#include "store/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MAX (BRANCH_LINES * 16)
#define HOUR_NS    (3600 * EP_NS_PER_S)

struct world {
	const char *directory;
	uint64_t hours, interval_ns, sites, end_ns, begin_ns;
};

/* What a circuit asks of a target. */
struct asked {
	unsigned line;
	const struct branch_target *target;
	const char *probe;
	uint32_t id;
	struct series series;
};

struct site {
	const struct world *world;
	const struct branch *branch;
	unsigned copy; /* of the branch: the table may be shorter */
	char name[64], agent[16];
	struct store *store;
	struct events *events;
	struct facts *facts;
	struct asked asked[SERIES_MAX];
	size_t n_asked;
	uint64_t random, now_ns;
};

static void fail(const char *what, const struct ep_err *err)
{
	fprintf(stderr, "branches: %s: %s\n", what, err ? err->text : "failed");
	exit(1);
}

/* --- chance --- */

static double draw(struct site *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return ((double)(s->random >> 11) + 0.5) / 9007199254740992.0;
}

/* What a queue adds: mostly nothing, seldom much. */
static double draw_queue(struct site *s, double mean_ms)
{
	return -mean_ms * log(draw(s));
}

/* --- what is so at a moment --- */

struct state {
	const char *pop;
	double extra_ms, loss;
	bool dark; /* no answers; or, of no line, the agent is away */
};

static struct state state_at(const struct site *s, unsigned line,
			     uint64_t now_ns)
{
	double before_end = (double)(s->world->end_ns - now_ns) / HOUR_NS;
	struct state state = { .pop = line < BRANCH_LINES
					      ? s->branch->lines[line].pop
					      : NULL };

	for (const struct trouble *t = branch_troubles; t->site != NULL; t++) {
		if (s->copy > 0 || strcmp(t->site, s->branch->name) != 0 ||
		    (t->line >= 0 && (unsigned)t->line != line) ||
		    before_end > t->from_hours || before_end <= t->to_hours)
			continue;
		state.pop = t->pop == NULL ? state.pop : t->pop;
		state.extra_ms += t->extra_ms;
		state.loss += t->loss;
		state.dark = state.dark || t->dark;
	}
	return state;
}

static double base_ms(const struct site *s, const struct asked *a,
		      const struct state *state)
{
	const struct branch_line *line = &s->branch->lines[a->line];
	const struct edge_pop *pop = edge_pop_find(state->pop);
	double hour = fmod((double)s->now_ns / HOUR_NS, 24);
	double busy = exp(-pow((hour - 13) / 3.5, 2));
	double km = edge_distance_km(
		(struct edge_place){ s->branch->latitude,
				     s->branch->longitude },
		(struct edge_place){ pop->latitude, pop->longitude });

	return line->access_ms + s->copy * 0.7 +
	       1.4 * (double)edge_floor_ns(km) / EP_NS_PER_MS + 1.5 * busy +
	       a->target->extra_ms + state->extra_ms;
}

/* --- a sample --- */

static void add_https(struct site *s, struct ep_sample *sample, double rtt_ms,
		      const char *pop)
{
	struct ep_https *h = &sample->https;

	h->connect_ns = sample->rtt_ns + 40000;
	h->tls_ns = (int64_t)((rtt_ms * 1.1 + 1.5) * 1e6);
	h->first_byte_ns = (int64_t)((rtt_ms + 2 + draw_queue(s, 1)) * 1e6);
	h->total_ns = sample->rtt_ns + h->tls_ns + h->first_byte_ns + 500000;
	h->http_status = 200;
	h->tls_days_left = 120;
	snprintf(h->http_version, sizeof(h->http_version), "2");
	snprintf(h->pop, sizeof(h->pop), "%s", pop);
	snprintf(h->pop_source, sizeof(h->pop_source), "x-msedge-ref");
	snprintf(h->tls_issuer, sizeof(h->tls_issuer), "Microsoft Corporation");
}

static void measure(struct site *s, const struct asked *a,
		    struct ep_sample *sample)
{
	struct state state = state_at(s, a->line, s->now_ns);
	double rtt_ms = base_ms(s, a, &state) + draw_queue(s, 0.25);

	ep_sample_init(sample);
	sample->sent_ns = s->now_ns;
	sample->stamp = EP_STAMP_KERNEL;
	sample->slip_ns = 30000;
	sample->uncertainty_ns = 4000;
	sample->port = strcmp(a->probe, "icmp") == 0   ? 0
		       : strcmp(a->probe, "stun") == 0 ? 3478
						       : 443;
	ep_address_parse(a->target->address, &sample->address);
	if (state.dark || draw(s) < state.loss + 0.0002) {
		sample->outcome = EP_LOST;
		sample->reason = EP_REASON_TIMEOUT;
		return;
	}
	sample->outcome = EP_REPLIED;
	sample->rtt_ns = (int64_t)(rtt_ms * 1e6);
	if (strcmp(a->probe, "https") == 0)
		add_https(s, sample, rtt_ms, state.pop);
	if (strcmp(a->probe, "stun") == 0)
		ep_address_parse(s->branch->lines[a->line].egress,
				 &sample->mapped);
}

/* --- a site --- */

static void on_event(const char *body, void *arg)
{
	struct site *s = arg;

	store_add_note(s->store, ROW_EVENT, s->now_ns, body);
}

static void on_fact(const char *body, void *arg)
{
	struct site *s = arg;

	store_add_note(s->store, ROW_SELF, s->now_ns, body);
}

static void ask(struct site *s, unsigned line, const struct branch_target *t,
		const char *probe)
{
	const struct branch_line *l = &s->branch->lines[line];
	struct asked *a = &s->asked[s->n_asked++];
	struct ep_err err = { 0 };

	a->line = line;
	a->target = t;
	a->probe = probe;
	a->series = (struct series){ .target = t->name,
				     .probe = probe,
				     .host = t->host,
				     .site = s->name,
				     .country = s->branch->country,
				     .metro = s->branch->metro,
				     .circuit = l->circuit,
				     .provider = l->provider,
				     .prefix = l->prefix };
	if (store_series(s->store, &a->series, &a->id, &err) < 0)
		fail(s->name, &err);
}

static void ask_all(struct site *s)
{
	for (unsigned line = 0; line < BRANCH_LINES; line++)
		for (size_t i = 0; branch_targets[i].name != NULL; i++)
			for (size_t p = 0; branch_targets[i].probes[p]; p++)
				ask(s, line, &branch_targets[i],
				    branch_targets[i].probes[p]);
}

/* One round of all targets, spread over the interval. */
static void round_of(struct site *s, uint64_t begin_ns)
{
	uint64_t step_ns = s->world->interval_ns / s->n_asked;
	struct ep_sample sample;

	for (size_t i = 0; i < s->n_asked; i++) {
		/* Both circuits are asked at the same moment. */
		size_t moment = i % (s->n_asked / BRANCH_LINES);

		s->now_ns = begin_ns + moment * step_ns * BRANCH_LINES;
		measure(s, &s->asked[i], &sample);
		events_see(s->events, (uint32_t)i, &s->asked[i].series,
			   &sample);
		store_add_sample(s->store, s->asked[i].id, &sample);
	}
	facts_tick(s->facts, begin_ns);
}

static void live(struct site *s)
{
	struct ep_err err = { 0 };
	uint64_t rows = 0;

	s->now_ns = s->world->begin_ns;
	store_add_note(s->store, ROW_BOOT, s->now_ns,
		       "\"version\":\"0.1.0\",\"reason\":\"first start\"");
	for (uint64_t t = s->world->begin_ns;
	     t + s->world->interval_ns <= s->world->end_ns;
	     t += s->world->interval_ns) {
		struct state state = state_at(s, BRANCH_LINES, t);

		if (state.dark)
			continue;
		round_of(s, t);
		rows += s->n_asked;
		if (rows < 5000)
			continue;
		rows = 0;
		if (store_commit(s->store, &err) < 0)
			fail(s->name, &err);
	}
	if (store_commit(s->store, &err) < 0)
		fail(s->name, &err);
}

/* --- its configuration, which the rows about it come from --- */

static void configure(struct site *s, struct config *c,
		      struct config_circuit *circuits)
{
	memset(c, 0, sizeof(*c));
	c->agent = s->agent;
	c->site.name = s->name;
	c->site.country = (char *)s->branch->country;
	c->site.metro = (char *)s->branch->metro;
	c->site.latitude = s->branch->latitude + s->copy * 0.3;
	c->site.longitude = s->branch->longitude + s->copy * 0.3;
	for (unsigned i = 0; i < BRANCH_LINES; i++) {
		const struct branch_line *l = &s->branch->lines[i];

		circuits[i] = (struct config_circuit){
			.name = (char *)l->circuit,
			.provider = (char *)l->provider,
			.prefix = (char *)l->prefix,
			.connection = (char *)l->connection,
			.primary_location = (char *)l->primary_location,
			.backup_location = (char *)l->backup_location,
		};
	}
	c->circuits = circuits;
	c->n_circuits = BRANCH_LINES;
}

static void open_store(struct site *s, const char *path)
{
	char epoch[17];
	struct store_options options = { .path = path,
					 .agent = s->agent,
					 .epoch = epoch,
					 .max_bytes = UINT64_C(8) << 30 };
	struct ep_err err = { 0 };

	snprintf(epoch, sizeof(epoch), "%016llx",
		 (unsigned long long)s->random);
	if (store_open(&options, &s->store, &err) < 0)
		fail(path, &err);
}

/* As STUN and a name server would have told. */
static void learn(struct site *s)
{
	for (unsigned i = 0; i < BRANCH_LINES; i++) {
		const struct branch_line *l = &s->branch->lines[i];
		struct facts_where where = { .place = s->branch->metro,
					     .km = 3 };
		struct edge_asn asn = { .number = 64496 + i };

		ep_address_parse(l->egress, &where.address);
		facts_learn(s->facts, i, FACTS_EGRESS, &where);
		snprintf(asn.name, sizeof(asn.name), "%s", l->provider);
		facts_belongs(s->facts, i, &asn);
	}
}

static void write_site(const struct world *world, unsigned number)
{
	static struct site s;
	unsigned n = 0;
	struct config_circuit circuits[BRANCH_LINES];
	struct events_options events = { .limits = watch_defaults };
	struct config config;
	char path[512];

	while (branches[n].name != NULL)
		n++;
	memset(&s, 0, sizeof(s));
	s.world = world;
	s.branch = &branches[number % n];
	s.copy = number / n;
	s.random = 0x9e3779b97f4a7c15u * (number + 1);
	snprintf(s.name, sizeof(s.name), s.copy > 0 ? "%s %u" : "%s",
		 s.branch->name, s.copy + 1);
	snprintf(s.agent, sizeof(s.agent), "branch-%02u", number + 1);
	snprintf(path, sizeof(path), "%s/%s.db", world->directory, s.agent);
	configure(&s, &config, circuits);
	open_store(&s, path);
	events.latitude = config.site.latitude;
	events.longitude = config.site.longitude;
	s.events = events_create(&events, on_event, &s);
	s.facts = facts_create(&config, on_fact, &s);
	if (s.events == NULL || s.facts == NULL)
		fail(s.name, NULL);
	learn(&s);
	ask_all(&s);
	live(&s);
	events_destroy(s.events);
	facts_destroy(s.facts);
	store_close(s.store);
}

int main(int argc, char **argv)
{
	struct world world = { .hours = 24, .sites = 10 };

	if (argc < 2 || argc > 6) {
		fprintf(stderr, "branches DIRECTORY [HOURS] [INTERVAL_S] "
				"[SITES] [END_S]\n");
		return 64;
	}
	log_set_level(LOG_LEVEL_ERROR);
	world.directory = argv[1];
	if (argc > 2)
		world.hours = strtoull(argv[2], NULL, 10);
	world.interval_ns =
		(argc > 3 ? strtoull(argv[3], NULL, 10) : 60) * EP_NS_PER_S;
	if (argc > 4)
		world.sites = strtoull(argv[4], NULL, 10);
	world.end_ns = argc > 5 ? strtoull(argv[5], NULL, 10) * EP_NS_PER_S
				: ep_clock_wall_ns();
	world.begin_ns = world.end_ns - world.hours * HOUR_NS;
	for (unsigned i = 0; i < world.sites; i++)
		write_site(&world, i);
	return 0;
}
