/* Sections of the page: places from coarse to fine, and roll-ups across. */
#ifndef REPORT_HTML_TABLES_H
#define REPORT_HTML_TABLES_H

#include "base/buf.h"
#include "report/html/parts.h"
#include "report/model/model.h"

/* The columns of figures that follow a name in all tables. */
#define HTML_FIGURES 10
extern const struct html_column html_figures[HTML_FIGURES];

/* Their cells but for the first, the probe, and the last, the edge locations.
 * `before` NULL: nothing to compare with. */
void html_figure_cells(struct buf *out, const struct model *model,
		       const struct line *now, const struct line *before);

/* The tree of market, country, metro, site and circuit. 0 or -ENOMEM. */
int html_tree(const struct model *model, struct buf *out);

/* By provider, connection, prefix, PoP, target and service. */
void html_rollups(const struct model *model, struct buf *out);

#endif
