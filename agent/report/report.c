#include "report/report.h"
#include "report/keys.h"
#include "report/render.h"
#include "report/source.h"
#include <errno.h>
#include <string.h>

#define REPORT_BYTES_MAX (256u << 20)

const struct line *render_before(const struct render *r,
				 const struct line *line)
{
	for (size_t i = 0; r->before != NULL && i < r->before->n; i++) {
		const struct line *before = &r->before->at[i];
		unsigned k = 0;

		while (k < r->options->n_by &&
		       strcmp(before->keys[k], line->keys[k]) == 0)
			k++;
		if (k == r->options->n_by)
			return before;
	}
	return NULL;
}

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

static int render(const struct render *r, FILE *out, struct ep_err *err)
{
	struct buf text;
	int ret;

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
		break;
	}
	ret = finish(&text, out, err);
	buf_finish(&text);
	return ret;
}

static int write_from(struct source *source, const struct report_options *o,
		      struct arena *arena, FILE *out, struct ep_err *err)
{
	struct lines now = { 0 }, before = { 0 };
	struct render r = { .options = o, .source = source, .now = &now };
	int ret = source->ops->lines(source, o->by, o->n_by, false, arena, &now,
				     err);

	if (ret == 0 && o->compare) {
		ret = source->ops->lines(source, o->by, o->n_by, true, arena,
					 &before, err);
		r.before = &before;
	}
	return ret < 0 ? ret : render(&r, out, err);
}

int report_write(const struct report_options *options, FILE *out,
		 struct ep_err *err)
{
	struct report_options o = *options;
	struct arena *arena = arena_create();
	struct source *source = NULL;
	int r;

	if (arena == NULL)
		return ep_err_set(err, -ENOMEM, "out of memory");
	if (o.n_by == 0) {
		o.by[0] = REPORT_TARGET;
		o.by[1] = REPORT_PROBE;
		o.n_by = 2;
	}
	r = source_open_stores(&o, &source, err);
	if (r == 0) {
		r = write_from(source, &o, arena, out, err);
		source->ops->close(source);
	}
	arena_destroy(arena);
	return r;
}
