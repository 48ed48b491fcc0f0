/* JSON: one document. What is not known is absent, never null. */
#include "report/model/keys.h"
#include "report/text/fields.h"
#include "report/text/render.h"
#include <string.h>

static void put_key(struct buf *out, const char *name)
{
	buf_json_text(out, name);
	buf_char(out, ':');
}

static void put_reasons(const struct line *line, struct buf *out)
{
	const char *separator = "";

	buf_text(out, ",\"reasons\":{");
	for (unsigned r = 1; r < EP_REASON_COUNT; r++) {
		if (line->reasons[r] == 0)
			continue;
		buf_text(out, separator);
		put_key(out, ep_reason_name(r));
		buf_uint(out, line->reasons[r]);
		separator = ",";
	}
	buf_char(out, '}');
}

static void put_pops(const struct line *line, struct buf *out)
{
	buf_text(out, ",\"pops\":{");
	for (unsigned i = 0; i < line->n_pops; i++) {
		const char *code = line->pops[i].code;

		buf_text(out, i == 0 ? "" : ",");
		put_key(out, *code == '\0' ? "other" : code);
		buf_uint(out, line->pops[i].n);
	}
	buf_char(out, '}');
}

static void put_fields(const struct fields *f, const char *separator,
		       struct buf *out)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->fields[i].is_absent)
			continue;
		buf_text(out, separator);
		put_key(out, f->fields[i].name);
		fields_write(&f->fields[i], out);
		separator = ",";
	}
}

static void put_line(const struct render *r, const struct line *line,
		     struct buf *out)
{
	const struct report_options *o = r->options;
	struct fields f;

	buf_char(out, '{');
	for (unsigned i = 0; i < o->n_by; i++) {
		if (line->keys[i][0] == '\0')
			continue;
		put_key(out, key_name(o->by[i]));
		buf_json_text(out, line->keys[i]);
		buf_char(out, ',');
	}
	fields_figures(&f, line);
	put_fields(&f, "", out);
	put_reasons(line, out);
	put_pops(line, out);
	fields_more(&f, line);
	put_fields(&f, ",", out);
	if (r->before != NULL) {
		fields_change(&f, line, render_before(r, line));
		put_fields(&f, ",", out);
	}
	buf_char(out, '}');
}

void render_json(const struct render *r, struct buf *out)
{
	const struct report_options *o = r->options;

	buf_text(out, "{\"first\":");
	buf_json_time(out, r->source->first_ns);
	buf_text(out, ",\"last\":");
	buf_json_time(out, r->source->last_ns);
	buf_printf(out, ",\"samples\":%llu,\"by\":[",
		   (unsigned long long)r->source->samples);
	for (unsigned i = 0; i < o->n_by; i++) {
		buf_text(out, i == 0 ? "" : ",");
		buf_json_text(out, key_name(o->by[i]));
	}
	buf_text(out, "],\"groups\":[");
	for (size_t i = 0; i < r->now->n; i++) {
		buf_text(out, i == 0 ? "\n" : ",\n");
		put_line(r, &r->now->at[i], out);
	}
	buf_text(out, "\n]");
	if (r->model != NULL)
		render_json_model(r->model, out);
	buf_text(out, "}\n");
}
