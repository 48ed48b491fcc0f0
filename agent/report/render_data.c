/* JSON and CSV: the same fields, durations in microseconds as in the row. */
#include "report/keys.h"
#include "report/render.h"
#include <string.h>

struct field {
	const char *name;
	int64_t ns;    /* a duration; or */
	uint64_t n;    /* a count, where ns is EP_ABSENT; or */
	double number; /* where is_number */
	int is_number, is_absent;
};

#define FIELDS_MAX 40

struct fields {
	struct field fields[FIELDS_MAX];
	char names[FIELDS_MAX][32];
	unsigned n;
};

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

static void add_ns(struct fields *f, const char *name, uint64_t ns, int there)
{
	struct field *field = add(f, name);

	field->ns = (int64_t)ns;
	field->is_absent = !there;
}

static void add_phases(struct fields *f, const struct group *g)
{
	for (size_t p = 0; p < GROUP_PHASES; p++) {
		const struct stats *s = &g->phases[p];
		char *p50 = f->names[2 * p], *p90 = f->names[2 * p + 1];

		snprintf(p50, 32, "%s_p50_us", group_phase_names[p]);
		snprintf(p90, 32, "%s_p90_us", group_phase_names[p]);
		add_ns(f, p50, stats_percentile(s, 0.5), s->n > 0);
		add_ns(f, p90, stats_percentile(s, 0.9), s->n > 0);
	}
}

static void add_rtt(struct fields *f, const struct group *g)
{
	const struct stats *s = &g->rtt;
	int there = s->n > 0;

	add_ns(f, "rtt_min_us", s->min_ns, there);
	add_ns(f, "rtt_p50_us", stats_percentile(s, 0.5), there);
	add_ns(f, "rtt_p90_us", stats_percentile(s, 0.9), there);
	add_ns(f, "rtt_p99_us", stats_percentile(s, 0.99), there);
	add_ns(f, "rtt_max_us", s->max_ns, there);
	add_ns(f, "rtt_mean_us", (uint64_t)stats_mean_ns(s), there);
	add_ns(f, "jitter_us", (uint64_t)jitter_mean_ns(&g->jitter),
	       g->jitter.n > 0);
}

static void fill(struct fields *f, const struct group *g)
{
	struct field *loss;

	f->n = 0;
	add_count(f, "sent", group_sent(g));
	add_count(f, "answered", group_answered(g));
	add_count(f, "replied", g->outcomes[EP_REPLIED]);
	add_count(f, "refused", g->outcomes[EP_REFUSED]);
	add_count(f, "unreachable", g->outcomes[EP_UNREACHABLE]);
	add_count(f, "lost", g->outcomes[EP_LOST]);
	add_count(f, "failed", g->outcomes[EP_FAILED]);
	add_count(f, "missed", g->missed);
	add_count(f, "late", g->late);
	loss = add(f, "loss_percent");
	loss->is_number = 1;
	loss->number = group_loss_percent(g);
	loss->is_absent = group_sent(g) == g->outcomes[EP_FAILED];
	add_rtt(f, g);
	add_phases(f, g);
}

static void write_value(const struct field *field, struct buf *out)
{
	if (field->is_number)
		buf_printf(out, "%.6g", field->number);
	else if (field->ns != EP_ABSENT)
		buf_json_us(out, field->ns);
	else
		buf_uint(out, field->n);
}

/* --- JSON --- */

static void json_key(struct buf *out, const char *name)
{
	buf_json_text(out, name);
	buf_char(out, ':');
}

static void json_reasons(const struct group *g, struct buf *out)
{
	const char *separator = "";

	buf_text(out, ",\"reasons\":{");
	for (unsigned r = 1; r < EP_REASON_COUNT; r++) {
		if (g->reasons[r] == 0)
			continue;
		buf_text(out, separator);
		json_key(out, ep_reason_name(r));
		buf_uint(out, g->reasons[r]);
		separator = ",";
	}
	buf_char(out, '}');
}

