#include "report/model/keys.h"
#include "report/text/render.h"
#include "report/text/table.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEY_WIDTH_MAX 28

static double ms(double ns)
{
	return ns / 1e6;
}

static void print_time(struct buf *out, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000u);
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_text(out, text);
}

static void print_head(const struct render *r, struct buf *out)
{
	buf_text(out, "Latency report, ");
	print_time(out, r->source->first_ns);
	buf_text(out, " to ");
	print_time(out, r->source->last_ns);
	buf_printf(out, " UTC, %llu samples\n%s\n\n",
		   (unsigned long long)r->source->samples, r->source->title);
}

/* The key cells of a row; a key that is the same as above stays blank. */
static void put_keys(struct table *t, const struct render *r,
		     const struct line *line, const struct line *above)
{
	int same = above != NULL;

	for (unsigned i = 0; i < r->options->n_by; i++) {
		same = same && strcmp(line->keys[i], above->keys[i]) == 0;
		if (!same)
			table_put(t, i, TABLE_PLAIN, "%.*s", KEY_WIDTH_MAX,
				  line->keys[i][0] == '\0' ? "-"
							   : line->keys[i]);
	}
}

static void begin(struct table *t, const struct render *r,
		  const char *const *names, unsigned n)
{
	unsigned n_by = r->options->n_by;

	table_init(t, n_by + n);
	table_row(t);
	for (unsigned i = 0; i < n_by; i++) {
		t->left[i] = true;
		table_put(t, i, TABLE_HEAD, "%s", key_name(r->options->by[i]));
	}
	for (unsigned i = 0; i < n; i++)
		table_put(t, n_by + i, TABLE_HEAD, "%s", names[i]);
}

static void end(struct table *t, const struct render *r, struct buf *out)
{
	table_print(t, r->options->colour, out);
	table_finish(t);
}

/* --- round trips --- */

static void put_loss(struct table *t, unsigned column, const struct line *line)
{
	double loss = line_loss_percent(line);
	uint64_t asked = line_sent(line) - line->outcomes[EP_FAILED];

	if (asked == 0)
		table_put(t, column, TABLE_PLAIN, "-");
	else
		table_put(t, column,
			  loss >= 5  ? TABLE_BAD
			  : loss > 0 ? TABLE_WARN
				     : TABLE_PLAIN,
			  "%.*f%%", loss > 0 && loss < 0.1 ? 3 : 1, loss);
}

static void put_rtt(struct table *t, unsigned column, const struct line *line)
{
	if (line->rtt.n == 0)
		return;
	table_put(t, column, TABLE_PLAIN, "%.3f", ms(line->rtt.min));
	table_put(t, column + 1, TABLE_PLAIN, "%.3f", ms(line->rtt.p50));
	table_put(t, column + 2, TABLE_PLAIN, "%.3f", ms(line->rtt.p90));
	table_put(t, column + 3, TABLE_PLAIN, "%.3f", ms(line->rtt.p99));
	table_put(t, column + 4, TABLE_PLAIN, "%.3f", ms(line->rtt.max));
	if (line->jitter_n > 0)
		table_put(t, column + 5, TABLE_PLAIN, "%.3f", ms(line->jitter));
}

/* A rise by a fifth and 5 ms is what an event would be made of, too. */
static void put_change(struct table *t, unsigned column,
		       const struct line *line, const struct line *before)
{
	double then = before == NULL ? (double)NAN : before->rtt.p50;
	double now = line->rtt.p50;
	bool worse = now > 1.2 * then && now > then + 5e6;

	if (isnan(then))
		return;
	table_put(t, column, TABLE_PLAIN, "%.3f", ms(then));
	if (!isnan(now) && then > 0)
		table_put(t, column + 1, worse ? TABLE_WARN : TABLE_PLAIN,
			  "%+.0f%%", 100 * (now - then) / then);
}

static void put_line(struct table *t, const struct render *r, size_t i)
{
	const struct line *line = &r->now->at[i];
	unsigned at = r->options->n_by;

	table_row(t);
	put_keys(t, r, line, i == 0 ? NULL : line - 1);
	table_put(t, at, TABLE_PLAIN, "%llu",
		  (unsigned long long)line_sent(line));
	table_put(t, at + 1, line_answered(line) == 0 ? TABLE_BAD : TABLE_PLAIN,
		  "%llu", (unsigned long long)line_answered(line));
	put_loss(t, at + 2, line);
	put_rtt(t, at + 3, line);
	if (r->before != NULL)
		put_change(t, at + 9, line, render_before(r, line));
}

