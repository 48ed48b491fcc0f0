/* Sections of the page: what there is to say. */
#ifndef REPORT_HTML_SAID_H
#define REPORT_HTML_SAID_H

#include "base/buf.h"
#include "report/model/model.h"

void html_findings(const struct model *model, struct buf *out);
void html_pairs(const struct model *model, struct buf *out);
void html_events(const struct model *model, struct buf *out);

#endif
