/* The lines of a model from leaves: of its series, of its circuits and sites
 * over their headline series, and the roll-ups. */
#ifndef REPORT_GATHER_LEAVES_MODEL_H
#define REPORT_GATHER_LEAVES_MODEL_H

#include "report/lines/leaves.h"
#include "report/model/model.h"

/* The place in model->series of what has these names; MODEL_NONE. */
uint32_t leaves_find(const struct model *model, const struct series *series,
		     bool kept);

/* Sites, circuits and series of the model are there, in their order, but for
 * lines and headlines. Marks the leaves. 0 or -ENOMEM. */
int leaves_model(const struct leaves *leaves, struct model *model);

#endif
