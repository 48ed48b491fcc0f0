/* Which lines stand for a site or a circuit. Pure. */
#ifndef REPORT_JUDGING_HEADLINES_H
#define REPORT_JUDGING_HEADLINES_H

#include "report/model/model.h"
#include <stdbool.h>
#include <stdint.h>

/* Which kind of series stands for a circuit, or, with MODEL_NONE as circuit, for
 * all circuits of a site: for sources, which fill the lines of it. */
enum model_headline judge_headline(const struct model *model, uint32_t site,
				   uint32_t circuit);
/* Whether a series is one of a headline of that kind. */
bool judge_is_headline(const struct model_series *series,
		       enum model_headline kind);

/* Lines that a source left empty are added up from series: counts, and for
 * percentiles means weighted by answers, since more is not known here. */
void judge_fill_headlines(struct model *model);

#endif
