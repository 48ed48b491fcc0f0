/* What text says beside lines: only what there is something to say of. */
#include "report/judging/headlines.h"
#include "report/text/render.h"
#include "report/text/table.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COLUMNS      80
#define EVENTS_MAX   20 /* the newest ones */
#define PAIRS_MAX    10
#define FINDINGS_MAX 20 /* the worst ones */
/* What begins so close together, in the same way and place, is told once. */
#define TOGETHER_NS (UINT64_C(600) * 1000000000)

static const char *const marks[] = { "", "\033[31m", "\033[33m" };
enum mark { PLAIN, BAD, WARNING };

static void print_marked(struct buf *out, const char *text, enum mark mark,
			 bool colour)
{
	bool marked = colour && mark != PLAIN;

	if (marked)
		buf_text(out, marks[mark]);
	buf_text(out, text);
	if (marked)
		buf_text(out, "\033[0m");
}

/* From column `at` on, lines broken between words and indented as much. */
static void print_wrapped(struct buf *out, const char *text, size_t indent)
{
	size_t at = indent;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (at > indent && at + 1 + word > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			buf_char(out, ' ');
			at++;
		}
		buf_add(out, text, word);
		at += word;
		text += word + strspn(text + word, " ");
	}
	buf_char(out, '\n');
}

static void put_minute(char *text, size_t size, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000u);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, size, "%Y-%m-%d %H:%M", &tm);
}

/* A text of one of several sites begins with its name. */
static void print_of_site(const struct model *m, uint32_t site,
			  const char *text, size_t indent, struct buf *out)
{
	struct buf whole;

	buf_init(&whole, 8192);
	if (m->n_sites > 1 && site != MODEL_NONE)
		buf_printf(&whole, "%s: ", model_site_label(m, site));
	buf_text(&whole, text);
	print_wrapped(out, whole.len > 0 ? whole.data : "", indent);
	buf_finish(&whole);
}

/* --- findings --- */

static void print_since(uint64_t since_ns, struct buf *out)
{
	char minute[32];

	put_minute(minute, sizeof(minute), since_ns);
	buf_printf(out, "%9sSince %s UTC.\n", "", minute);
}

static void print_findings(const struct render *r, struct buf *out)
{
	const struct model *m = r->model;

	if (m->n_findings == 0)
		return;
	buf_text(out, "\nWhat stands out\n");
	for (size_t i = 0; i < m->n_findings && i < FINDINGS_MAX; i++) {
		const struct model_finding *f = &m->findings[i];
		bool bad = strcmp(f->level, "bad") == 0;

		print_marked(out, bad ? "bad      " : "warning  ",
			     bad ? BAD : WARNING, r->options->colour);
		print_of_site(m, f->site, f->text, 9, out);
		if (f->since_ns != 0)
			print_since(f->since_ns, out);
		if (*f->help != '\0') {
			buf_printf(out, "%9s", "");
			print_wrapped(out, f->help, 9);
		}
	}
	if (m->n_findings > FINDINGS_MAX)
		buf_printf(out, "%zu lesser ones are in JSON and HTML.\n",
			   m->n_findings - FINDINGS_MAX);
}

/* --- circuits --- */

enum { SITE, CIRCUIT, PROVIDER, SCORE, MEDIAN, LOSS, POP, PLACE, SINCE, ALL };

static void begin_circuits(struct table *t)
{
	static const char *const names[] = { "site",  "circuit",  "provider",
					     "score", "p50",      "loss",
					     "pop",   "location", "since" };

	table_init(t, ALL);
	table_row(t);
	for (unsigned i = 0; i < ALL; i++) {
		t->left[i] = i < SCORE || i > LOSS;
		table_put(t, i, TABLE_HEAD, "%s", names[i]);
	}
}

static void put_figures(struct table *t, const struct model_circuit *c)
{
	double loss = line_loss_percent(&c->now);

	if (!isnan(c->score))
		table_put(t, SCORE,
			  c->score < 60   ? TABLE_BAD
			  : c->score < 80 ? TABLE_WARN
					  : TABLE_PLAIN,
			  "%.0f", c->score);
	if (c->now.rtt.n > 0)
		table_put(t, MEDIAN, TABLE_PLAIN, "%.1f", c->now.rtt.p50 / 1e6);
	if (!isnan(loss))
		table_put(t, LOSS, loss > 0 ? TABLE_WARN : TABLE_PLAIN,
			  "%.1f%%", loss);
}

static void put_location(struct table *t, const struct model_circuit *c)
{
	char since[32];

	if (c->n_runs == 0)
		return;
	put_minute(since, sizeof(since),
		   c->location == MODEL_UNREGISTERED
			   ? c->runs[c->n_runs - 1].from_ns
			   : c->location_since_ns);
	table_put(t, POP, TABLE_PLAIN, "%s", c->runs[c->n_runs - 1].pop);
	if (c->location != MODEL_UNREGISTERED)
		table_put(t, PLACE,
			  c->location == MODEL_PRIMARY ? TABLE_PLAIN
						       : TABLE_WARN,
			  "%s", model_location_name(c->location));
	table_put(t, SINCE, TABLE_PLAIN, "%s", since);
}

static bool has_circuits(const struct model *m)
{
	for (size_t i = 0; i < m->n_circuits; i++)
		if (m->circuits[i].name[0] != '\0')
			return true;
	return m->n_sites > 1;
}

