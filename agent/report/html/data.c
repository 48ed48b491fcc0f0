#include "report/html/data.h"
#include "edge/pop.h"
#include "report/html/cells.h"
#include "report/html/codes.h"
#include "report/html/doc.h"
#include <errno.h>
#include <math.h>
#include <string.h>

const char *html_kind(uint8_t headline)
{
	static const char *const kinds[] = {
		[MODEL_TCP] = "tcp",      [MODEL_HTTPS] = "https",
		[MODEL_ICMP] = "icmp",    [MODEL_STUN] = "stun",
		[MODEL_NO_HEADLINE] = "",
	};

	return kinds[headline];
}

/* --- figures --- */

static void put_rtt(const struct figures *f, struct buf *out)
{
	doc_uint(out, "n", f->n);
	doc_ms(out, "min", f->min);
	doc_ms(out, "mean", f->mean);
	doc_ms(out, "stddev", f->stddev);
	doc_ms(out, "p50", f->p50);
	doc_ms(out, "p75", f->p75);
	doc_ms(out, "p90", f->p90);
	doc_ms(out, "p95", f->p95);
	doc_ms(out, "p99", f->p99);
	doc_ms(out, "max", f->max);
}

static void put_reasons(const struct line *line, struct buf *out)
{
	bool begun = false;

	for (unsigned r = 1; r < EP_REASON_COUNT; r++) {
		if (line->reasons[r] == 0)
			continue;
		if (!begun)
			doc_begin(out, "reasons", '{');
		begun = true;
		doc_uint(out, ep_reason_name(r), line->reasons[r]);
	}
	if (begun)
		doc_end(out, '}');
}

static void put_phases(const struct line *line, struct buf *out)
{
	bool begun = false;

	for (unsigned p = 0; p < LINE_PHASES; p++) {
		if (line->phases[p].n == 0)
			continue;
		if (!begun)
			doc_begin(out, "phases", '{');
		begun = true;
		doc_begin(out, line_phase_names[p], '[');
		doc_ms(out, NULL, line->phases[p].p50);
		doc_ms(out, NULL, line->phases[p].p90);
		doc_end(out, ']');
	}
	if (begun)
		doc_end(out, '}');
}

static void put_pops(const struct line *line, struct buf *out)
{
	if (line->n_pops == 0)
		return;
	doc_begin(out, "pops", '[');
	for (unsigned i = 0; i < line->n_pops; i++) {
		doc_begin(out, NULL, '[');
		doc_text(out, NULL, line->pops[i].code);
		doc_uint(out, NULL, line->pops[i].n);
		doc_end(out, ']');
	}
	doc_end(out, ']');
}

static void put_line(const char *name, const struct line *line, struct buf *out)
{
	doc_begin(out, name, '{');
	doc_uint(out, "sent", line_sent(line));
	doc_uint(out, "answered", line_answered(line));
	doc_uint(out, "lost", line->outcomes[EP_LOST]);
	doc_uint(out, "failed", line->outcomes[EP_FAILED]);
	doc_uint(out, "missed", line->missed);
	doc_uint(out, "late", line->late);
	doc_number(out, "loss", line_loss_percent(line), 4);
	doc_number(out, "availability", line_availability_percent(line), 4);
	put_rtt(&line->rtt, out);
	doc_ms(out, "jitter", line->jitter);
	if (line->loaded.n > 0) {
		doc_begin(out, "loaded", '[');
		doc_ms(out, NULL, line->loaded.p50);
		doc_ms(out, NULL, line->loaded.p90);
		doc_end(out, ']');
	}
	put_reasons(line, out);
	put_phases(line, out);
	put_pops(line, out);
	doc_end(out, '}');
}

static void put_both(const struct line *now, const struct line *before,
		     struct buf *out)
{
	put_line("now", now, out);
	if (before != NULL && line_sent(before) > 0)
		put_line("before", before, out);
}

/* --- places --- */

