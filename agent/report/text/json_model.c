/* What JSON has beside lines. Names are those of the row where it has them. */
#include "report/text/render.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A member of an object under way. */
static void put_name(struct buf *out, const char *name)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_char(out, ',');
	buf_printf(out, "\"%s\":", name);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	put_name(out, name);
	buf_json_text(out, text);
}

static void put_number(struct buf *out, const char *name, double number)
{
	if (isnan(number))
		return;
	put_name(out, name);
	buf_printf(out, "%.6g", number);
}

static void put_degrees(struct buf *out, const char *name, double degrees)
{
	if (isnan(degrees))
		return;
	put_name(out, name);
	buf_printf(out, "%.9g", degrees);
}

static void put_us(struct buf *out, const char *name, double ns)
{
	if (isnan(ns))
		return;
	put_name(out, name);
	buf_json_us(out, (int64_t)ns);
}

static void put_time(struct buf *out, const char *name, uint64_t wall_ns)
{
	if (wall_ns == 0)
		return;
	put_name(out, name);
	buf_json_time(out, wall_ns);
}

static void put_site_name(struct buf *out, const struct model *m, uint32_t site)
{
	if (site < m->n_sites)
		put_text(out, "site", m->sites[site].name);
}

static void put_circuit_name(struct buf *out, const struct model *m,
			     uint32_t circuit)
{
	if (circuit < m->n_circuits)
		put_text(out, "circuit", m->circuits[circuit].name);
}

static const char *const headlines[] = {
	[MODEL_TCP] = "tcp",   [MODEL_HTTPS] = "https",  [MODEL_ICMP] = "icmp",
	[MODEL_STUN] = "stun", [MODEL_NO_HEADLINE] = "",
};

/* The figures that stand for a site or a circuit. */
static void put_headline(struct buf *out, uint8_t headline, double score,
			 const struct line *now, const struct line *before)
{
	put_text(out, "probe", headlines[headline]);
	put_number(out, "score", score);
	put_us(out, "rtt_p50_us", now->rtt.p50);
	put_us(out, "rtt_p95_us", now->rtt.p95);
	put_number(out, "loss_percent", line_loss_percent(now));
	put_number(out, "availability_percent", line_availability_percent(now));
	put_us(out, "before_p50_us", before->rtt.p50);
}

static void put_site(struct buf *out, const struct model *m, size_t i)
{
	const struct model_site *s = &m->sites[i];

	put_text(out, "site", s->name);
	put_text(out, "market", s->market);
	put_text(out, "country", s->country);
	put_text(out, "metro", s->metro);
	put_degrees(out, "latitude", s->latitude);
	put_degrees(out, "longitude", s->longitude);
	put_text(out, "expected_pops", s->expected_pops);
	if (s->circuit != MODEL_NONE)
		put_text(out, "circuit", m->circuits[s->circuit].name);
	put_headline(out, s->headline, s->score, &s->now, &s->before);
}

