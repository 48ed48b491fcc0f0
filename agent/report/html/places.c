#include "report/html/places.h"
#include "edge/pop.h"
#include "report/html/cells.h"
#include "report/html/parts.h"
#include "report/html/tables.h"
#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- circuits --- */

static void put_pop_cell(struct buf *out, const char *code)
{
	const struct edge_pop *pop = edge_pop_find(code);

	buf_text(out, "<td>");
	buf_html_text(out, code);
	if (pop != NULL) {
		buf_char(out, ' ');
		buf_html_text(out, pop->city);
	}
	buf_text(out, "</td>");
}

static void put_location(struct buf *out, enum model_location location)
{
	static const char *const words[] = {
		[MODEL_UNREGISTERED] = "",         [MODEL_PRIMARY] = "primary",
		[MODEL_BACKUP] = "backup",         [MODEL_NEITHER] = "neither",
		[MODEL_UNKNOWN_POP] = "not known",
	};

	html_text_cell(out, words[location]);
}

/* An address, its place, and how far that is. */
static void put_address(struct buf *out, const char *address, const char *place,
			double km)
{
	buf_text(out, "<td>");
	buf_html_text(out, address);
	if (*place != '\0') {
		buf_text(out, *address == '\0' ? "" : ", ");
		buf_html_text(out, place);
	}
	if (!isnan(km))
		buf_printf(out, " (%.0f km)", km);
	buf_text(out, "</td>");
}

/* Declared, and observed. */
static void put_provider(struct buf *out, const struct model_circuit *c)
{
	buf_text(out, "<td>");
	buf_html_text(out, c->provider);
	if (*c->observed_provider != '\0') {
		buf_text(out, *c->provider == '\0' ? "" : ", ");
		buf_text(out, "observed: ");
		buf_html_text(out, c->observed_provider);
	}
	buf_text(out, "</td>");
}

static void put_circuit(const struct model *model, uint32_t i, struct buf *out)
{
	const struct model_circuit *c = &model->circuits[i];

	buf_printf(out, "<tr data-circuit=\"%u\">", i);
	html_head_cell(out, model_site_label(model, c->site));
	html_text_cell(out, model_circuit_label(model, i));
	put_provider(out, c);
	html_text_cell(out, c->prefix);
	html_text_cell(out, c->connection);
	html_text_cell(out, c->primary_location);
	html_text_cell(out, c->backup_location);
	put_pop_cell(out, c->n_runs == 0 ? "" : c->runs[c->n_runs - 1].pop);
	put_location(out, c->location);
	html_time_cell(out, c->location == MODEL_UNREGISTERED
				    ? 0
				    : c->location_since_ns);
	put_address(out, c->egress_address, c->egress_place, c->egress_km);
	put_address(out, c->resolver_address, c->resolver_place,
		    c->resolver_km);
	html_number_cell(out, c->score, "", HTML_PLAIN);
	buf_text(out, "</tr>\n");
}

static void put_circuits(const struct model *model, struct buf *out)
{
	static const struct html_column columns[] = {
		{ "site", NULL, false },
		{ "circuit", NULL, false },
		{ "provider", NULL, false },
		{ "prefix", "as registered", false },
		{ "connection", "of the Peering Service", false },
		{ "primary location", "as registered", false },
		{ "backup location", "as registered", false },
		{ "edge location", "that answered last", false },
		{ "which is", "of the registered ones", false },
		{ "since", NULL, false },
		{ "leaves at", "the address that others see", false },
		{ "name server", NULL, false },
		{ "score", "of Exchange, 0 to 100; 80 is recommended", true },
	};

	html_table(out, "figures",
		   "Circuits as they are registered, and where they land",
		   columns, COUNT(columns));
	for (uint32_t i = 0; i < model->n_circuits; i++)
		put_circuit(model, i, out);
	html_table_end(out);
}

/* --- the edge locations of circuits over time --- */

static void put_span_cell(struct buf *out, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns = to_ns > from_ns ? to_ns - from_ns : 0;

	buf_printf(out, "<td class=\"n\" data-v=\"%.0f\">", (double)ns / 1e9);
	html_span(out, ns);
	buf_text(out, "</td>");
}

static void begin_circuit_row(const struct model *model, uint32_t i,
			      struct buf *out)
{
	uint32_t site = model->circuits[i].site;

	buf_printf(out, "<tr data-circuit=\"%u\">", i);
	html_head_cell(out, model_site_label(model, site));
	html_text_cell(out, model_circuit_label(model, i));
}