static void put_codes(const char *name, const char *codes, struct buf *out)
{
	char code[HTML_CODE_MAX];

	if (*codes == '\0')
		return;
	doc_begin(out, name, '[');
	while (html_code_next(&codes, code, sizeof(code)))
		doc_text(out, NULL, code);
	doc_end(out, ']');
}

static int put_site(const struct model *model, uint32_t i, struct buf *out)
{
	const struct model_site *s = &model->sites[i];
	double km;
	const struct edge_pop *nearest = edge_pop_nearest(
		(struct edge_place){ s->latitude, s->longitude }, &km);
	int r;

	doc_begin(out, NULL, '{');
	doc_text(out, "name", model_site_label(model, i));
	doc_text(out, "country", s->country);
	doc_text(out, "metro", s->metro);
	doc_text(out, "market", s->market);
	doc_number(out, "lat", s->latitude, 4);
	doc_number(out, "lon", s->longitude, 4);
	doc_number(out, "score", s->score, 1);
	doc_text(out, "kind", html_kind(s->headline));
	if (s->circuit != MODEL_NONE)
		doc_uint(out, "circuit", s->circuit);
	put_codes("expected_pops", s->expected_pops, out);
	doc_text(out, "nearest_pop", nearest == NULL ? "" : nearest->code);
	put_both(&s->now, &s->before, out);
	r = html_site_cells(model, i, out);
	doc_end(out, '}');
	return r;
}

static void put_runs(const struct model_circuit *c, struct buf *out)
{
	doc_begin(out, "runs", '[');
	for (size_t i = 0; i < c->n_runs; i++) {
		const struct model_run *run = &c->runs[i];

		doc_begin(out, NULL, '[');
		doc_text(out, NULL, run->pop);
		doc_time(out, NULL, run->from_ns);
		doc_time(out, NULL, run->to_ns);
		doc_uint(out, NULL, run->n);
		doc_text(out, NULL, model_location_name(run->location));
		doc_end(out, ']');
	}
	doc_end(out, ']');
}

static void put_failovers(const struct model_circuit *c, struct buf *out)
{
	if (c->n_failovers == 0)
		return;
	doc_begin(out, "failovers", '[');
	for (size_t i = 0; i < c->n_failovers; i++) {
		const struct model_failover *f = &c->failovers[i];

		doc_begin(out, NULL, '{');
		doc_time(out, "from", f->from_ns);
		doc_time(out, "back", f->back_ns);
		doc_time(out, "last", f->last_ns);
		doc_text(out, "location", model_location_name(f->location));
		doc_text(out, "pop", f->pop);
		doc_end(out, '}');
	}
	doc_end(out, ']');
}

static void put_circuit(const struct model *model, uint32_t i, struct buf *out)
{
	const struct model_circuit *c = &model->circuits[i];

	doc_begin(out, NULL, '{');
	doc_uint(out, "site", c->site);
	doc_text(out, "name", model_circuit_label(model, i));
	doc_text(out, "provider", c->provider);
	doc_text(out, "prefix", c->prefix);
	doc_text(out, "connection", c->connection);
	doc_text(out, "primary", c->primary_location);
	doc_text(out, "backup", c->backup_location);
	doc_text(out, "observed", c->observed_provider);
	doc_text(out, "egress", c->egress_address);
	doc_text(out, "egress_place", c->egress_place);
	doc_number(out, "egress_km", c->egress_km, 0);
	doc_text(out, "resolver", c->resolver_address);
	doc_text(out, "resolver_place", c->resolver_place);
	doc_number(out, "resolver_km", c->resolver_km, 0);
	doc_number(out, "score", c->score, 1);
	doc_text(out, "kind", html_kind(c->headline));
	put_both(&c->now, &c->before, out);
	doc_text(out, "location", model_location_name(c->location));
	doc_time(out, "location_since", c->location_since_ns);
	put_runs(c, out);
	put_failovers(c, out);
	doc_end(out, '}');
}

