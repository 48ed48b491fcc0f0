#include "report/html/tables.h"
#include "report/html/data.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct html_column html_figures[HTML_FIGURES] = {
	{ "probe", "what the round trips are of", false },
	{ "sent", "probes", true },
	{ "available", "share of those sent that was answered, percent", true },
	{ "loss", "share of those asked that was lost, percent", true },
	{ "p50", "median round trip, milliseconds", true },
	{ "p90", "milliseconds", true },
	{ "p99", "milliseconds", true },
	{ "jitter", "mean difference of consecutive round trips, milliseconds",
	  true },
	{ "change", "of the median since the window before, milliseconds",
	  true },
	{ "edge locations", "that answered, and their share", false },
};

void html_figure_cells(struct buf *out, const struct model *model,
		       const struct line *now, const struct line *before)
{
	html_count_cell(out, line_sent(now));
	html_number_cell(out, line_availability_percent(now), "", HTML_PLAIN);
	html_loss_cell(out, now);
	html_ms_cell(out, now->rtt.p50,
		     html_band_of(&model->rtt, now->rtt.p50));
	html_ms_cell(out, now->rtt.p90, HTML_PLAIN);
	html_ms_cell(out, now->rtt.p99, HTML_PLAIN);
	html_ms_cell(out, now->jitter, HTML_PLAIN);
	html_change_cell(out, now->rtt.p50,
			 before == NULL ? (double)NAN : before->rtt.p50);
}

/* --- edge locations --- */

/* Only answers of https name them. */
static void add_pops(struct line *into, const struct line *line)
{
	for (unsigned i = 0; i < line->n_pops; i++) {
		unsigned k = 0;

		while (k < into->n_pops &&
		       strcmp(into->pops[k].code, line->pops[i].code) != 0)
			k++;
		if (k == LINE_POPS_MAX)
			continue;
		if (k == into->n_pops)
			into->pops[into->n_pops++] =
				(struct line_pop){ line->pops[i].code, 0 };
		into->pops[k].n += line->pops[i].n;
	}
}

static int more_first(const void *a, const void *b)
{
	uint64_t x = ((const struct line_pop *)a)->n;
	uint64_t y = ((const struct line_pop *)b)->n;

	return (x < y) - (x > y);
}

/* Of a site, or of one of its circuits. */
static void put_pops(const struct model *model, uint32_t site, uint32_t circuit,
		     struct buf *out)
{
	struct line all = { .n_pops = 0 };

	for (size_t i = 0; i < model->n_series; i++) {
		const struct model_series *s = &model->series[i];

		if (circuit == MODEL_NONE
			    ? model->circuits[s->circuit].site == site
			    : s->circuit == circuit)
			add_pops(&all, &s->now);
	}
	qsort(all.pops, all.n_pops, sizeof(all.pops[0]), more_first);
	html_pops_cell(out, &all);
}

/* `name` first. */
static void begin(struct buf *out, const char *class, const char *caption,
		  const char *name)
{
	struct html_column columns[1 + HTML_FIGURES] = { { name, NULL,
							   false } };

	memcpy(columns + 1, html_figures, sizeof(html_figures));
	html_table(out, class, caption, columns, 1 + HTML_FIGURES);
}

/* --- the tree --- */

enum level { MARKET, COUNTRY, METRO, SITE, CIRCUIT };

struct tree {
	const struct model *model;
	const uint32_t *order; /* sites, those of a place next to each other */
	struct buf *out;
};

static const char *place_of(const struct model_site *site, enum level level)
{
	switch (level) {
	case MARKET:
		return site->market;
	case COUNTRY:
		return site->country;
	case METRO:
		return site->metro;
	case SITE:
	case CIRCUIT:
		break;
	}
	return "";
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct model *model = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	for (enum level level = MARKET; level < SITE; level++) {
		int r = strcmp(place_of(&model->sites[x], level),
			       place_of(&model->sites[y], level));

		if (r != 0)
			return r;
	}
	return strcmp(model_site_label(model, x), model_site_label(model, y));
}

static void put_row(const struct tree *t, enum level level, const char *about,
		    const char *name)
{
	buf_printf(t->out, "<tr data-level=\"%d\"%s>", level, about);
	html_head_cell(t->out, name);
}

static void put_figures(const struct tree *t, const char *kind,
			const struct line *now, const struct line *before)
{
	html_text_cell(t->out, kind);
	html_figure_cells(t->out, t->model, now, before);
}

/* Of a market's lines that of the kind which stands for a site, too. */
static const struct line *headline_of(const struct lines *lines,
				      const char *name)
{
	for (unsigned kind = 0; kind < MODEL_NO_HEADLINE; kind++)
		for (size_t i = 0; i < lines->n; i++)
			if (strcmp(lines->at[i].keys[0], name) == 0 &&
			    strcmp(lines->at[i].keys[1],
				   html_kind((uint8_t)kind)) == 0)
				return &lines->at[i];
	return NULL;
}

