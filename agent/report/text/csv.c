/* CSV (RFC 4180, with "\n"). */
#include "report/model/keys.h"
#include "report/text/fields.h"
#include "report/text/render.h"
#include <string.h>

/* A leading = + - @ would be a formula to a spreadsheet. */
static void csv_text(struct buf *out, const char *text)
{
	int quote = strpbrk(text, ",\"\r\n") != NULL;

	if (*text != '\0' && strchr("=+-@", *text) != NULL) {
		buf_text(out, quote ? "\"'" : "'");
	} else if (quote) {
		buf_char(out, '"');
	}
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_char(out, '"');
		buf_char(out, *text);
	}
	if (quote)
		buf_char(out, '"');
}

static void put_names(const struct fields *f, struct buf *out)
{
	for (unsigned i = 0; i < f->n; i++)
		buf_printf(out, "%s,", f->fields[i].name);
}

static void put_head(const struct render *r, struct buf *out)
{
	const struct report_options *o = r->options;
	struct fields f;
	struct line none;

	line_init(&none);
	for (unsigned i = 0; i < o->n_by; i++)
		buf_printf(out, "%s,", key_name(o->by[i]));
	fields_figures(&f, &none);
	put_names(&f, out);
	fields_more(&f, &none);
	put_names(&f, out);
	buf_text(out, "pops,reasons");
	if (r->before != NULL) {
		fields_change(&f, &none, NULL);
		for (unsigned i = 0; i < f.n; i++)
			buf_printf(out, ",%s", f.fields[i].name);
	}
	buf_char(out, '\n');
}

static void put_value(const struct field *field, struct buf *out)
{
	if (!field->is_absent)
		fields_write(field, out);
}

static void put_values(const struct fields *f, struct buf *out)
{
	for (unsigned i = 0; i < f->n; i++) {
		put_value(&f->fields[i], out);
		buf_char(out, ',');
	}
}

static void put_lists(const struct line *line, struct buf *out)
{
	const char *separator = "";

	for (unsigned i = 0; i < line->n_pops; i++) {
		const char *code = line->pops[i].code;

		buf_printf(out, "%s%s:%llu", i == 0 ? "" : " ",
			   *code == '\0' ? "other" : code,
			   (unsigned long long)line->pops[i].n);
	}
	buf_char(out, ',');
	for (unsigned r = 1; r < EP_REASON_COUNT; r++)
		if (line->reasons[r] > 0) {
			buf_printf(out, "%s%s:%llu", separator,
				   ep_reason_name(r),
				   (unsigned long long)line->reasons[r]);
			separator = " ";
		}
}

static void put_change(const struct render *r, const struct line *line,
		       struct buf *out)
{
	struct fields f;

	fields_change(&f, line, render_before(r, line));
	for (unsigned i = 0; i < f.n; i++) {
		buf_char(out, ',');
		put_value(&f.fields[i], out);
	}
}

static void put_line(const struct render *r, const struct line *line,
		     struct buf *out)
{
	struct fields f;

	for (unsigned k = 0; k < r->options->n_by; k++) {
		csv_text(out, line->keys[k]);
		buf_char(out, ',');
	}
	fields_figures(&f, line);
	put_values(&f, out);
	fields_more(&f, line);
	put_values(&f, out);
	put_lists(line, out);
	if (r->before != NULL)
		put_change(r, line, out);
	buf_char(out, '\n');
}

void render_csv(const struct render *r, struct buf *out)
{
	put_head(r, out);
	for (size_t i = 0; i < r->now->n; i++)
		put_line(r, &r->now->at[i], out);
}
