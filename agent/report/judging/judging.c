#include "report/judging/judging.h"
#include "edge/pop.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024

/* 0.3 at the limit of good, 0.7 at that of poor, towards 1 beyond. */
static double badness(const struct edge_rule *rule, double value)
{
	double over = value - rule->good, span = rule->poor - rule->good;

	if (over <= 0)
		return 0;
	if (value <= rule->poor)
		return 0.3 + 0.4 * over / span;
	return value > 0 ? 1 - 0.3 * fabs(rule->poor) / value : 1;
}

void judging_level(struct judged *judged, enum edge_verdict verdict,
		   double weight)
{
	judged->finding.level = edge_verdict_name(verdict);
	judged->weight = weight + (verdict == EDGE_BAD ? 1 : 0);
}

struct judged judging_draft(const struct judging *j, enum judge_rule_id id,
			    uint32_t circuit, double value, double certainty)
{
	struct edge_rule rule = judge_rule(j->options, id);
	enum edge_verdict verdict = edge_judge(&rule, value);
	struct judged d = {
		.finding = {
			.site = j->model->circuits[circuit].site,
			.circuit = circuit,
			.pop = judging_pop_in_use(j, circuit),
			.rule = rule.name,
			.source = rule.source,
			.unit = rule.unit,
			.value = value,
			.limit = rule.good,
			.text = "",
			.help = "",
		},
	};

	judging_level(&d, verdict, badness(&rule, value) * certainty);
	return d;
}

static bool is_same(const struct judged *a, const struct judged *b)
{
	return a->cause == b->cause && a->finding.site == b->finding.site &&
	       a->finding.circuit == b->finding.circuit;
}

static struct judged *find(struct judging *j, const struct judged *judged)
{
	for (size_t i = 0; i < j->n; i++)
		if (is_same(&j->list[i], judged))
			return &j->list[i];
	return NULL;
}

static void keep_heavier(struct judged *old, const struct judged *judged)
{
	uint64_t since = old->finding.since_ns;
	uint64_t other = judged->finding.since_ns;

	if (judged->weight > old->weight)
		*old = *judged;
	if (since == 0 || (other != 0 && other < since))
		since = other;
	old->finding.since_ns = since;
}

void judging_add(struct judging *j, const struct judged *judged)
{
	struct judged *old = find(j, judged);
	size_t room = j->room == 0 ? 32 : 2 * j->room;

	if (j->error != 0 || old != NULL) {
		if (old != NULL)
			keep_heavier(old, judged);
		return;
	}
	if (j->n == j->room) {
		struct judged *grown =
			reallocarray(j->list, room, sizeof(*grown));

		if (grown == NULL) {
			j->error = -ENOMEM;
			return;
		}
		j->list = grown;
		j->room = room;
	}
	j->list[j->n++] = *judged;
}

/* --- words --- */

const char *judging_text(struct judging *j, const char *format, ...)
{
	char buffer[TEXT_MAX];
	const char *text;
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	text = arena_text(j->model->arena, buffer);
	if (text == NULL)
		j->error = -ENOMEM;
	return text == NULL ? "" : text;
}

const char *judging_over(struct judging *j, uint32_t circuit)
{
	const char *name = j->model->circuits[circuit].name;

	return *name == '\0' ? "" : judging_text(j, " over %s", name);
}

const char *judging_provider(struct judging *j, uint32_t circuit)
{
	const struct model_circuit *c = &j->model->circuits[circuit];

	if (*c->provider != '\0')
		return c->provider;
	return *c->name == '\0'
		       ? "the provider"
		       : judging_text(j, "the provider of %s", c->name);
}

const char *judging_pop(struct judging *j, const char *code)
{
	const struct edge_pop *pop = edge_pop_find(code);

	return pop == NULL ? code : judging_text(j, "%s (%s)", pop->city, code);
}

const char *judging_ms(struct judging *j, double ns)
{
	double ms = ns / 1e6;

	return judging_text(j, fabs(ms) < 9.95 ? "%.1f ms" : "%.0f ms", ms);
}

const char *judging_time(struct judging *j, uint64_t ns)
{
	double s = (double)ns / 1e9;

	if (s < 119.5)
		return judging_text(j, "%.0f s", s);
	if (s < 119.5 * 60)
		return judging_text(j, "%.0f min", s / 60);
	if (s < 47.5 * 3600)
		return judging_text(j, "%.1f h", s / 3600);
	return judging_text(j, "%.0f days", s / 86400);
}

const char *judging_pop_in_use(const struct judging *j, uint32_t circuit)
{
	const struct model_circuit *c = &j->model->circuits[circuit];

	return c->n_runs == 0 ? "" : c->runs[c->n_runs - 1].pop;
}

/* --- figures --- */

double judging_certainty(uint64_t n)
{
	return (double)n / ((double)n + 30);
}

void judged_values_add(struct judged_values *v, double value, uint64_t weight)
{
	unsigned i = v->n;

	if (isnan(value) || v->n == sizeof(v->value) / sizeof(v->value[0]))
		return;
	for (; i > 0 && v->value[i - 1] > value; i--) {
		v->value[i] = v->value[i - 1];
		v->weight[i] = v->weight[i - 1];
	}
	v->value[i] = value;
	v->weight[i] = weight;
	v->n++;
}

double judged_values_median(struct judged_values *v)
{
	uint64_t all = 0, passed = 0;

	for (unsigned i = 0; i < v->n; i++)
		all += v->weight[i];
	for (unsigned i = 0; i < v->n; i++) {
		passed += v->weight[i];
		if (2 * passed >= all)
			return v->value[i];
	}
	return (double)NAN;
}

/* Of a fresh connection of https the TCP handshake is a phase. */
static const struct figures *handshake_of(const struct model_series *s,
					  bool https)
{
	if (strcmp(s->service, "Exchange") != 0 ||
	    strcmp(s->probe, https ? "https" : "tcp") != 0)
		return NULL;
	return https ? &s->now.phases[LINE_CONNECT] : &s->now.rtt;
}

double judging_exchange_ms(const struct model *model, uint32_t site,
			   uint32_t circuit, uint64_t *ret_n)
{
	struct judged_values values = { .n = 0 };

	*ret_n = 0;
	for (int https = 0; https < 2 && values.n == 0; https++)
		for (size_t i = 0; i < model->n_series; i++) {
			const struct model_series *s = &model->series[i];
			const struct figures *f = handshake_of(s, https);

			if (f == NULL || f->n == 0 ||
			    s->circuit >= model->n_circuits ||
			    (circuit == MODEL_NONE
				     ? model->circuits[s->circuit].site != site
				     : s->circuit != circuit))
				continue;
			judged_values_add(&values, f->p50, f->n);
			*ret_n += f->n;
		}
	return judged_values_median(&values) / 1e6;
}
