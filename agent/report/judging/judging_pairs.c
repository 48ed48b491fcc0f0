/* Circuits side by side, in words. */
#include "report/judging/headlines.h"
#include "report/judging/judging.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct side {
	const struct model_series *series;
	const char *label; /* "circuit fibre", "the default route" */
};

static struct side side_of(struct judging *j, uint32_t series)
{
	struct side side = { &j->model->series[series], "the default route" };
	const char *name = j->model->circuits[side.series->circuit].name;

	if (*name != '\0')
		side.label = judging_text(j, "circuit %s", name);
	return side;
}

/* "14", "3.5", of nanoseconds; `sure` within so many: finer than that. */
struct number {
	char text[24];
};

static struct number number_of(double ns, double sure)
{
	struct number n;
	double ms = ns / 1e6;
	int digits = fabs(ms) < 0.0995 ? 2 : fabs(ms) < 9.95 ? 1 : 0;

	if (digits == 0 && sure < 2e6)
		digits = 1;
	snprintf(n.text, sizeof(n.text), "%.*f", digits, ms);
	if (strspn(n.text, "-0.") == strlen(n.text))
		snprintf(n.text, sizeof(n.text), "0");
	return n;
}

/* "14 ms (12 to 15)" */
static const char *interval_of(struct judging *j,
			       const struct model_interval *i)
{
	double sure = i->high - i->low;
	struct number value = number_of(i->value, sure);
	struct number low = number_of(i->low, sure);
	struct number high = number_of(i->high, sure);

	return judging_text(j, "%s ms (%s to %s)", value.text, low.text,
			    high.text);
}

/* What is to be said of p90 behind p50. */
static const char *tail_of(struct judging *j, const struct model_pair *pair)
{
	struct number value = number_of(fabs(pair->p90.value),
					pair->p90.high - pair->p90.low);

	if (pair->p90.low > 0)
		return judging_text(j, "%s at p90", value.text);
	if (pair->p90.high < 0)
		return judging_text(j, "cost %s at p90", value.text);
	return "no difference at p90";
}

static const char *say_pair(struct judging *j, const struct model_pair *pair)
{
	struct side a = side_of(j, pair->a), b = side_of(j, pair->b);
	const struct model_series *s = b.series;

	if (pair->p50.low > 0)
		return judging_text(j,
				    "%s would save %s at p50, %s, to %s (%s)",
				    b.label, interval_of(j, &pair->p50),
				    tail_of(j, pair), s->target, s->probe);
	if (pair->p90.low > 0)
		return judging_text(j,
				    "%s would save %s at p90, no difference at "
				    "p50, to %s (%s)",
				    b.label, interval_of(j, &pair->p90),
				    s->target, s->probe);
	return judging_text(j,
			    "no difference between %s and %s to %s (%s): %s at "
			    "p50",
			    a.label, b.label, s->target, s->probe,
			    interval_of(j, &pair->p50));
}

/* What counts: Exchange before Microsoft's other services before the rest, and of
 * the kinds that of headlines. */
static double importance(const struct model_series *s)
{
	double kind = judge_is_headline(s, MODEL_TCP)     ? 1
		      : judge_is_headline(s, MODEL_HTTPS) ? 0.97
							  : 0.94;

	if (strcmp(s->service, "Exchange") == 0)
		return 0.6 * kind;
	return (*s->service != '\0' ? 0.5 : 0.3) * kind;
}

static bool is_registered(const struct model_circuit *c)
{
	return *c->connection != '\0' || *c->primary_location != '\0';
}

/* Beside a line that is registered one that is not is the spare: that it is
 * slower is no news. */
static bool is_spare(const struct model *model, const struct model_pair *pair)
{
	return !is_registered(
		       &model->circuits[model->series[pair->a].circuit]) &&
	       is_registered(&model->circuits[model->series[pair->b].circuit]);
}

static void judge_pair(struct judging *j, const struct model_pair *pair)
{
	const struct model_series *s = &j->model->series[pair->a];
	struct side b = side_of(j, pair->b);
	struct judged d = judging_draft(j, JUDGE_SAVING, s->circuit,
					pair->p50.value / 1e6, importance(s));

	if (!(pair->p50.low > 0) || !(d.finding.value >= d.finding.limit) ||
	    is_spare(j->model, pair))
		return;
	if (strcmp(d.finding.level, "good") == 0) /* the limit itself */
		judging_level(&d, EDGE_WARNING, 0.3 * importance(s));
	d.cause = CAUSE_SAVING;
	d.finding.text = judging_text(
		j, "To %s (%s), %s would save %s of the round trip%s.",
		s->target, s->probe, b.label, interval_of(j, &pair->p50),
		judging_over(j, s->circuit));
	d.finding.help = judging_text(
		j,
		"Send Microsoft 365 traffic by %s where it still leaves%s, and "
		"ask %s for a way as short.",
		b.label, judging_over(j, s->circuit),
		judging_provider(j, s->circuit));
	judging_add(j, &d);
}

void judging_pairs(struct judging *j)
{
	for (size_t i = 0; i < j->model->n_pairs; i++) {
		struct model_pair *pair = &j->model->pairs[i];

		pair->text = say_pair(j, pair);
		judge_pair(j, pair);
	}
}
