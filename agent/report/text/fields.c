#include "report/text/fields.h"
#include "edgeprobe/sample.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct field *add(struct fields *f, const char *name)
{
	struct field *field = &f->fields[f->n++];

	memset(field, 0, sizeof(*field));
	field->name = name;
	field->ns = EP_ABSENT;
	return field;
}

static void add_count(struct fields *f, const char *name, uint64_t n)
{
	add(f, name)->n = n;
}

static void add_ns(struct fields *f, const char *name, double ns)
{
	struct field *field = add(f, name);

	field->is_absent = isnan(ns);
	field->ns = isnan(ns) ? EP_ABSENT : (int64_t)ns;
}

static void add_number(struct fields *f, const char *name, double number)
{
	struct field *field = add(f, name);

	field->is_number = 1;
	field->number = number;
	field->is_absent = isnan(number);
}

static void add_phases(struct fields *f, const struct line *line)
{
	for (size_t p = 0; p < LINE_PHASES; p++) {
		const struct figures *s = &line->phases[p];
		char *p50 = f->names[2 * p], *p90 = f->names[2 * p + 1];

		snprintf(p50, 32, "%s_p50_us", line_phase_names[p]);
		snprintf(p90, 32, "%s_p90_us", line_phase_names[p]);
		add_ns(f, p50, s->p50);
		add_ns(f, p90, s->p90);
	}
}

static void add_rtt(struct fields *f, const struct line *line)
{
	const struct figures *s = &line->rtt;

	add_ns(f, "rtt_min_us", s->min);
	add_ns(f, "rtt_p50_us", s->p50);
	add_ns(f, "rtt_p90_us", s->p90);
	add_ns(f, "rtt_p99_us", s->p99);
	add_ns(f, "rtt_max_us", s->max);
	add_ns(f, "rtt_mean_us", s->mean);
	add_ns(f, "jitter_us", line->jitter);
}

void fields_more(struct fields *f, const struct line *line)
{
	f->n = 0;
	add_ns(f, "rtt_p75_us", line->rtt.p75);
	add_ns(f, "rtt_p95_us", line->rtt.p95);
	add_ns(f, "rtt_stddev_us", line->rtt.stddev);
	add_number(f, "availability_percent", line_availability_percent(line));
	add_ns(f, "loaded_p50_us", line->loaded.p50);
	add_ns(f, "loaded_p95_us", line->loaded.p95);
}

void fields_change(struct fields *f, const struct line *line,
		   const struct line *before)
{
	double then = before == NULL ? (double)NAN : before->rtt.p50;

	f->n = 0;
	add_ns(f, "before_p50_us", then);
	add_number(f, "change_percent",
		   then > 0 ? 100 * (line->rtt.p50 - then) / then
			    : (double)NAN);
}

void fields_figures(struct fields *f, const struct line *line)
{
	f->n = 0;
	add_count(f, "sent", line_sent(line));
	add_count(f, "answered", line_answered(line));
	add_count(f, "replied", line->outcomes[EP_REPLIED]);
	add_count(f, "refused", line->outcomes[EP_REFUSED]);
	add_count(f, "unreachable", line->outcomes[EP_UNREACHABLE]);
	add_count(f, "lost", line->outcomes[EP_LOST]);
	add_count(f, "failed", line->outcomes[EP_FAILED]);
	add_count(f, "missed", line->missed);
	add_count(f, "late", line->late);
	add_number(f, "loss_percent", line_loss_percent(line));
	add_rtt(f, line);
	add_phases(f, line);
}

void fields_write(const struct field *field, struct buf *out)
{
	if (field->is_number)
		buf_printf(out, "%.6g", field->number);
	else if (field->ns != EP_ABSENT)
		buf_json_us(out, field->ns);
	else
		buf_uint(out, field->n);
}
