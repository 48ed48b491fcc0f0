/* The forms for reading and for other programs: text, JSON, CSV. */
#ifndef REPORT_TEXT_RENDER_H
#define REPORT_TEXT_RENDER_H

#include "base/buf.h"
#include "report/model/model.h"
#include "report/model/source.h"

struct render {
	const struct report_options *options; /* `by` is filled */
	const struct source *source;
	const struct lines *now;
	const struct lines *before; /* NULL: not asked for */
	const struct model *model;  /* NULL: not asked for */
};

/* What is the line of the window before; NULL: there was none. */
const struct line *render_before(const struct render *r,
				 const struct line *line);

void render_text(const struct render *r, struct buf *out);
/* Its sections that are of the model. */
void render_text_model(const struct render *r, struct buf *out);
void render_json(const struct render *r, struct buf *out);
/* Members of the document under way. */
void render_json_model(const struct model *m, struct buf *out);
void render_csv(const struct render *r, struct buf *out);

#endif
