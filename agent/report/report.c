#include "report/report.h"
#include "edgeprobe/clock.h"
#include "report/clickhouse/clickhouse.h"
#include "report/html/html.h"
#include "report/judging/findings.h"
#include "report/model/source.h"
#include "report/store/stores.h"
#include "report/text/render.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REPORT_BYTES_MAX (256u << 20)
#define MINUTE_NS        (60 * EP_NS_PER_S)

static int finish(struct buf *text, FILE *out, struct ep_err *err)
{
	if (text->error < 0)
		return ep_err_set(err, text->error,
				  "the report is larger than %u MiB; ask for "
				  "fewer keys",
				  REPORT_BYTES_MAX >> 20);
	if (fwrite(text->data, 1, text->len, out) != text->len)
		return ep_err_set(err, -EIO, "the report cannot be written: %s",
				  strerror(errno));
	return 0;
}

static int write_page(const struct render *r, struct buf *text,
		      struct ep_err *err)
{
	struct render_html_options html = {
		.title = r->options->title,
		.made_ns = ep_clock_wall_ns(),
	};
	int ret = render_html(r->model, &html, text);

	if (ret == -ENOTSUP)
		return ep_err_set(err, ret, "no HTML from this build: %s",
				  render_html_missing());
	return ret < 0 && text->error == 0
		       ? ep_err_set(err, ret, "out of memory")
		       : 0;
}

static int render(const struct render *r, FILE *out, struct ep_err *err)
{
	struct buf text;
	int ret = 0;

	buf_init(&text, REPORT_BYTES_MAX);
	switch (r->options->format) {
	case REPORT_TEXT:
		render_text(r, &text);
		break;
	case REPORT_JSON:
		render_json(r, &text);
		break;
	case REPORT_CSV:
		render_csv(r, &text);
		break;
	case REPORT_HTML:
		ret = write_page(r, &text, err);
		break;
	}
	if (ret == 0)
		ret = finish(&text, out, err);
	buf_finish(&text);
	return ret;
}

static int fill_model(struct source *source, const struct report_options *o,
		      struct model *model, struct ep_err *err)
{
	int r;

	if (model->arena == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	if (!o->model)
		return 0;
	r = source->ops->model(source, model, err);
	return r < 0 ? r : model_judge(model, o->limits, err);
}

static int write_from(struct source *source, const struct report_options *o,
		      struct model *model, FILE *out, struct ep_err *err)
{
	struct lines now = { 0 }, before = { 0 };
	struct render r = { .options = o, .source = source, .now = &now };
	struct source_query query = { .by = o->by, .n_by = o->n_by };
	int ret = fill_model(source, o, model, err);

	if (ret == 0 && o->model)
		r.model = model;
	if (ret == 0)
		ret = source->ops->lines(source, &query, model->arena, &now,
					 err);
	if (ret == 0 && o->compare) {
		query.before = true;
		ret = source->ops->lines(source, &query, model->arena, &before,
					 err);
		r.before = &before;
	}
	return ret < 0 ? ret : render(&r, out, err);
}

/* CSV has lines only; a page always says what was before. */
static struct report_options complete(const struct report_options *options)
{
	struct report_options o = *options;

	if (o.n_by == 0) {
		o.by[0] = REPORT_TARGET;
		o.by[1] = REPORT_PROBE;
		o.n_by = 2;
	}
	o.model = o.format != REPORT_CSV;
	o.compare = o.compare || o.format == REPORT_HTML;
	return o;
}

static int open_source(const struct report_options *o,
		       struct source **ret_source, struct ep_err *err)
{
	return o->clickhouse != NULL
		       ? source_open_clickhouse(o, ret_source, err)
		       : source_open_stores(o, ret_source, err);
}

/* Read again from where samples begin, whole minutes; little is there to read,
 * then. */
static int fit_window(struct report_options *o, struct source **source,
		      struct ep_err *err)
{
	uint64_t length_ns = o->until_ns - o->since_ns;

	if (!o->fit || (*source)->first_ns < o->since_ns + length_ns / 8)
		return 0;
	o->since_ns = (*source)->first_ns - (*source)->first_ns % MINUTE_NS;
	(*source)->ops->close(*source);
	return open_source(o, source, err);
}

int report_write(const struct report_options *options, FILE *out,
		 struct ep_err *err)
{
	struct report_options o = complete(options);
	struct source *source = NULL;
	struct model model;
	int r = open_source(&o, &source, err);

	if (r == 0)
		r = fit_window(&o, &source, err);
	if (r < 0)
		return r;
	model_init(&model);
	r = write_from(source, &o, &model, out, err);
	model_finish(&model);
	source->ops->close(source);
	return r;
}
