#include "report/html/said.h"
#include "edge/pop.h"
#include "report/html/parts.h"
#include <math.h>
#include <string.h>

/* --- findings --- */

static void put_name(struct buf *out, const char *before, const char *name)
{
	buf_text(out, before);
	buf_text(out, "<bdi>");
	buf_html_text(out, name);
	buf_text(out, "</bdi>");
}

static void put_pop(struct buf *out, const char *code)
{
	const struct edge_pop *pop = edge_pop_find(code);

	buf_text(out, ", through ");
	buf_html_text(out, code);
	if (pop != NULL) {
		buf_text(out, " (");
		buf_html_text(out, pop->city);
		buf_char(out, ')');
	}
}

/* Where, and since when. */
static void put_where(const struct model *model, const struct model_finding *f,
		      struct buf *out)
{
	buf_text(out, "<p class=\"where\">");
	if (f->site != MODEL_NONE)
		put_name(out, "", model_site_label(model, f->site));
	if (f->circuit != MODEL_NONE)
		put_name(out, ", on ", model_circuit_label(model, f->circuit));
	if (f->pop[0] != '\0')
		put_pop(out, f->pop);
	if (f->since_ns != 0) {
		buf_text(out, ", since ");
		html_time(out, f->since_ns);
	}
	buf_text(out, "</p>\n");
}

static void put_paragraph(struct buf *out, const char *class, const char *text)
{
	if (*text == '\0')
		return;
	buf_printf(out, "<p class=\"%s\" dir=\"auto\">", class);
	buf_html_text(out, text);
	buf_text(out, "</p>\n");
}

static void put_source(struct buf *out, const struct model_finding *f)
{
	if (f->source[0] == '\0')
		return;
	buf_text(out, "<p class=\"source\">");
	if (!isnan(f->value) && !isnan(f->limit)) {
		buf_printf(out, "%.4g ", f->value);
		buf_html_text(out, f->unit);
		buf_printf(out, ", limit %.4g ", f->limit);
		buf_html_text(out, f->unit);
		buf_text(out, "; ");
	}
	buf_html_text(out, f->source);
	buf_text(out, "</p>\n");
}

/* The others are behind a click. */
#define FINDINGS_SHOWN 6
#define SHOWN          12 /* rows of a long table */

static void put_finding(const struct model *model, size_t i, struct buf *out)
{
	const struct model_finding *f = &model->findings[i];

	buf_printf(out, "<li data-finding=\"%zu\" class=\"", i);
	buf_html_text(out, f->level);
	buf_text(out, "\">\n");
	put_paragraph(out, "text", f->text);
	put_where(model, f, out);
	put_paragraph(out, "help", f->help);
	put_source(out, f);
	buf_text(out, "</li>\n");
}

void html_findings(const struct model *model, struct buf *out)
{
	html_section(out, "findings", "What stands out");
	if (model->n_findings == 0)
		buf_text(out, "<p>Nothing: no figure breaks a limit.</p>\n");
	else
		buf_text(out, "<ol>\n");
	for (size_t i = 0; i < model->n_findings; i++) {
		if (i == FINDINGS_SHOWN)
			buf_printf(out,
				   "</ol>\n<details><summary>%zu more"
				   "</summary><ol start=\"%d\">\n",
				   model->n_findings - FINDINGS_SHOWN,
				   FINDINGS_SHOWN + 1);
		put_finding(model, i, out);
	}
	if (model->n_findings > 0)
		buf_text(out, "</ol>\n");
	if (model->n_findings > FINDINGS_SHOWN)
		buf_text(out, "</details>\n");
	html_section_end(out);
}

/* --- long tables --- */

struct long_table {
	const char *caption;
	const struct html_column *columns;
	unsigned n_columns;
	size_t n; /* rows */
	void (*put)(const struct model *model, size_t row, struct buf *out);
};

static void put_rows(const struct model *model, const struct long_table *t,
		     size_t from, size_t to, struct buf *out)
{
	html_table(out, "figures", t->caption, t->columns, t->n_columns);
	for (size_t i = from; i < to; i++)
		t->put(model, i, out);
	html_table_end(out);
}

