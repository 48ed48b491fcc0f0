/* Where traffic meets Microsoft, leaves the enterprise, and asks for names. */
#include "edge/place.h"
#include "edge/pop.h"
#include "edgeprobe/address.h"
#include "report/judging/judging.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define NEARER_KM     150 /* less is no other place */
#define USUAL_ANSWERS 30
#define USUAL_SHARE   0.6 /* of the window before, */
#define KNOWN_SHARE   0.2 /* or of what is nothing new */

#define REGISTRATION "Peering Service registration"

/* Where a circuit's last run is. */
struct landing {
	uint32_t circuit;
	const struct model_circuit *line;
	const struct model_site *site;
	const char *code;
	const struct edge_pop *pop, *nearest; /* NULL: not known */
	double km, nearest_km;                /* from the site; NAN */
	uint64_t since_ns; /* 0: since before the first answer */
};

static bool is_one_city(const struct edge_pop *a, const struct edge_pop *b)
{
	return a != NULL && b != NULL && strcmp(a->city, b->city) == 0 &&
	       strcmp(a->country, b->country) == 0;
}

static bool is_one_place(const char *a, const char *b)
{
	return strcmp(a, b) == 0 ||
	       is_one_city(edge_pop_find(a), edge_pop_find(b));
}

static double km_of(const struct model_site *site, const struct edge_pop *pop)
{
	if (pop == NULL)
		return (double)NAN;
	return edge_distance_km(
		(struct edge_place){ site->latitude, site->longitude },
		(struct edge_place){ pop->latitude, pop->longitude });
}

/* Of several codes of a city the one that people know: not of two letters. */
static const struct edge_pop *known_of(const struct edge_pop *pop)
{
	size_t n;
	const struct edge_pop *pops = edge_pops(&n);

	for (size_t i = 0; i < n; i++)
		if (strlen(pops[i].code) == 3 && is_one_city(&pops[i], pop))
			return &pops[i];
	return pop;
}

static struct landing land(const struct judging *j, uint32_t circuit)
{
	const struct model_circuit *c = &j->model->circuits[circuit];
	struct landing l = { .circuit = circuit,
			     .line = c,
			     .site = &j->model->sites[c->site],
			     .code = judging_pop_in_use(j, circuit) };
	size_t i = c->n_runs;

	l.pop = edge_pop_find(l.code);
	l.km = km_of(l.site, l.pop);
	l.nearest = edge_pop_nearest(
		(struct edge_place){ l.site->latitude, l.site->longitude },
		&l.nearest_km);
	l.nearest = known_of(l.nearest);
	if (l.nearest == NULL)
		l.nearest_km = (double)NAN;
	while (i > 0 && is_one_place(c->runs[i - 1].pop, l.code))
		i--;
	l.since_ns = i == 0 ? 0 : c->runs[i].from_ns;
	return l;
}

/* "in London (LON), 358 km away" */
static const char *where(struct judging *j, const struct landing *l)
{
	const char *name = judging_pop(j, l->code);

	return isnan(l->km)
		       ? judging_text(j, "in %s", name)
		       : judging_text(j, "in %s, %.0f km away", name, l->km);
}

static const char *origin(const struct landing *l)
{
	if (*l->site->metro != '\0')
		return l->site->metro;
	return *l->site->name != '\0' ? l->site->name : "this site";
}

static const char *ask_why(struct judging *j, const struct landing *l,
			   const char *instead)
{
	return judging_text(
		j,
		"Ask %s why traffic from %s reaches Microsoft %s, and not in "
		"%s; send the times and the references of the answers (pop_ref "
		"in the rows of `edgeprobe export`).",
		judging_provider(j, l->circuit), origin(l), where(j, l),
		instead);
}

/* Not by a figure but by a list. */
static struct judged draft(const struct judging *j, const struct landing *l,
			   const char *rule, double weight)
{
	struct judged d =
		judging_draft(j, (enum judge_rule_id)EDGE_POP_DISTANCE,
			      l->circuit, (double)NAN, 0);

	judging_level(&d, EDGE_WARNING, weight);
	d.cause = CAUSE_PLACE;
	d.finding.rule = rule;
	d.finding.unit = "";
	d.finding.limit = (double)NAN;
	d.finding.since_ns = l->since_ns;
	return d;
}

