#include "delivery/metrics_i.h"

#include "delivery/exphist.h"
#include "delivery/otlp.h"

#include <stdbool.h>
#include <string.h>

/* Figures of the host are coarser than those of the network. */
#define FINE   5
#define PHASE  4
#define COARSE 1

const struct metric_row metric_table[] = {
	[RTT] = { "edgeprobe.rtt", "s", HISTOGRAM, FINE },
	[LATE_RTT] = { "edgeprobe.late.rtt", "s", HISTOGRAM, FINE },
	[DNS] = { "edgeprobe.dns.duration", "s", HISTOGRAM, PHASE },
	[CONNECT] = { "edgeprobe.connect.duration", "s", HISTOGRAM, PHASE },
	[TLS] = { "edgeprobe.tls.duration", "s", HISTOGRAM, PHASE },
	[FIRST_BYTE] = { "edgeprobe.first_byte.duration", "s", HISTOGRAM,
			 PHASE },
	[TOTAL] = { "edgeprobe.total.duration", "s", HISTOGRAM, PHASE },
	[KEPT_SRTT] = { "edgeprobe.kept.srtt", "s", HISTOGRAM, PHASE },
	[KEPT_MIN_RTT] = { "edgeprobe.kept.min_rtt", "s", HISTOGRAM, PHASE },
	[SLIP] = { "edgeprobe.slip", "s", HISTOGRAM, COARSE },
	[UNCERTAINTY] = { "edgeprobe.uncertainty", "s", HISTOGRAM, COARSE },
	[SAMPLES] = { "edgeprobe.samples", "{sample}", COUNTER, 0 },
	[MISSED] = { "edgeprobe.missed", "{probe}", COUNTER, 0 },
	[RETRANSMITS] = { "edgeprobe.retransmits", "{segment}", COUNTER, 0 },
	[FLAGGED] = { "edgeprobe.flagged", "{sample}", COUNTER, 0 },
	[TLS_DAYS_LEFT] = { "edgeprobe.tls.days_left", "d", GAUGE, 0 },
	[GAP_ROWS] = { "edgeprobe.gap.rows", "{row}", COUNTER, 0 },
	[ROWS] = { "edgeprobe.rows", "{row}", COUNTER, 0 },
	[NOTES] = { NULL, NULL, NOTE, 0 },
};

/* Points of one metric in the order they came. */
struct writing {
	const struct points *points;
	struct buf *out;
	const struct point *before; /* NULL: none was written */
};

static const char *text_of(const struct writing *w, const struct point *p)
{
	return w->points->texts.data + p->at;
}

static uint64_t newest_ns(const struct figure *figures, size_t n)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < n; i++)
		if (figures[i].time_ns > ns)
			ns = figures[i].time_ns;
	return ns;
}

static void write_times(struct buf *out, const struct point *p,
			const struct figure *figures)
{
	buf_text(out, "\"startTimeUnixNano\":");
	otlp_time(out, p->minute * MINUTE_NS);
	buf_text(out, ",\"timeUnixNano\":");
	otlp_time(out, newest_ns(figures, p->seen));
	buf_char(out, ',');
}

static void write_count(struct buf *out, const struct figure *figures, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)figures[i].value;
	buf_text(out, "\"asInt\":\"");
	buf_int(out, sum < INT64_MAX ? (int64_t)sum : INT64_MAX);
	buf_char(out, '"');
}

static void write_point(struct writing *w, const struct point *p)
{
	const struct figure *figures = w->points->figures + p->first;
	struct buf *out = w->out;

	buf_text(out, "{\"attributes\":[");
	buf_add(out, text_of(w, p), p->len);
	buf_text(out, "],");
	switch (metric_table[p->metric].kind) {
	case HISTOGRAM:
		write_times(out, p, figures);
		exphist_write(out, figures, p->seen,
			      metric_table[p->metric].scale);
		break;
	case COUNTER:
		write_times(out, p, figures);
		write_count(out, figures, p->seen);
		break;
	case GAUGE: /* the last one that was seen */
		buf_text(out, "\"timeUnixNano\":");
		otlp_time(out, figures[p->seen - 1].time_ns);
		buf_text(out, ",\"asInt\":\"");
		buf_int(out, figures[p->seen - 1].value);
		buf_char(out, '"');
		break;
	case NOTE:
		break;
	}
	buf_char(out, '}');
}

static void begin_metric(struct buf *out, enum metric metric)
{
	static const char *const openings[] = {
		[HISTOGRAM] = "\"exponentialHistogram\":{"
			      "\"aggregationTemporality\":1,",
		[COUNTER] = "\"sum\":{\"aggregationTemporality\":1,"
			    "\"isMonotonic\":true,",
		[GAUGE] = "\"gauge\":{",
	};

	buf_printf(out, "{\"name\":\"%s\",\"unit\":\"%s\",%s\"dataPoints\":[",
		   metric_table[metric].name, metric_table[metric].unit,
		   openings[metric_table[metric].kind]);
}

static const char *unit_of(const char *name, size_t len)
{
	static const struct {
		const char *suffix, *unit;
	} units[] = {
		{ "_us", "us" },
		{ "_ms", "ms" },
		{ "_bytes", "By" },
		{ "_percent", "%" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].suffix);

		if (len > n && memcmp(name + len - n, units[i].suffix, n) == 0)
			return units[i].unit;
	}
	return "1";
}

static bool is_whole(const char *number)
{
	return strlen(number) < 19 && !strpbrk(number, ".eE");
}

/* Each figure that was seen, with its time. */
static void write_note(struct writing *w, const struct point *p)
{
	const struct figure *figures = w->points->figures + p->first;
	const char *name = text_of(w, p);

	buf_text(w->out, "{\"name\":\"");
	buf_add(w->out, name, p->len);
	buf_printf(w->out, "\",\"unit\":\"%s\",\"gauge\":{\"dataPoints\":[",
		   unit_of(name, p->len));
	for (size_t i = 0; i < p->seen; i++) {
		const char *value = w->points->texts.data + figures[i].value;

		buf_text(w->out,
			 i ? ",{\"timeUnixNano\":" : "{\"timeUnixNano\":");
		otlp_time(w->out, figures[i].time_ns);
		buf_printf(w->out,
			   is_whole(value) ? ",\"asInt\":\"%s\"}"
					   : ",\"asDouble\":%s}",
			   value);
	}
	buf_text(w->out, "]}}");
}

static void write_one(struct writing *w, const struct point *p)
{
	bool first = !w->before, note = metric_table[p->metric].kind == NOTE;
	bool same = !first && !note && w->before->metric == p->metric;

	if (!first && !same && w->before->metric != NOTES)
		buf_text(w->out, "]}}");
	if (!first)
		buf_char(w->out, ',');
	w->before = p;
	if (note) {
		write_note(w, p);
		return;
	}
	if (!same)
		begin_metric(w->out, (enum metric)p->metric);
	write_point(w, p);
}

void metrics_write(struct metrics *m, const struct identity *who,
		   struct buf *out)
{
	struct writing w = { .points = &m->points, .out = out };
	int r = points_sort(&m->points);

	if (r < 0) {
		out->error = out->error ? out->error : r;
		return;
	}
	otlp_begin(out, who, "Metrics");
	buf_text(out, "\"metrics\":[");
	for (unsigned metric = RTT; metric <= NOTES; metric++)
		for (size_t i = 0; i < m->points.n; i++)
			if (m->points.points[i].metric == metric)
				write_one(&w, &m->points.points[i]);
	if (w.before && w.before->metric != NOTES)
		buf_text(out, "]}}");
	buf_text(out, OTLP_END);
}