static void put_place(const struct tree *t, enum level level, const char *name)
{
	static const enum model_rollup rollups[] = {
		[MARKET] = MODEL_BY_MARKET,
		[COUNTRY] = MODEL_BY_COUNTRY,
		[METRO] = MODEL_BY_METRO,
	};
	const struct lines *now = &t->model->now[rollups[level]];
	const struct line *line = headline_of(now, name);
	struct line all;

	put_row(t, level, "", name);
	if (line != NULL)
		put_figures(t, line->keys[1], line,
			    html_line_like(&t->model->before[rollups[level]],
					   line));
	else
		buf_printf(t->out, "<td colspan=\"%d\"></td>",
			   HTML_FIGURES - 1);
	memset(&all, 0, sizeof(all));
	for (size_t i = 0; i < now->n; i++)
		if (strcmp(now->at[i].keys[0], name) == 0)
			add_pops(&all, &now->at[i]);
	qsort(all.pops, all.n_pops, sizeof(all.pops[0]), more_first);
	html_pops_cell(t->out, &all);
	buf_text(t->out, "</tr>\n");
}

static void put_site(const struct tree *t, uint32_t i)
{
	const struct model_site *site = &t->model->sites[i];
	char about[40];

	snprintf(about, sizeof(about), " data-site=\"%u\"", i);
	put_row(t, SITE, about, model_site_label(t->model, i));
	put_figures(t, html_kind(site->headline), &site->now, &site->before);
	put_pops(t->model, i, MODEL_NONE, t->out);
	buf_text(t->out, "</tr>\n");
	for (uint32_t c = 0; c < t->model->n_circuits; c++) {
		const struct model_circuit *circuit = &t->model->circuits[c];

		if (circuit->site != i)
			continue;
		snprintf(about, sizeof(about), " data-circuit=\"%u\"", c);
		put_row(t, CIRCUIT, about, model_circuit_label(t->model, c));
		put_figures(t, html_kind(circuit->headline), &circuit->now,
			    &circuit->before);
		put_pops(t->model, i, c, t->out);
		buf_text(t->out, "</tr>\n");
	}
}

/* What is new about the place of the i-th site, then the site. */
static void put_ways(const struct tree *t, size_t i)
{
	const struct model_site *sites = t->model->sites;
	bool same = i > 0;

	for (enum level level = MARKET; level < SITE; level++) {
		const char *name = place_of(&sites[t->order[i]], level);

		same = same && strcmp(name, place_of(&sites[t->order[i - 1]],
						     level)) == 0;
		if (!same)
			put_place(t, level, name);
	}
	put_site(t, t->order[i]);
}

int html_tree(const struct model *model, struct buf *out)
{
	uint32_t *order = calloc(model->n_sites + 1, sizeof(*order));
	struct tree t = { model, order, out };

	if (order == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->n_sites; i++)
		order[i] = i;
	qsort_r(order, model->n_sites, sizeof(*order), by_place,
		(void *)(uintptr_t)model);
	html_section(out, "sites", "Places");
	begin(out, "figures tree",
	      "Market, country, metro, site and circuit; round trips in "
	      "milliseconds",
	      "place");
	for (size_t i = 0; i < model->n_sites; i++)
		put_ways(&t, i);
	html_table_end(out);
	html_section_end(out);
	free(order);
	return 0;
}

/* --- roll-ups --- */

struct rollup {
	enum model_rollup by;
	const char *id, *heading;
};

static const struct rollup across[] = {
	{ MODEL_BY_PROVIDER, "provider", "Provider" },
	{ MODEL_BY_CONNECTION, "connection", "Connection" },
	{ MODEL_BY_PREFIX, "prefix", "Prefix" },
	{ MODEL_BY_POP, "pop", "Edge location" },
	{ MODEL_BY_TARGET, "target", "Target" },
	{ MODEL_BY_SERVICE, "service", "Service" },
};

/* One that nothing is configured for says nothing. */
static bool says_something(const struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		if (lines->at[i].keys[0][0] != '\0')
			return true;
	return false;
}

static void put_rollup(const struct model *model, const struct rollup *r,
		       struct buf *out)
{
	const struct lines *now = &model->now[r->by];

	if (!says_something(now))
		return;
	buf_printf(out, "<section id=\"by-%s\"><h3>%s</h3>\n", r->id,
		   r->heading);
	begin(out, "figures", "Round trips in milliseconds", r->heading);
	for (size_t i = 0; i < now->n; i++) {
		const struct line *line = &now->at[i];

		buf_text(out, "<tr>");
		html_head_cell(out, line->keys[0]);
		html_text_cell(out, line->keys[1]);
		html_figure_cells(out, model, line,
				  html_line_like(&model->before[r->by], line));
		html_pops_cell(out, line);
		buf_text(out, "</tr>\n");
	}
	html_table_end(out);
	html_section_end(out);
}

void html_rollups(const struct model *model, struct buf *out)
{
	html_section(out, "rollups", "Across places");
	for (size_t i = 0; i < sizeof(across) / sizeof(across[0]); i++)
		put_rollup(model, &across[i], out);
	html_section_end(out);
}
