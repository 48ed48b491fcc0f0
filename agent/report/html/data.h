/* The model as the document that the page's script reads: web/data.md. */
#ifndef REPORT_HTML_DATA_H
#define REPORT_HTML_DATA_H

#include "base/buf.h"
#include "report/html/html.h"
#include "report/model/model.h"
#include <stdint.h>

/* Append the JSON; o->title is there. 0 or -ENOMEM. */
int html_data(const struct model *model, const struct render_html_options *o,
	      struct buf *out);

/* What of the window before is compared with a line of a roll-up; NULL: there
 * was none. */
const struct line *html_line_like(const struct lines *lines,
				  const struct line *line);

/* The row's word of an enum model_headline: "tcp"; "" for none. */
const char *html_kind(uint8_t headline);

#endif