/* --- the edge --- */

/* Far is no fault where nothing is nearer. */
static void judge_distance(struct judging *j, const struct landing *l)
{
	struct judged d =
		judging_draft(j, (enum judge_rule_id)EDGE_POP_DISTANCE,
			      l->circuit, l->km, 0.9);
	const char *instead;
	double detour_ns;

	if (l->nearest == NULL || !(l->km > d.finding.limit) ||
	    !(l->nearest_km + NEARER_KM < l->km))
		return;
	instead = judging_pop(j, l->nearest->code);
	detour_ns =
		(double)(edge_floor_ns(l->km) - edge_floor_ns(l->nearest_km));
	d.cause = CAUSE_PLACE;
	d.finding.since_ns = l->since_ns;
	d.finding.text = judging_text(
		j,
		"Traffic%s meets Microsoft %s, although %s is %.0f km away: at "
		"least %s of each round trip is the detour.",
		judging_over(j, l->circuit), where(j, l), instead,
		l->nearest_km, judging_ms(j, detour_ns));
	d.finding.help = ask_why(j, l, instead);
	judging_add(j, &d);
}

static void judge_location(struct judging *j, const struct landing *l)
{
	const struct model_circuit *c = l->line;
	bool backup = c->location == MODEL_BACKUP;
	struct judged d = draft(j, l, "location", backup ? 0.5 : 0.6);

	if (!backup && c->location != MODEL_NEITHER)
		return;
	d.finding.source = REGISTRATION;
	d.finding.since_ns = c->location_since_ns;
	if (c->n_runs > 0 && c->location_since_ns == c->runs[0].from_ns)
		d.finding.since_ns = 0;
	if (*c->primary_location == '\0') {
		d.finding.text = judging_text(
			j,
			"Traffic%s meets Microsoft %s, not where it is "
			"registered.",
			judging_over(j, l->circuit), where(j, l));
	} else if (backup) {
		d.finding.text = judging_text(
			j,
			"Traffic%s meets Microsoft at its backup location, %s, "
			"and not at the primary, %s.",
			judging_over(j, l->circuit), where(j, l),
			c->primary_location);
	} else {
		d.finding.text = judging_text(
			j,
			"Traffic%s meets Microsoft %s, which is not its "
			"primary location, %s%s%s.",
			judging_over(j, l->circuit), where(j, l),
			c->primary_location,
			*c->backup_location == '\0' ? "" : ", nor its backup, ",
			c->backup_location);
	}
	d.finding.help =
		ask_why(j, l,
			*c->primary_location != '\0' ? c->primary_location
						     : c->backup_location);
	judging_add(j, &d);
}

static bool is_expected(const char *list, const char *code)
{
	char one[16];

	while (*list != '\0') {
		size_t n = strcspn(list, ",");

		if (n > 0 && n < sizeof(one)) {
			memcpy(one, list, n);
			one[n] = '\0';
			if (is_one_place(one, code))
				return true;
		}
		list += n + (list[n] == ',');
		list += strspn(list, " ");
	}
	return false;
}

static void judge_expected(struct judging *j, const struct landing *l)
{
	struct judged d = draft(j, l, "expected_pops", 0.55);

	if (is_expected(l->site->expected_pops, l->code))
		return;
	d.finding.source = "configuration";
	d.finding.text = judging_text(
		j, "Traffic%s meets Microsoft %s, and not in %s, as expected.",
		judging_over(j, l->circuit), where(j, l),
		l->site->expected_pops);
	d.finding.help = ask_why(j, l, l->site->expected_pops);
	judging_add(j, &d);
}