static void put_runs(struct buf *out, const struct model_circuit *c)
{
	put_name(out, "runs");
	buf_char(out, '[');
	for (size_t i = 0; i < c->n_runs; i++) {
		const struct model_run *run = &c->runs[i];

		buf_text(out, i == 0 ? "{" : ",{");
		put_text(out, "pop", run->pop);
		put_time(out, "first", run->from_ns);
		put_time(out, "last", run->to_ns);
		put_name(out, "answers");
		buf_uint(out, run->n);
		put_text(out, "location", model_location_name(run->location));
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

/* What lasts has no "back"; its seconds are those until its last answer. */
static void put_failovers(struct buf *out, const struct model_circuit *c)
{
	put_name(out, "failovers");
	buf_char(out, '[');
	for (size_t i = 0; i < c->n_failovers; i++) {
		const struct model_failover *f = &c->failovers[i];
		uint64_t end_ns = f->back_ns == 0 ? f->last_ns : f->back_ns;

		buf_text(out, i == 0 ? "{" : ",{");
		put_time(out, "since", f->from_ns);
		put_time(out, "back", f->back_ns);
		put_number(out, "seconds", (double)(end_ns - f->from_ns) / 1e9);
		put_text(out, "pop", f->pop);
		put_text(out, "location", model_location_name(f->location));
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void put_circuit(struct buf *out, const struct model *m, size_t i)
{
	const struct model_circuit *c = &m->circuits[i];

	put_site_name(out, m, c->site);
	put_text(out, "circuit", c->name);
	put_text(out, "provider", c->provider);
	put_text(out, "observed_provider", c->observed_provider);
	put_text(out, "prefix", c->prefix);
	put_text(out, "connection", c->connection);
	put_text(out, "primary_location", c->primary_location);
	put_text(out, "backup_location", c->backup_location);
	put_text(out, "egress_address", c->egress_address);
	put_text(out, "egress_place", c->egress_place);
	put_number(out, "egress_km", c->egress_km);
	put_text(out, "resolver_address", c->resolver_address);
	put_text(out, "resolver_place", c->resolver_place);
	put_number(out, "resolver_km", c->resolver_km);
	put_headline(out, c->headline, c->score, &c->now, &c->before);
	put_text(out, "location", model_location_name(c->location));
	put_time(out, "location_since", c->location_since_ns);
	put_runs(out, c);
	put_failovers(out, c);
}

static void put_event(struct buf *out, const struct model *m, size_t i)
{
	const struct model_event *e = &m->events[i];

	put_time(out, "time", e->time_ns);
	put_time(out, "since", e->since_ns);
	put_time(out, "until", e->until_ns);
	put_site_name(out, m, e->site);
	put_circuit_name(out, m, e->circuit);
	put_text(out, "event", e->event);
	put_text(out, "level", e->level);
	put_text(out, "state", e->state);
	put_text(out, "target", e->target);
	put_text(out, "probe", e->probe);
	put_text(out, "text", e->text);
}

/* "p50": its value and interval in three members. */
static void put_interval(struct buf *out, const char *name,
			 const struct model_interval *interval)
{
	char member[32];

	snprintf(member, sizeof(member), "%s_saved_us", name);
	put_us(out, member, interval->value);
	snprintf(member, sizeof(member), "%s_low_us", name);
	put_us(out, member, interval->low);
	snprintf(member, sizeof(member), "%s_high_us", name);
	put_us(out, member, interval->high);
}

static void put_pair(struct buf *out, const struct model *m, size_t i)
{
	const struct model_pair *p = &m->pairs[i];
	const struct model_series *a = &m->series[p->a], *b = &m->series[p->b];

	put_site_name(out, m, m->circuits[a->circuit].site);
	put_text(out, "target", a->target);
	put_text(out, "probe", a->probe);
	put_text(out, "circuit", m->circuits[a->circuit].name);
	put_text(out, "other_circuit", m->circuits[b->circuit].name);
	put_name(out, "pairs");
	buf_uint(out, p->n);
	put_interval(out, "p50", &p->p50);
	put_interval(out, "p90", &p->p90);
	put_text(out, "text", p->text);
}

static void put_finding(struct buf *out, const struct model *m, size_t i)
{
	const struct model_finding *f = &m->findings[i];

	put_text(out, "level", f->level);
	put_site_name(out, m, f->site);
	put_circuit_name(out, m, f->circuit);
	put_text(out, "pop", f->pop);
	put_text(out, "rule", f->rule);
	put_text(out, "source", f->source);
	put_text(out, "unit", f->unit);
	put_number(out, "value", f->value);
	put_number(out, "limit", f->limit);
	put_time(out, "since", f->since_ns);
	put_text(out, "text", f->text);
	put_text(out, "help", f->help);
}

static void
put_array(struct buf *out, const char *name, const struct model *m, size_t n,
	  void (*put)(struct buf *out, const struct model *m, size_t i))
{
	buf_printf(out, ",\n\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		buf_text(out, i == 0 ? "\n{" : ",\n{");
		put(out, m, i);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

void render_json_model(const struct model *m, struct buf *out)
{
	put_text(out, "source", m->source);
	put_text(out, "agents", m->agents);
	put_time(out, "since", m->since_ns);
	put_time(out, "until", m->until_ns);
	put_array(out, "findings", m, m->n_findings, put_finding);
	put_array(out, "sites", m, m->n_sites, put_site);
	put_array(out, "circuits", m, m->n_circuits, put_circuit);
	put_array(out, "pairs", m, m->n_pairs, put_pair);
	put_array(out, "events", m, m->n_events, put_event);
}
