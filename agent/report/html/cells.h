/* Buckets of time for the page's charts. */
#ifndef REPORT_HTML_CELLS_H
#define REPORT_HTML_CELLS_H

#include "base/buf.h"
#include "report/model/model.h"

/* The document's code of a duration: 0 for none, else within 0.3 %. */
unsigned html_code(float ns);

/* Append the member "cells" of a series, and of a site: over its headline
 * series, whose quantiles are put together as if the samples between two of
 * them were all at the nearest one. 0 or -ENOMEM. */
void html_series_cells(const struct model *model,
		       const struct model_series *series, struct buf *out);
int html_site_cells(const struct model *model, uint32_t site, struct buf *out);

/* The buckets of a site as so many parts (at least 1) into `cells`, which are
 * zeroed. 0 or -ENOMEM. */
int html_merge_site(const struct model *model, uint32_t site, unsigned parts,
		    struct model_cell *cells);

#endif
