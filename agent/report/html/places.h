/* Sections of the page: circuits as they are registered and where they land,
 * the targets of each site, and its figures over time. */
#ifndef REPORT_HTML_PLACES_H
#define REPORT_HTML_PLACES_H

#include "base/buf.h"
#include "report/model/model.h"

void html_circuits(const struct model *model, struct buf *out);
void html_targets(const struct model *model, struct buf *out);
/* 0 or -ENOMEM. */
int html_periods(const struct model *model, struct buf *out);

#endif
