#include "report/judging/findings.h"
#include "report/judging/headlines.h"
#include "report/judging/judging.h"
#include "report/judging/runs.h"
#include <errno.h>
#include <stdlib.h>

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
	model->rtt =
		judge_rule(j.options, (enum judge_rule_id)EDGE_EXCHANGE_RTT);
	if (r == 0) {
		judge_fill_headlines(model);
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