static void print_rtts(const struct render *r, struct buf *out)
{
	static const char *const names[] = { "sent", "answered", "loss",
					     "min",  "p50",      "p90",
					     "p99",  "max",      "jitter",
					     "was",  "change" };
	struct table t;

	begin(&t, r, names, r->before == NULL ? 9 : 11);
	for (size_t i = 0; i < r->now->n; i++)
		put_line(&t, r, i);
	end(&t, r, out);
	buf_text(out, "Round trips in milliseconds. jitter: mean absolute "
		      "difference of consecutive round trips.\n");
	if (r->before != NULL)
		buf_text(out, "was: the median of the window of the same "
			      "length before this one.\n");
}

/* --- https phases and PoPs --- */

static int has_phases(const struct line *line)
{
	return line->phases[LINE_TOTAL].n > 0 || line->n_pops > 0;
}

static void put_pops(struct table *t, unsigned column, const struct line *line)
{
	char text[TABLE_CELL_MAX] = "";
	uint64_t all = 0;
	size_t n = 0;

	for (unsigned i = 0; i < line->n_pops; i++)
		all += line->pops[i].n;
	for (unsigned i = 0; i < line->n_pops && n + 24 < sizeof(text); i++) {
		const char *word = line->pops[i].code;
		int wrote = snprintf(
			text + n, sizeof(text) - n, "%s%s %.0f%%",
			i == 0 ? "" : ", ", *word == '\0' ? "other" : word,
			100.0 * (double)line->pops[i].n / (double)all);

		n += wrote > 0 ? (size_t)wrote : 0;
	}
	table_put(t, column, TABLE_PLAIN, "%s", text);
}

/* LINE_SRTT is for JSON and CSV. */
#define SHOWN LINE_SRTT

static void put_phases(struct table *t, unsigned column,
		       const struct line *line)
{
	for (unsigned p = 0; p < SHOWN; p++)
		if (line->phases[p].n > 0)
			table_put(t, column + p, TABLE_PLAIN, "%.1f %.1f",
				  ms(line->phases[p].p50),
				  ms(line->phases[p].p90));
	put_pops(t, column + SHOWN, line);
}

static void print_phases(const struct render *r, struct buf *out)
{
	static const char *const names[] = { "dns",        "connect", "tls",
					     "first byte", "total",   "pop" };
	const struct line *above = NULL;
	unsigned at = r->options->n_by;
	struct table t;

	begin(&t, r, names, 6);
	t.left[at + SHOWN] = true;
	for (size_t i = 0; i < r->now->n; i++) {
		if (!has_phases(&r->now->at[i]))
			continue;
		table_row(&t);
		put_keys(&t, r, &r->now->at[i], above);
		put_phases(&t, at, &r->now->at[i]);
		above = &r->now->at[i];
	}
	if (above != NULL) {
		buf_text(out,
			 "\nPhases of https, median and p90 in "
			 "milliseconds, and the edge PoPs that answered\n");
		end(&t, r, out);
	} else {
		table_finish(&t);
	}
}

/* --- what went wrong --- */

static void put_trouble(struct table *t, const struct render *r,
			const struct line *line, const char *word, uint64_t n,
			const char *meaning)
{
	unsigned at = r->options->n_by;

	table_row(t);
	put_keys(t, r, line, NULL);
	table_put(t, at, TABLE_PLAIN, "%llu", (unsigned long long)n);
	table_put(t, at + 1, TABLE_WARN, "%s", word);
	table_put(t, at + 2, TABLE_PLAIN, "%s", meaning);
}

static void print_trouble(const struct render *r, struct buf *out)
{
	static const char *const names[] = { "count", "reason", "meaning" };
	unsigned at = r->options->n_by;
	struct table t;

	begin(&t, r, names, 3);
	t.left[at + 1] = t.left[at + 2] = true;
	for (size_t i = 0; i < r->now->n; i++) {
		const struct line *line = &r->now->at[i];

		for (unsigned w = 1; w < EP_REASON_COUNT; w++)
			if (line->reasons[w] > 0)
				put_trouble(&t, r, line, ep_reason_name(w),
					    line->reasons[w],
					    ep_reason_meaning(w));
		if (line->missed > 0)
			put_trouble(&t, r, line, "missed", line->missed,
				    ep_reason_meaning(EP_REASON_MISSED));
		if (line->late > 0)
			put_trouble(&t, r, line, "late", line->late,
				    "answered after it was counted lost");
	}
	if (t.n_rows > 1) {
		buf_text(out, "\nWhat did not go well\n");
		end(&t, r, out);
	} else {
		table_finish(&t);
	}
}

void render_text(const struct render *r, struct buf *out)
{
	print_head(r, out);
	print_rtts(r, out);
	print_phases(r, out);
	print_trouble(r, out);
	if (r->model != NULL)
		render_text_model(r, out);
}
