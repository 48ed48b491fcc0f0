/* Models of reports for tests, by hand. */
#ifndef LIB_REPORT_MODEL_H
#define LIB_REPORT_MODEL_H

#include "report/model/model.h"

/* Room for so many of each, nothing in it; the window is an hour of 60 buckets
 * that begins at MODEL_BEGIN_NS. */
#define MODEL_ROOM     16
#define MODEL_BEGIN_NS (UINT64_C(1795000000) * 1000000000)
void report_model_init(struct model *model);
void report_model_finish(struct model *model);

/* Each returns its place; texts are borrowed. */
uint32_t report_model_site(struct model *model, const char *name,
			   double latitude, double longitude);
uint32_t report_model_circuit(struct model *model, uint32_t site,
			      const char *name);
/* `n` answers that took `ms`, now and before. */
uint32_t report_model_series(struct model *model, uint32_t circuit,
			     const char *target, const char *probe,
			     const char *service);
void report_model_answers(struct line *line, uint64_t n, double ms);

#endif