static void json_pops(const struct groups *gs, const struct group *g,
		      struct buf *out)
{
	buf_text(out, ",\"pops\":{");
	for (unsigned i = 0; i < g->n_pops; i++) {
		const char *word = store_word(gs->store, g->pops[i].word);

		buf_text(out, i == 0 ? "" : ",");
		json_key(out, *word == '\0' ? "other" : word);
		buf_uint(out, g->pops[i].n);
	}
	buf_char(out, '}');
}

static void json_group(const struct groups *gs, const struct group *g,
		       struct buf *out)
{
	struct fields f;

	fill(&f, g);
	buf_char(out, '{');
	for (unsigned i = 0; i < gs->options->n_by; i++) {
		if (g->keys[i][0] == '\0')
			continue; /* absent, never null */
		json_key(out, key_name(gs->options->by[i]));
		buf_json_text(out, g->keys[i]);
		buf_char(out, ',');
	}
	for (unsigned i = 0; i < f.n; i++) {
		if (f.fields[i].is_absent)
			continue;
		buf_text(out, i == 0 ? "" : ",");
		json_key(out, f.fields[i].name);
		write_value(&f.fields[i], out);
	}
	json_reasons(g, out);
	json_pops(gs, g, out);
	buf_char(out, '}');
}

void render_json(const struct groups *gs, struct buf *out)
{
	buf_text(out, "{\"first\":");
	buf_json_time(out, gs->first_ns);
	buf_text(out, ",\"last\":");
	buf_json_time(out, gs->last_ns);
	buf_printf(out, ",\"samples\":%llu,\"by\":[",
		   (unsigned long long)gs->samples);
	for (unsigned i = 0; i < gs->options->n_by; i++) {
		buf_text(out, i == 0 ? "" : ",");
		buf_json_text(out, key_name(gs->options->by[i]));
	}
	buf_text(out, "],\"groups\":[");
	for (size_t i = 0; i < gs->n; i++) {
		buf_text(out, i == 0 ? "\n" : ",\n");
		json_group(gs, gs->groups[i], out);
	}
	buf_text(out, "\n]}\n");
}

/* --- CSV (RFC 4180, with "\n") --- */

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

static void csv_head(const struct groups *gs, struct buf *out)
{
	static const struct group empty;
	struct fields f;

	fill(&f, &empty);
	for (unsigned i = 0; i < gs->options->n_by; i++)
		buf_printf(out, "%s,", key_name(gs->options->by[i]));
	for (unsigned i = 0; i < f.n; i++)
		buf_printf(out, "%s,", f.fields[i].name);
	buf_text(out, "pops,reasons\n");
}

static void csv_lists(const struct groups *gs, const struct group *g,
		      struct buf *out)
{
	const char *separator = "";

	for (unsigned i = 0; i < g->n_pops; i++) {
		const char *word = store_word(gs->store, g->pops[i].word);

		buf_printf(out, "%s%s:%llu", i == 0 ? "" : " ",
			   *word == '\0' ? "other" : word,
			   (unsigned long long)g->pops[i].n);
	}
	buf_char(out, ',');
	for (unsigned r = 1; r < EP_REASON_COUNT; r++)
		if (g->reasons[r] > 0) {
			buf_printf(out, "%s%s:%llu", separator,
				   ep_reason_name(r),
				   (unsigned long long)g->reasons[r]);
			separator = " ";
		}
	buf_char(out, '\n');
}

void render_csv(const struct groups *gs, struct buf *out)
{
	struct fields f;

	csv_head(gs, out);
	for (size_t i = 0; i < gs->n; i++) {
		fill(&f, gs->groups[i]);
		for (unsigned k = 0; k < gs->options->n_by; k++) {
			csv_text(out, gs->groups[i]->keys[k]);
			buf_char(out, ',');
		}
		for (unsigned k = 0; k < f.n; k++) {
			if (!f.fields[k].is_absent)
				write_value(&f.fields[k], out);
			buf_char(out, ',');
		}
		csv_lists(gs, gs->groups[i], out);
	}
}
