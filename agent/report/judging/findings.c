#include "report/judging/findings.h"
#include "report/judging/judging.h"
#include "report/judging/runs.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OWN "edgeprobe"

static const struct edge_rule own_rules[JUDGE_RULES - EDGE_RULES] = {
	[JUDGE_UNAVAILABLE - EDGE_RULES] = { "unavailable",
					     "probes without a usable answer",
					     "%", 0.5, 5, OWN },
	[JUDGE_LOSS - EDGE_RULES] = { "loss", "probes lost", "%", 1, 5, OWN },
	[JUDGE_CHANGE - EDGE_RULES] = { "change",
					"median above that of the window "
					"before",
					"%", 20, 100, OWN },
	[JUDGE_SAVING - EDGE_RULES] = { "saving",
					"what another circuit would save", "ms",
					5, 500, OWN },
};

void judge_options_init(struct judge_options *options)
{
	options->vantage = EDGE_FROM_CLIENT;
	for (unsigned i = 0; i < JUDGE_RULES; i++)
		options->limits[i] =
			(struct judge_limit){ (double)NAN, (double)NAN };
}

struct edge_rule judge_rule(const struct judge_options *options,
			    enum judge_rule_id id)
{
	const struct judge_limit *limit = &options->limits[id];
	unsigned at = (unsigned)id;
	struct edge_rule rule =
		at < EDGE_RULES
			? *edge_rule((enum edge_rule_id)at, options->vantage)
			: own_rules[at - EDGE_RULES];

	if (!isnan(limit->good))
		rule.good = limit->good;
	if (!isnan(limit->poor))
		rule.poor = limit->poor;
	if (rule.poor < rule.good)
		rule.poor = rule.good;
	if (!isnan(limit->good) || !isnan(limit->poor))
		rule.source = "configuration";
	return rule;
}

/* --- what stands for a circuit --- */

static const char *const kinds[MODEL_NO_HEADLINE] = {
	[MODEL_TCP] = "tcp",
	[MODEL_HTTPS] = "https",
	[MODEL_ICMP] = "icmp",
	[MODEL_STUN] = "stun",
};

bool judge_is_headline(const struct model_series *series,
		       enum model_headline kind)
{
	return kind < MODEL_NO_HEADLINE && *series->service != '\0' &&
	       strcmp(series->probe, kinds[kind]) == 0;
}

static bool is_within(const struct model *model, const struct model_series *s,
		      uint32_t site, uint32_t circuit)
{
	if (s->circuit >= model->n_circuits)
		return false;
	return circuit == MODEL_NONE ? model->circuits[s->circuit].site == site
				     : s->circuit == circuit;
}

enum model_headline judge_headline(const struct model *model, uint32_t site,
				   uint32_t circuit)
{
	unsigned kind = MODEL_TCP;

	for (; kind < MODEL_NO_HEADLINE; kind++)
		for (size_t i = 0; i < model->n_series; i++)
			if (is_within(model, &model->series[i], site,
				      circuit) &&
			    judge_is_headline(&model->series[i],
					      (enum model_headline)kind))
				return (enum model_headline)kind;
	return MODEL_NO_HEADLINE;
}

/* --- lines that the source left empty --- */

/* Counts add up; percentiles are those of the parts, each by its share, since
 * more is not known here. */
static void mix(double *into, double other, double share)
{
	if (!isnan(other))
		*into = isnan(*into) ? other : *into + (other - *into) * share;
}

static void add_figures(struct figures *into, const struct figures *from)
{
	double share = from->n == 0
			       ? 0
			       : (double)from->n / (double)(into->n + from->n);

	if (from->n == 0)
		return;
	into->n += from->n;
	into->min = into->min < from->min ? into->min : from->min;
	into->max = into->max > from->max ? into->max : from->max;
	mix(&into->mean, from->mean, share);
	mix(&into->stddev, from->stddev, share);
	mix(&into->p50, from->p50, share);
	mix(&into->p75, from->p75, share);
	mix(&into->p90, from->p90, share);
	mix(&into->p95, from->p95, share);
	mix(&into->p99, from->p99, share);
}