static void put_series(const struct model *model, uint32_t i, struct buf *out)
{
	const struct model_series *s = &model->series[i];

	doc_begin(out, NULL, '{');
	doc_uint(out, "circuit", s->circuit);
	doc_text(out, "target", s->target);
	doc_text(out, "probe", s->probe);
	doc_text(out, "host", s->host);
	doc_text(out, "service", s->service);
	put_both(&s->now, &s->before, out);
	html_series_cells(model, s, out);
	doc_number(out, "worst_loss", s->worst_loss_percent, 3);
	doc_number(out, "worst_burst", s->worst_burst_percent, 3);
	doc_ms(out, "worst_jitter", s->worst_jitter_ns);
	if (s->n_issuer > 0)
		doc_uint(out, "strange_issuer", s->n_issuer);
	if (s->n_nearby > 0)
		doc_uint(out, "nearby", s->n_nearby);
	doc_end(out, '}');
}

static void put_pop(const char *code, struct buf *out)
{
	const struct edge_pop *pop = edge_pop_find(code);

	doc_begin(out, NULL, '{');
	doc_text(out, "code", code);
	if (pop != NULL) {
		doc_text(out, "city", pop->city);
		doc_text(out, "country", pop->country);
		doc_number(out, "lat", pop->latitude, 4);
		doc_number(out, "lon", pop->longitude, 4);
	}
	doc_end(out, '}');
}

static void put_all_pops(const struct model *model, struct buf *out)
{
	struct html_codes codes;

	html_codes_of(model, &codes);
	doc_begin(out, "pops", '[');
	for (unsigned i = 0; i < codes.n; i++)
		put_pop(codes.at[i], out);
	doc_end(out, ']');
}

/* --- roll-ups --- */

static const char *const rollups[MODEL_ROLLUPS] = {
	[MODEL_BY_MARKET] = "market",
	[MODEL_BY_COUNTRY] = "country",
	[MODEL_BY_METRO] = "metro",
	[MODEL_BY_PROVIDER] = "provider",
	[MODEL_BY_CONNECTION] = "connection",
	[MODEL_BY_PREFIX] = "prefix",
	[MODEL_BY_POP] = "pop",
	[MODEL_BY_TARGET] = "target",
	[MODEL_BY_SERVICE] = "service",
};

const struct line *html_line_like(const struct lines *lines,
				  const struct line *line)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strcmp(lines->at[i].keys[0], line->keys[0]) == 0 &&
		    strcmp(lines->at[i].keys[1], line->keys[1]) == 0)
			return &lines->at[i];
	return NULL;
}

static void put_rollup(const struct model *model, unsigned by, struct buf *out)
{
	const struct lines *now = &model->now[by];

	doc_begin(out, rollups[by], '[');
	for (size_t i = 0; i < now->n; i++) {
		doc_begin(out, NULL, '{');
		doc_key(out, "name");
		buf_json_text(out, now->at[i].keys[0]);
		doc_text(out, "probe", now->at[i].keys[1]);
		put_both(&now->at[i],
			 html_line_like(&model->before[by], &now->at[i]), out);
		doc_end(out, '}');
	}
	doc_end(out, ']');
}

/* --- what there is to say --- */

static void put_index(struct buf *out, const char *name, uint32_t index)
{
	if (index != MODEL_NONE)
		doc_uint(out, name, index);
}

static void put_event(const struct model_event *e, struct buf *out)
{
	doc_begin(out, NULL, '{');
	doc_time(out, "time", e->time_ns);
	doc_time(out, "since", e->since_ns);
	doc_time(out, "until", e->until_ns);
	put_index(out, "site", e->site);
	put_index(out, "circuit", e->circuit);
	doc_text(out, "event", e->event);
	doc_text(out, "level", e->level);
	doc_text(out, "state", e->state);
	doc_text(out, "target", e->target);
	doc_text(out, "probe", e->probe);
	doc_text(out, "text", e->text);
	doc_end(out, '}');
}