/* What is first, and the rest behind a click. */
static void put_long_table(const struct model *model,
			   const struct long_table *t, struct buf *out)
{
	if (t->n <= SHOWN) {
		put_rows(model, t, 0, t->n, out);
		return;
	}
	put_rows(model, t, 0, SHOWN, out);
	buf_printf(out, "<details><summary>%zu more</summary>\n", t->n - SHOWN);
	put_rows(model, t, SHOWN, t->n, out);
	buf_text(out, "</details>\n");
}

/* --- circuits side by side --- */

static void put_interval(struct buf *out, const struct model_interval *i)
{
	html_ms_cell(out, i->value, HTML_PLAIN);
	buf_text(out, "<td class=\"n\">");
	if (!isnan(i->low) && !isnan(i->high))
		buf_printf(out, "%.1f to %.1f", i->low / 1e6, i->high / 1e6);
	buf_text(out, "</td>");
}

static void put_pair(const struct model *model, size_t i, struct buf *out)
{
	const struct model_pair *p = &model->pairs[i];
	const struct model_series *a = &model->series[p->a];
	const struct model_series *b = &model->series[p->b];
	uint32_t site = model->circuits[a->circuit].site;

	buf_printf(out, "<tr data-pair=\"%zu\">", i);
	html_head_cell(out, model_site_label(model, site));
	html_text_cell(out, a->target);
	html_text_cell(out, a->probe);
	html_text_cell(out, model_circuit_label(model, a->circuit));
	html_text_cell(out, model_circuit_label(model, b->circuit));
	html_count_cell(out, p->n);
	put_interval(out, &p->p50);
	put_interval(out, &p->p90);
	html_text_cell(out, p->text);
	buf_text(out, "</tr>\n");
}

void html_pairs(const struct model *model, struct buf *out)
{
	static const struct html_column columns[] = {
		{ "site", NULL, false },
		{ "target", NULL, false },
		{ "probe", NULL, false },
		{ "circuit", "in use", false },
		{ "other", "compared with it", false },
		{ "pairs", "asked at the same moments", true },
		{ "saves, p50", "milliseconds; positive: the other is faster",
		  true },
		{ "95 %", "confidence interval", true },
		{ "saves, p90", "milliseconds", true },
		{ "95 %", "confidence interval", true },
		{ "in words", NULL, false },
	};

	if (model->n_pairs == 0)
		return;
	html_section(out, "pairs", "Circuits side by side");
	html_table(
		out, "figures",
		"The same target over two circuits at the same moments: what "
		"the other circuit would save, milliseconds",
		columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < model->n_pairs; i++)
		put_pair(model, i, out);
	html_table_end(out);
	html_section_end(out);
}

/* --- events --- */

/* They are in the order of time. */
static void put_event(const struct model *model, size_t row, struct buf *out)
{
	size_t i = model->n_events - 1 - row;
	const struct model_event *e = &model->events[i];

	buf_printf(out, "<tr data-event=\"%zu\"><th scope=\"row\">", i);
	html_time(out, e->time_ns);
	buf_text(out, "</th>");
	html_text_cell(out, e->site == MODEL_NONE
				    ? ""
				    : model_site_label(model, e->site));
	html_text_cell(out, e->circuit == MODEL_NONE
				    ? ""
				    : model_circuit_label(model, e->circuit));
	html_text_cell(out, e->event);
	html_text_cell(out, e->level);
	html_text_cell(out, e->state);
	html_text_cell(out, e->target);
	html_text_cell(out, e->probe);
	html_text_cell(out, e->text);
	html_time_cell(out, e->since_ns);
	html_time_cell(out, e->until_ns);
	buf_text(out, "</tr>\n");
}

void html_events(const struct model *model, struct buf *out)
{
	static const struct html_column columns[] = {
		{ "time", NULL, false },    { "site", NULL, false },
		{ "circuit", NULL, false }, { "event", NULL, false },
		{ "level", NULL, false },   { "state", NULL, false },
		{ "target", NULL, false },  { "probe", NULL, false },
		{ "what", NULL, false },    { "since", NULL, false },
		{ "until", NULL, false },
	};

	const struct long_table table = {
		"What the agents noticed, newest first",
		columns,
		sizeof(columns) / sizeof(columns[0]),
		model->n_events,
		put_event,
	};

	html_section(out, "events", "Events");
	if (model->n_events == 0)
		buf_text(out, "<p>None in this window.</p>\n");
	else
		put_long_table(model, &table, out);
	html_section_end(out);
}