static void add_line(struct line *into, const struct line *from)
{
	for (unsigned i = 0; i < EP_CANCELLED; i++)
		into->outcomes[i] += from->outcomes[i];
	for (unsigned i = 0; i < EP_REASON_COUNT; i++)
		into->reasons[i] += from->reasons[i];
	into->missed += from->missed;
	into->late += from->late;
	if (into->rtt.n == 0)
		into->rtt = from->rtt;
	else
		add_figures(&into->rtt, &from->rtt);
	if (from->jitter_n > 0) {
		into->jitter_n += from->jitter_n;
		if (into->jitter_n == from->jitter_n)
			into->jitter = from->jitter;
		else
			mix(&into->jitter, from->jitter,
			    (double)from->jitter_n / (double)into->jitter_n);
	}
}

struct headline {
	uint32_t site, circuit;
	struct line *now, *before;
	uint8_t *kind;
};

static void fill_headline(const struct model *model, const struct headline *h)
{
	enum model_headline kind;

	if (line_sent(h->now) > 0 || h->now->rtt.n > 0)
		return;
	kind = judge_headline(model, h->site, h->circuit);
	*h->kind = (uint8_t)kind;
	line_init(h->now);
	line_init(h->before);
	for (size_t i = 0; i < model->n_series; i++) {
		const struct model_series *s = &model->series[i];

		if (!is_within(model, s, h->site, h->circuit) ||
		    !judge_is_headline(s, kind))
			continue;
		add_line(h->now, &s->now);
		add_line(h->before, &s->before);
	}
}

static void fill_headlines(struct model *model)
{
	for (uint32_t i = 0; i < model->n_sites; i++) {
		struct model_site *s = &model->sites[i];

		s->circuit = model_main_circuit(model, i);
		fill_headline(model,
			      &(struct headline){ i, s->circuit, &s->now,
						  &s->before, &s->headline });
	}
	for (uint32_t i = 0; i < model->n_circuits; i++) {
		struct model_circuit *c = &model->circuits[i];

		fill_headline(model,
			      &(struct headline){ c->site, i, &c->now,
						  &c->before, &c->headline });
	}
}

/* --- all --- */

static void score(struct model *model)
{
	uint64_t n;

	for (uint32_t i = 0; i < model->n_sites; i++)
		model->sites[i].score = edge_exchange_score(judging_exchange_ms(
			model, i, model->sites[i].circuit, &n));
	for (uint32_t i = 0; i < model->n_circuits; i++)
		model->circuits[i].score =
			edge_exchange_score(judging_exchange_ms(
				model, model->circuits[i].site, i, &n));
}

static int locate(struct model *model)
{
	int r = 0;

	for (size_t i = 0; i < model->n_circuits && r == 0; i++)
		r = runs_locate(&model->circuits[i], model->arena);
	return r;
}

static int by_weight(const void *a, const void *b)
{
	const struct judged *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->finding.site != y->finding.site)
		return x->finding.site < y->finding.site ? -1 : 1;
	if (x->finding.circuit != y->finding.circuit)
		return x->finding.circuit < y->finding.circuit ? -1 : 1;
	return (int)x->cause - (int)y->cause;
}

static int hand_over(struct judging *j)
{
	struct model *model = j->model;

	model->n_findings = 0;
	model->findings =
		arena_alloc(model->arena, j->n, sizeof(*model->findings));
	if (model->findings == NULL)
		return -ENOMEM;
	if (j->n > 0)
		qsort(j->list, j->n, sizeof(j->list[0]), by_weight);
	for (size_t i = 0; i < j->n; i++)
		model->findings[model->n_findings++] = j->list[i].finding;
	return 0;
}

int model_judge(struct model *model, const struct judge_options *options,
		struct ep_err *err)
{
	struct judge_options usual;
	struct judging j = { .model = model, .options = options };
	int r = locate(model);

	if (options == NULL) {
		judge_options_init(&usual);
		j.options = &usual;
	}
	if (r == 0) {
		fill_headlines(model);
		score(model);
		judging_pairs(&j);
		judging_events(&j);
		judging_figures(&j);
		judging_changes(&j);
		judging_places(&j);
		r = j.error == 0 ? hand_over(&j) : j.error;
	}
	free(j.list);
	return r == 0 ? 0 : ep_err_set(err, r, "out of memory");
}