static void put_interval(struct buf *out, const char *name,
			 const struct model_interval *i)
{
	if (isnan(i->value) || isnan(i->low) || isnan(i->high))
		return;
	doc_begin(out, name, '[');
	doc_ms(out, NULL, i->value);
	doc_ms(out, NULL, i->low);
	doc_ms(out, NULL, i->high);
	doc_end(out, ']');
}

static void put_pair(const struct model *model, const struct model_pair *p,
		     struct buf *out)
{
	const struct model_series *a = &model->series[p->a];

	doc_begin(out, NULL, '{');
	doc_uint(out, "site", model->circuits[a->circuit].site);
	doc_text(out, "target", a->target);
	doc_text(out, "probe", a->probe);
	doc_uint(out, "a", p->a);
	doc_uint(out, "b", p->b);
	doc_uint(out, "n", p->n);
	put_interval(out, "p50", &p->p50);
	put_interval(out, "p90", &p->p90);
	doc_text(out, "text", p->text);
	doc_end(out, '}');
}

static void put_finding(const struct model_finding *f, struct buf *out)
{
	doc_begin(out, NULL, '{');
	doc_text(out, "level", f->level);
	put_index(out, "site", f->site);
	put_index(out, "circuit", f->circuit);
	doc_text(out, "pop", f->pop);
	doc_text(out, "rule", f->rule);
	doc_text(out, "source", f->source);
	doc_text(out, "unit", f->unit);
	doc_number(out, "value", f->value, 3);
	doc_number(out, "limit", f->limit, 3);
	doc_time(out, "since", f->since_ns);
	doc_text(out, "text", f->text);
	doc_text(out, "help", f->help);
	doc_end(out, '}');
}

static void put_said(const struct model *model, struct buf *out)
{
	doc_begin(out, "events", '[');
	for (size_t i = 0; i < model->n_events; i++)
		put_event(&model->events[i], out);
	doc_end(out, ']');
	doc_begin(out, "pairs", '[');
	for (size_t i = 0; i < model->n_pairs; i++)
		put_pair(model, &model->pairs[i], out);
	doc_end(out, ']');
	doc_begin(out, "findings", '[');
	for (size_t i = 0; i < model->n_findings; i++)
		put_finding(&model->findings[i], out);
	doc_end(out, ']');
}

/* --- the whole --- */

static void put_head(const struct model *model,
		     const struct render_html_options *o, struct buf *out)
{
	doc_text(out, "title", o->title);
	doc_text(out, "version", EDGEPROBE_VERSION);
	doc_time(out, "made", o->made_ns);
	doc_text(out, "source", model->source);
	doc_text(out, "agents", model->agents);
	doc_time(out, "since", model->since_ns);
	doc_time(out, "until", model->until_ns);
	doc_uint(out, "samples", model->samples);
	doc_number(out, "bucket", (double)model->bucket_ns / 1e9, 3);
	doc_uint(out, "buckets", model->n_buckets);
	doc_begin(out, "limits", '{');
	doc_number(out, "good", model->rtt.good, 3);
	doc_number(out, "poor", model->rtt.poor, 3);
	doc_end(out, '}');
}

int html_data(const struct model *model, const struct render_html_options *o,
	      struct buf *out)
{
	int r = 0;

	buf_char(out, '{');
	put_head(model, o, out);
	doc_begin(out, "sites", '[');
	for (uint32_t i = 0; i < model->n_sites && r == 0; i++)
		r = put_site(model, i, out);
	doc_end(out, ']');
	doc_begin(out, "circuits", '[');
	for (uint32_t i = 0; i < model->n_circuits; i++)
		put_circuit(model, i, out);
	doc_end(out, ']');
	doc_begin(out, "series", '[');
	for (uint32_t i = 0; i < model->n_series; i++)
		put_series(model, i, out);
	doc_end(out, ']');
	put_all_pops(model, out);
	doc_begin(out, "rollups", '{');
	for (unsigned by = 0; by < MODEL_ROLLUPS; by++)
		put_rollup(model, by, out);
	doc_end(out, '}');
	put_said(model, out);
	buf_char(out, '}');
	return r;
}