static void print_circuits(const struct render *r, struct buf *out)
{
	const struct model *m = r->model;
	struct table t;

	if (!has_circuits(m))
		return;
	begin_circuits(&t);
	for (uint32_t i = 0; i < m->n_circuits; i++) {
		const struct model_circuit *c = &m->circuits[i];

		table_row(&t);
		if (i == 0 || c->site != m->circuits[i - 1].site)
			table_put(&t, SITE, TABLE_PLAIN, "%.24s",
				  model_site_label(m, c->site));
		table_put(&t, CIRCUIT, TABLE_PLAIN, "%.20s",
			  model_circuit_label(m, i));
		table_put(&t, PROVIDER, TABLE_PLAIN, "%.20s", c->provider);
		put_figures(&t, c);
		put_location(&t, c);
	}
	buf_text(out, "\nCircuits: Exchange's score of 100, median, and the "
		      "edge location since when\n");
	table_print(&t, r->options->colour, out);
	table_finish(&t);
}

/* Of the kind that stands for the site: the others say the same. */
static bool is_shown(const struct model *m, const struct model_pair *pair)
{
	const struct model_series *s = &m->series[pair->a];
	const struct model_site *site = &m->sites[m->circuits[s->circuit].site];

	return judge_is_headline(s, site->headline) ||
	       site->headline == MODEL_NO_HEADLINE;
}

static void print_pairs(const struct render *r, struct buf *out)
{
	const struct model *m = r->model;
	size_t shown = 0;

	for (size_t i = 0; i < m->n_pairs && shown < PAIRS_MAX; i++) {
		const struct model_series *s = &m->series[m->pairs[i].a];

		if (!is_shown(m, &m->pairs[i]))
			continue;
		if (shown++ == 0)
			buf_text(out, "\nCircuits side by side\n");
		print_of_site(m, m->circuits[s->circuit].site, m->pairs[i].text,
			      0, out);
	}
	if (m->n_pairs > shown && shown > 0)
		buf_printf(out, "All %zu comparisons are in JSON and HTML.\n",
			   m->n_pairs);
}

/* --- events --- */

static void put_length(char *text, size_t size, const struct model_event *e)
{
	uint64_t s = (e->until_ns - e->since_ns) / 1000000000u;

	if (e->until_ns == 0)
		snprintf(text, size, "still");
	else if (e->until_ns <= e->since_ns || s == 0 ||
		 e->until_ns == e->time_ns)
		text[0] = '\0';
	else if (s < 120)
		snprintf(text, size, "%u s", (unsigned)s);
	else if (s < 7200)
		snprintf(text, size, "%u min", (unsigned)(s / 60));
	else
		snprintf(text, size, "%.1f h", (double)s / 3600);
}

static bool is_together(const struct model_event *a,
			const struct model_event *b)
{
	uint64_t apart_ns = a->since_ns > b->since_ns
				    ? a->since_ns - b->since_ns
				    : b->since_ns - a->since_ns;

	return a->site == b->site && a->circuit == b->circuit &&
	       apart_ns <= TOGETHER_NS && strcmp(a->event, b->event) == 0 &&
	       (a->until_ns == 0) == (b->until_ns == 0);
}

/* Whether an earlier one tells it, too. */
static bool is_told(const struct model *m, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_together(&m->events[j], &m->events[i]))
			return true;
	return false;
}

static size_t count_alike(const struct model *m, size_t i)
{
	size_t n = 0;

	for (size_t j = i + 1; j < m->n_events; j++)
		n += is_together(&m->events[i], &m->events[j]);
	return n;
}

static void print_event(const struct render *r, size_t i, struct buf *out)
{
	const struct model *m = r->model;
	const struct model_event *e = &m->events[i];
	size_t alike = count_alike(m, i);
	char since[32], length[32];
	struct buf text;

	put_minute(since, sizeof(since), e->since_ns);
	put_length(length, sizeof(length), e);
	buf_printf(out, "%s  ", since);
	print_marked(out, length, e->until_ns == 0 ? WARNING : PLAIN,
		     r->options->colour);
	buf_printf(out, "%*s", (int)(8 - strlen(length)), "");
	buf_init(&text, 4096);
	buf_text(&text, e->text);
	if (alike > 0)
		buf_printf(&text, ", and %zu more like it", alike);
	print_of_site(m, e->site, text.len > 0 ? text.data : "", 26, out);
	buf_finish(&text);
}

/* The first to print, so that EVENTS_MAX are. */
static size_t first_event(const struct model *m)
{
	size_t n = 0, i = m->n_events;

	while (i > 0 && n < EVENTS_MAX)
		n += !is_told(m, --i);
	return i;
}

static void print_events(const struct render *r, struct buf *out)
{
	const struct model *m = r->model;
	size_t first = first_event(m);

	if (m->n_events == 0)
		return;
	buf_text(out, "\nWhat happened, since when (UTC) and for how long\n");
	if (first > 0)
		buf_printf(out, "%zu earlier ones are in JSON and HTML.\n",
			   first);
	for (size_t i = first; i < m->n_events; i++)
		if (!is_told(m, i))
			print_event(r, i, out);
}

void render_text_model(const struct render *r, struct buf *out)
{
	print_findings(r, out);
	print_circuits(r, out);
	print_pairs(r, out);
	print_events(r, out);
}