static void put_failover(const struct model_failover *f, struct buf *out)
{
	put_pop_cell(out, f->pop);
	put_location(out, f->location);
	html_time_cell(out, f->from_ns);
	html_time_cell(out, f->back_ns);
	put_span_cell(out, f->from_ns,
		      f->back_ns == 0 ? f->last_ns : f->back_ns);
	buf_text(out, "</tr>\n");
}

static void put_failovers(const struct model *model, struct buf *out)
{
	static const struct html_column columns[] = {
		{ "site", NULL, false },
		{ "circuit", NULL, false },
		{ "edge location", "that answered most of that time", false },
		{ "which is", "of the registered ones", false },
		{ "from", NULL, false },
		{ "back at", "empty: not yet", false },
		{ "lasted", NULL, true },
	};
	size_t n = 0;

	for (uint32_t i = 0; i < model->n_circuits; i++)
		n += model->circuits[i].n_failovers;
	if (n == 0)
		return;
	html_table(out, "figures",
		   "Times elsewhere than at the primary location", columns,
		   COUNT(columns));
	for (uint32_t i = 0; i < model->n_circuits; i++)
		for (size_t f = 0; f < model->circuits[i].n_failovers; f++) {
			begin_circuit_row(model, i, out);
			put_failover(&model->circuits[i].failovers[f], out);
		}
	html_table_end(out);
}

/* Of a circuit that moves all the time the last ones. */
#define RUNS_SHOWN 40

static void put_runs_of(const struct model *model, uint32_t i, struct buf *out)
{
	const struct model_circuit *c = &model->circuits[i];

	for (size_t r = c->n_runs > RUNS_SHOWN ? c->n_runs - RUNS_SHOWN : 0;
	     r < c->n_runs; r++) {
		const struct model_run *run = &c->runs[r];

		begin_circuit_row(model, i, out);
		put_pop_cell(out, run->pop);
		put_location(out, run->location);
		html_time_cell(out, run->from_ns);
		html_time_cell(out, run->to_ns);
		put_span_cell(out, run->from_ns, run->to_ns);
		html_count_cell(out, run->n);
		buf_text(out, "</tr>\n");
	}
}

static void put_runs(const struct model *model, struct buf *out)
{
	static const struct html_column columns[] = {
		{ "site", NULL, false },
		{ "circuit", NULL, false },
		{ "edge location", NULL, false },
		{ "which is", "of the registered ones", false },
		{ "from", NULL, false },
		{ "to", "last answer", false },
		{ "lasted", NULL, true },
		{ "answers", NULL, true },
	};

	buf_text(out, "<details><summary>Edge locations over time</summary>\n");
	html_table(out, "figures",
		   "Which edge location answered, from when to when; of each "
		   "circuit the last 40",
		   columns, COUNT(columns));
	for (uint32_t i = 0; i < model->n_circuits; i++)
		put_runs_of(model, i, out);
	html_table_end(out);
	buf_text(out, "</details>\n");
}

void html_circuits(const struct model *model, struct buf *out)
{
	html_section(out, "circuits", "Circuits");
	put_circuits(model, out);
	put_failovers(model, out);
	put_runs(model, out);
	html_section_end(out);
}

/* --- targets --- */

static void begin_series(const struct model *model,
			 const struct model_series *s, struct buf *out)
{
	buf_printf(out, "<tr data-circuit=\"%u\">", s->circuit);
	html_head_cell(out, s->target);
	html_text_cell(out, model_circuit_label(model, s->circuit));
	html_text_cell(out, s->probe);
}

static void put_figures(const struct model *model, const struct model_series *s,
			struct buf *out)
{
	begin_series(model, s, out);
	html_figure_cells(out, model, &s->now, &s->before);
	html_pops_cell(out, &s->now);
	buf_text(out, "</tr>\n");
}

static void put_phases(const struct model *model, const struct model_series *s,
		       struct buf *out)
{
	begin_series(model, s, out);
	html_text_cell(out, s->host);
	html_text_cell(out, s->service);
	for (unsigned p = 0; p < LINE_SRTT; p++)
		html_ms_cell(out, s->now.phases[p].p50, HTML_PLAIN);
	html_number_cell(out, s->worst_loss_percent, "", HTML_PLAIN);
	html_number_cell(out, s->worst_burst_percent, "", HTML_PLAIN);
	html_ms_cell(out, s->worst_jitter_ns, HTML_PLAIN);
	buf_text(out, "</tr>\n");
}

static void put_figure_table(const struct model *model, uint32_t site,
			     struct buf *out)
{
	struct html_column columns[2 + HTML_FIGURES] = {
		{ "target", NULL, false },
		{ "circuit", NULL, false },
	};

