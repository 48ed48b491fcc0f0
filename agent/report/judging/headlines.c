#include "report/judging/headlines.h"
#include <math.h>
#include <string.h>

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

void judge_fill_headlines(struct model *model)
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