/* The series that tells where the circuit was before, as runs choose theirs. */
static const struct line *line_before(const struct judging *j, uint32_t circuit)
{
	const struct model_series *best = NULL;

	for (size_t i = 0; i < j->model->n_series; i++) {
		const struct model_series *s = &j->model->series[i];
		bool exchange = strcmp(s->service, "Exchange") == 0;

		if (s->circuit != circuit || s->before.n_pops == 0)
			continue;
		if (best == NULL ||
		    exchange > (strcmp(best->service, "Exchange") == 0) ||
		    (exchange == (strcmp(best->service, "Exchange") == 0) &&
		     s->before.pops[0].n > best->before.pops[0].n))
			best = s;
	}
	return best == NULL ? NULL : &best->before;
}

static uint64_t answers_of(const struct line *line, const char *code)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < line->n_pops; i++)
		if (code == NULL || is_one_place(line->pops[i].code, code))
			n += line->pops[i].n;
	return n;
}

/* Another place than before is worth a word only if it is further away. */
static void judge_usual(struct judging *j, const struct landing *l)
{
	const struct line *before = line_before(j, l->circuit);
	struct judged d = draft(j, l, "usual_pop", 0.4);
	double all, usual;
	const char *code;

	if (before == NULL || l->line->location == MODEL_PRIMARY)
		return;
	code = before->pops[0].code;
	all = (double)answers_of(before, NULL);
	usual = (double)answers_of(before, code);
	if (all < USUAL_ANSWERS || usual < USUAL_SHARE * all ||
	    (double)answers_of(before, l->code) >= KNOWN_SHARE * all ||
	    !(l->km > km_of(l->site, edge_pop_find(code)) + NEARER_KM))
		return;
	d.finding.source = "edgeprobe";
	d.finding.text = judging_text(
		j,
		"Traffic%s meets Microsoft %s, and no longer in %s, as usual "
		"(%.0f %% of the answers before).",
		judging_over(j, l->circuit), where(j, l), judging_pop(j, code),
		100 * usual / all);
	d.finding.help = ask_why(j, l, judging_pop(j, code));
	judging_add(j, &d);
}

/* --- failovers that are over --- */

static void judge_failovers(struct judging *j, const struct landing *l)
{
	const struct model_failover *last = NULL;
	struct judged d = draft(j, l, "failover", 0.35);
	uint64_t away_ns = 0;
	unsigned n = 0;

	for (size_t i = 0; i < l->line->n_failovers; i++) {
		const struct model_failover *f = &l->line->failovers[i];

		if (f->back_ns == 0)
			continue;
		last = f;
		away_ns += f->back_ns - f->from_ns;
		n++;
	}
	if (last == NULL)
		return;
	d.cause = CAUSE_FAILOVER;
	d.finding.source = REGISTRATION;
	d.finding.since_ns = last->from_ns;
	d.finding.unit = "s";
	d.finding.value = (double)away_ns / 1e9;
	d.finding.pop = last->pop;
	d.finding.text = judging_text(
		j,
		"Traffic%s left its primary location, %s, %s for %s%s; the "
		"last time it went to %s, for %s.",
		judging_over(j, l->circuit), l->line->primary_location,
		n == 1 ? "once" : judging_text(j, "%u times", n),
		judging_time(j, away_ns), n == 1 ? "" : " in all",
		judging_pop(j, last->pop),
		judging_time(j, last->back_ns - last->from_ns));
	d.finding.help =
		judging_text(j, "Ask %s what happened at the primary location.",
			     judging_provider(j, l->circuit));
	judging_add(j, &d);
}

/* --- egress and name server --- */

/* " in Frankfurt," or "". */
static const char *place_or_not(struct judging *j, const char *place)
{
	return *place == '\0' ? "" : judging_text(j, " in %s,", place);
}

/* Whether an address is in one of these; false, too, if it is none. */
static bool is_in(const char *address, const char *prefixes)
{
	struct edge_hub hub = { .prefixes = (char *)prefixes };
	struct ep_address parsed;

	return ep_address_parse(address, &parsed) == 0 &&
	       edge_hub_find(&hub, 1, &parsed) != NULL;
}

