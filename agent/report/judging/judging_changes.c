/* Against the window before, and against sites of the same metro. Series are
 * held against themselves, and against those of the same target and kind: what
 * is measured may differ from time to time and from site to site. */
#include "report/judging/headlines.h"
#include "report/judging/judging.h"
#include <math.h>
#include <string.h>
#include <strings.h>

#define ANSWERS_MIN 100  /* in each of both */
#define RISE_NS     5e6  /* less is no change, */
#define PEER_NS     5e6  /* and no difference that anyone feels */
#define FELT_NS     25e6 /* less than that is not bad */

static bool stands_for(const struct judging *j, const struct model_series *s,
		       uint32_t circuit)
{
	const struct model_circuit *c = &j->model->circuits[circuit];

	return s->circuit == circuit &&
	       judge_is_headline(s, (enum model_headline)c->headline) &&
	       s->now.rtt.n >= ANSWERS_MIN;
}

/* --- against before --- */

static void judge_rise(struct judging *j, uint32_t circuit)
{
	struct judged_values rise = { .n = 0 }, now = { .n = 0 };
	double ns, before;
	struct judged d;
	uint64_t n = 0;

	for (size_t i = 0; i < j->model->n_series; i++) {
		const struct model_series *s = &j->model->series[i];

		if (!stands_for(j, s, circuit) || s->before.rtt.n < ANSWERS_MIN)
			continue;
		judged_values_add(&rise, s->now.rtt.p50 - s->before.rtt.p50,
				  s->now.rtt.n);
		judged_values_add(&now, s->now.rtt.p50, s->now.rtt.n);
		n += s->now.rtt.n;
	}
	ns = judged_values_median(&rise);
	before = judged_values_median(&now) - ns;
	if (!(ns >= RISE_NS) || !(before > 0))
		return;
	d = judging_draft(j, JUDGE_CHANGE, circuit, 100 * ns / before,
			  0.7 * judging_certainty(n));
	if (!(d.finding.value > d.finding.limit))
		return;
	d.cause = CAUSE_RISE;
	d.finding.text = judging_text(
		j,
		"Round trips%s are %s at the median, %s (%.0f %%) longer than "
		"in the window before.",
		judging_over(j, circuit), judging_ms(j, before + ns),
		judging_ms(j, ns), d.finding.value);
	d.finding.help = judging_text(
		j,
		"Compare the edge location and the path with those before, and "
		"ask %s what has changed.",
		judging_provider(j, circuit));
	judging_add(j, &d);
}

/* --- against others --- */

static bool is_sister(const struct judging *j, uint32_t site, uint32_t other)
{
	const struct model_site *a = &j->model->sites[site];
	const struct model_site *b = &j->model->sites[other];

	return site != other && *a->metro != '\0' &&
	       strcasecmp(a->metro, b->metro) == 0 &&
	       strcasecmp(a->country, b->country) == 0;
}

/* The fastest that the site has to a series' target by its kind; NAN. */
static double best_of(const struct judging *j, uint32_t site,
		      const struct model_series *like)
{
	double best = (double)NAN;

	for (size_t i = 0; i < j->model->n_series; i++) {
		const struct model_series *s = &j->model->series[i];

		if (s->circuit >= j->model->n_circuits ||
		    j->model->circuits[s->circuit].site != site ||
		    s->now.rtt.n < ANSWERS_MIN ||
		    strcmp(s->host, like->host) != 0 ||
		    strcmp(s->probe, like->probe) != 0)
			continue;
		best = s->now.rtt.p50 > best ? best : s->now.rtt.p50;
	}
	return best;
}

/* What sister sites have; NAN. */
static double peers_of(const struct judging *j, uint32_t site,
		       const struct model_series *like, unsigned *ret_n)
{
	struct judged_values values = { .n = 0 };

	for (uint32_t i = 0; i < j->model->n_sites; i++)
		if (is_sister(j, site, i))
			judged_values_add(&values, best_of(j, i, like), 1);
	*ret_n = values.n;
	return judged_values_median(&values);
}

struct peers {
	double own, others; /* ns */
	unsigned n;         /* sites */
	uint64_t answers;
};

/* Of the targets that both have, those that stand for the circuit. */
static struct peers compare_peers(const struct judging *j, uint32_t circuit)
{
	struct judged_values more = { .n = 0 }, all = { .n = 0 };
	uint32_t site = j->model->circuits[circuit].site;
	struct peers p = { .n = 0 };
	double difference;

	for (size_t i = 0; i < j->model->n_series; i++) {
		const struct model_series *s = &j->model->series[i];
		double others;
		unsigned n;

		if (!stands_for(j, s, circuit) ||
		    best_of(j, site, s) < s->now.rtt.p50)
			continue; /* the site has a faster line */
		others = peers_of(j, site, s, &n);
		if (n == 0)
			continue;
		judged_values_add(&more, s->now.rtt.p50 - others, s->now.rtt.n);
		judged_values_add(&all, s->now.rtt.p50, s->now.rtt.n);
		p.n = n > p.n ? n : p.n;
		p.answers += s->now.rtt.n;
	}
	difference = judged_values_median(&more);
	p.own = judged_values_median(&all);
	p.others = p.own - difference;
	return p;
}

static void judge_peers(struct judging *j, uint32_t circuit)
{
	const struct model_circuit *c = &j->model->circuits[circuit];
	struct peers p = compare_peers(j, circuit);
	struct judged d;

	if (!(p.own - p.others >= PEER_NS) || !(p.others > 0))
		return;
	d = judging_draft(j, (enum judge_rule_id)EDGE_PEERS, circuit,
			  100 * (p.own - p.others) / p.others,
			  0.6 * judging_certainty(p.answers));
	if (!(d.finding.value > d.finding.limit))
		return;
	if (p.own - p.others < FELT_NS)
		judging_level(&d, EDGE_WARNING,
			      0.3 * judging_certainty(p.answers));
	d.cause = CAUSE_PEERS;
	d.finding.text = judging_text(
		j,
		"Round trips%s are %s at the median, %.0f %% above the %s of "
		"%u other %s in %s.",
		judging_over(j, circuit), judging_ms(j, p.own), d.finding.value,
		judging_ms(j, p.others), p.n, p.n == 1 ? "site" : "sites",
		j->model->sites[c->site].metro);
	d.finding.help = judging_text(
		j,
		"The same city does better: compare provider and edge location "
		"with theirs, and show %s the difference.",
		judging_provider(j, circuit));
	judging_add(j, &d);
}

void judging_changes(struct judging *j)
{
	for (uint32_t i = 0; i < j->model->n_circuits; i++) {
		judge_rise(j, i);
		judge_peers(j, i);
	}
}
