/* The report as a page: one file that needs nothing else. */
#ifndef REPORT_HTML_HTML_H
#define REPORT_HTML_HTML_H

#include "base/buf.h"
#include "report/model/model.h"
#include <stdint.h>

struct render_html_options {
	const char *title; /* NULL: made from the sites */
	uint64_t made_ns;  /* when; wall clock */
};

/* Append the page. 0; -ENOTSUP: the build has none, render_html_missing() says
 * why; -ENOMEM, or what out->error says. */
int render_html(const struct model *model, const struct render_html_options *o,
		struct buf *out);

/* Why render_html() cannot, and what to install; NULL where it can. */
const char *render_html_missing(void);

#endif