	memcpy(columns + 2, html_figures, sizeof(html_figures));
	html_table(out, "figures",
		   "Targets of a site by circuit and probe; milliseconds",
		   columns, COUNT(columns));
	for (size_t i = 0; i < model->n_series; i++)
		if (model->circuits[model->series[i].circuit].site == site)
			put_figures(model, &model->series[i], out);
	html_table_end(out);
}

/* Of probes that have any of it. */
static void put_phase_table(const struct model *model, uint32_t site,
			    struct buf *out)
{
	static const struct html_column columns[] = {
		{ "target", NULL, false },
		{ "circuit", NULL, false },
		{ "probe", NULL, false },
		{ "host", NULL, false },
		{ "service", NULL, false },
		{ "dns", "median, milliseconds", true },
		{ "connect", "median, milliseconds", true },
		{ "tls", "median, milliseconds", true },
		{ "first byte", "median, milliseconds", true },
		{ "total", "median, milliseconds", true },
		{ "worst loss", "of any 15 s, percent", true },
		{ "worst burst", "lost of any 200 ms, percent", true },
		{ "worst jitter", "of any 15 s, milliseconds", true },
	};

	html_table(out, "figures",
		   "Phases of https, medians; what calls would have met",
		   columns, COUNT(columns));
	for (size_t i = 0; i < model->n_series; i++) {
		const struct model_series *s = &model->series[i];

		if (model->circuits[s->circuit].site == site &&
		    (s->now.phases[LINE_TOTAL].n > 0 ||
		     !isnan(s->worst_loss_percent)))
			put_phases(model, s, out);
	}
	html_table_end(out);
}

static void put_targets(const struct model *model, uint32_t site,
			struct buf *out)
{
	buf_text(out, "<details><summary><bdi>");
	buf_html_text(out, model_site_label(model, site));
	buf_text(out, "</bdi></summary>\n");
	put_figure_table(model, site, out);
	put_phase_table(model, site, out);
	buf_text(out, "</details>\n");
}

void html_targets(const struct model *model, struct buf *out)
{
	html_section(out, "targets", "Targets by site");
	for (uint32_t i = 0; i < model->n_sites; i++)
		put_targets(model, i, out);
	html_section_end(out);
}

/* --- over time --- */

#define PERIODS_MAX 24

static void put_period(const struct model *model, uint64_t since_ns,
		       const struct model_cell *cell, struct buf *out)
{
	const double none = (double)NAN;
	double asked = cell->asked;

	buf_text(out, "<tr><th scope=\"row\">");
	html_time(out, since_ns);
	buf_text(out, "</th>");
	html_count_cell(out, cell->asked);
	html_number_cell(out, asked > 0 ? 100 * cell->lost / asked : none, "",
			 HTML_PLAIN);
	html_ms_cell(out, cell->p50 > 0 ? (double)cell->p5 : none, HTML_PLAIN);
	html_ms_cell(out, cell->p50 > 0 ? (double)cell->p50 : none,
		     html_band_of(&model->rtt,
				  cell->p50 > 0 ? (double)cell->p50 : none));
	html_ms_cell(out, cell->p50 > 0 ? (double)cell->p95 : none, HTML_PLAIN);
	buf_text(out, "</tr>\n");
}

static int put_periods(const struct model *model, uint32_t site, unsigned n,
		       struct buf *out)
{
	static const struct html_column columns[] = {
		{ "from", NULL, false },
		{ "asked", NULL, true },
		{ "loss", "percent", true },
		{ "p5", "milliseconds", true },
		{ "p50", "milliseconds", true },
		{ "p95", "milliseconds", true },
	};
	struct model_cell cells[PERIODS_MAX] = { { 0 } };
	int r = html_merge_site(model, site, n, cells);

	buf_text(out, "<details><summary><bdi>");
	buf_html_text(out, model_site_label(model, site));
	buf_text(out, "</bdi></summary>\n");
	html_table(out, "figures", "Round trips over time, milliseconds",
		   columns, COUNT(columns));
	for (unsigned i = 0; i < n; i++)
		put_period(model,
			   model->since_ns +
				   model->n_buckets * i / n * model->bucket_ns,
			   &cells[i], out);
	html_table_end(out);
	buf_text(out, "</details>\n");
	return r;
}

int html_periods(const struct model *model, struct buf *out)
{
	unsigned n =
		model->n_buckets < PERIODS_MAX ? model->n_buckets : PERIODS_MAX;
	int r = 0;

	if (n == 0)
		return 0;
	buf_text(out, "<section id=\"periods\" class=\"static\">"
		      "<h2>Over time</h2>\n");
	for (uint32_t i = 0; i < model->n_sites && r == 0; i++)
		r = put_periods(model, i, n, out);
	html_section_end(out);
	return r;
}