/* RFC 1918, 6598, 3927 and loopback: seen from within, it says nothing of the
 * line. */
#define OWN_PREFIXES                                                           \
	"10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/"   \
	"16,"                                                                  \
	"127.0.0.0/8"

/* Peering Service is for the registered prefix, of IPv4. */
static void judge_line(struct judging *j, const struct landing *l)
{
	const struct model_circuit *c = l->line;
	const char *observed = c->observed_provider;
	struct judged d = judging_draft(j, (enum judge_rule_id)EDGE_EGRESS,
					l->circuit, (double)NAN, 0);

	if (*c->prefix == '\0' || strchr(c->prefix, ':') != NULL ||
	    !is_in(c->egress_address, "0.0.0.0/0") ||
	    is_in(c->egress_address, OWN_PREFIXES) ||
	    is_in(c->egress_address, c->prefix))
		return;
	d.cause = CAUSE_LINE;
	d.finding.rule = "prefix";
	d.finding.source = "Peering Service registration";
	d.finding.unit = "";
	d.finding.limit = (double)NAN;
	judging_level(&d, EDGE_WARNING, 0.6);
	d.finding.text = judging_text(
		j,
		"Traffic%s leaves from %s, which is not in the prefix %s that "
		"is registered for it.",
		judging_over(j, l->circuit), c->egress_address, c->prefix);
	d.finding.help = judging_text(
		j,
		"Peering Service is for the registered prefix only: look "
		"whether this traffic takes another line%s%s%s, and ask %s "
		"which addresses it translates to.",
		*observed == '\0' ? "" : " (the address is of ", observed,
		*observed == '\0' ? "" : ")", judging_provider(j, l->circuit));
	judging_add(j, &d);
}

static void judge_egress(struct judging *j, const struct landing *l)
{
	struct judged d = judging_draft(j, (enum judge_rule_id)EDGE_EGRESS,
					l->circuit, l->line->egress_km, 0.7);

	if (!(l->line->egress_km > d.finding.limit))
		return;
	d.cause = CAUSE_EGRESS;
	d.finding.text = judging_text(
		j,
		"Traffic%s leaves to the internet%s %.0f km from the site: at "
		"least %s of each round trip.",
		judging_over(j, l->circuit),
		place_or_not(j, l->line->egress_place), l->line->egress_km,
		judging_ms(j, (double)edge_floor_ns(l->line->egress_km)));
	d.finding.help = "Let Microsoft 365 traffic leave at the site (local "
			 "breakout) instead of through a central proxy, VPN or "
			 "data centre.";
	judging_add(j, &d);
}

static void judge_resolver(struct judging *j, const struct landing *l)
{
	const struct model_circuit *c = l->line;
	struct judged d = judging_draft(j, (enum judge_rule_id)EDGE_RESOLVER,
					l->circuit, c->resolver_km, 0.6);

	if (!(c->resolver_km > d.finding.limit))
		return;
	d.cause = CAUSE_RESOLVER;
	d.finding.text = judging_text(
		j,
		"Names%s are looked up%s %.0f km from the site%s%s%s: front "
		"doors are chosen near there.",
		judging_over(j, l->circuit), place_or_not(j, c->resolver_place),
		c->resolver_km, *c->resolver_address == '\0' ? "" : " (by ",
		c->resolver_address, *c->resolver_address == '\0' ? "" : ")");
	d.finding.help = "Use a name server near the site: its own, or the "
			 "provider's.";
	judging_add(j, &d);
}

void judging_places(struct judging *j)
{
	for (uint32_t i = 0; i < j->model->n_circuits; i++) {
		struct landing l = land(j, i);

		judge_line(j, &l);
		judge_egress(j, &l);
		judge_resolver(j, &l);
		if (*l.code == '\0')
			continue;
		judge_distance(j, &l);
		judge_location(j, &l);
		judge_failovers(j, &l);
		if (*l.site->expected_pops != '\0')
			judge_expected(j, &l);
		else
			judge_usual(j, &l);
	}
}
