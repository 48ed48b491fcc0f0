/* What there is to say of a model: scores, locations, texts, findings. Pure. */
#ifndef REPORT_JUDGING_FINDINGS_H
#define REPORT_JUDGING_FINDINGS_H

#include "edgeprobe/error.h"
#include "report/judging/rules.h"
#include "report/model/model.h"

/* Fill what sources leave: scores; locations and failovers of circuits; texts of
 * pairs; the headline lines, if they are empty; the findings, worst first. The
 * rest of the model is whole. `options` NULL: judge_options_init(). 0 or
 * -ENOMEM. */
int model_judge(struct model *model, const struct judge_options *options,
		struct ep_err *err);

#endif
