#include "report/keys.h"
#include "report/render.h"
#include "report/table.h"
#include <string.h>
#include <time.h>

#define KEY_WIDTH_MAX 28

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
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

static void print_head(const struct groups *gs, struct buf *out)
{
	buf_text(out, "Latency report, ");
	print_time(out, gs->first_ns);
	buf_text(out, " to ");
	print_time(out, gs->last_ns);
	buf_printf(out, " UTC, %llu samples\n%s\n\n",
		   (unsigned long long)gs->samples, gs->options->store_path);
}

/* The key cells of a row; a key that is the same as above stays blank. */
static void put_keys(struct table *t, const struct groups *gs,
		     const struct group *g, const struct group *above)
{
	int same = above != NULL;

	for (unsigned i = 0; i < gs->options->n_by; i++) {
		same = same && strcmp(g->keys[i], above->keys[i]) == 0;
		if (!same)
			table_put(t, i, TABLE_PLAIN, "%.*s", KEY_WIDTH_MAX,
				  g->keys[i][0] == '\0' ? "-" : g->keys[i]);
	}
}

static void begin(struct table *t, const struct groups *gs,
		  const char *const *names, unsigned n)
{
	unsigned n_by = gs->options->n_by;

	table_init(t, n_by + n);
	table_row(t);
	for (unsigned i = 0; i < n_by; i++) {
		t->left[i] = true;
		table_put(t, i, TABLE_HEAD, "%s", key_name(gs->options->by[i]));
	}
	for (unsigned i = 0; i < n; i++)
		table_put(t, n_by + i, TABLE_HEAD, "%s", names[i]);
}

static void end(struct table *t, const struct groups *gs, struct buf *out)
{
	table_print(t, gs->options->colour, out);
	table_finish(t);
}

/* --- round trips --- */

static void put_loss(struct table *t, unsigned column, const struct group *g)
{
	double loss = group_loss_percent(g);
	uint64_t asked = group_sent(g) - g->outcomes[EP_FAILED];

	if (asked == 0)
		table_put(t, column, TABLE_PLAIN, "-");
	else
		table_put(t, column,
			  loss >= 5  ? TABLE_BAD
			  : loss > 0 ? TABLE_WARN
				     : TABLE_PLAIN,
			  "%.*f%%", loss > 0 && loss < 0.1 ? 3 : 1, loss);
}

static void put_rtt(struct table *t, unsigned column, const struct group *g)
{
	if (g->rtt.n == 0)
		return;
	table_put(t, column, TABLE_PLAIN, "%.3f", ms(g->rtt.min_ns));
	table_put(t, column + 1, TABLE_PLAIN, "%.3f",
		  ms(stats_percentile(&g->rtt, 0.5)));
	table_put(t, column + 2, TABLE_PLAIN, "%.3f",
		  ms(stats_percentile(&g->rtt, 0.9)));
	table_put(t, column + 3, TABLE_PLAIN, "%.3f",
		  ms(stats_percentile(&g->rtt, 0.99)));
	table_put(t, column + 4, TABLE_PLAIN, "%.3f", ms(g->rtt.max_ns));
	if (g->jitter.n > 0)
		table_put(t, column + 5, TABLE_PLAIN, "%.3f",
			  jitter_mean_ns(&g->jitter) / 1e6);
}

static void print_rtts(const struct groups *gs, struct buf *out)
{
	static const char *const names[] = { "sent", "answered", "loss",
					     "min",  "p50",      "p90",
					     "p99",  "max",      "jitter" };
	unsigned at = gs->options->n_by;
	struct table t;

	begin(&t, gs, names, 9);
	for (size_t i = 0; i < gs->n; i++) {
		const struct group *g = gs->groups[i];

		table_row(&t);
		put_keys(&t, gs, g, i == 0 ? NULL : gs->groups[i - 1]);
		table_put(&t, at, TABLE_PLAIN, "%llu",
			  (unsigned long long)group_sent(g));
		table_put(&t, at + 1,
			  group_answered(g) == 0 ? TABLE_BAD : TABLE_PLAIN,
			  "%llu", (unsigned long long)group_answered(g));
		put_loss(&t, at + 2, g);
		put_rtt(&t, at + 3, g);
	}
	end(&t, gs, out);
	buf_text(out, "Round trips in milliseconds. jitter: mean absolute "
		      "difference of consecutive round trips.\n");
}

/* --- https phases and PoPs --- */

static int has_phases(const struct group *g)
{
	return g->phases[GROUP_TOTAL].n > 0 || g->n_pops > 0;
}

static void put_pops(struct table *t, unsigned column, const struct groups *gs,
		     const struct group *g)
{
	char text[TABLE_CELL_MAX] = "";
	uint64_t all = 0;
	size_t n = 0;

	for (unsigned i = 0; i < g->n_pops; i++)
		all += g->pops[i].n;
	for (unsigned i = 0; i < g->n_pops && n + 24 < sizeof(text); i++) {
		const char *word = store_word(gs->store, g->pops[i].word);
		int wrote = snprintf(
			text + n, sizeof(text) - n, "%s%s %.0f%%",
			i == 0 ? "" : ", ", *word == '\0' ? "other" : word,
			100.0 * (double)g->pops[i].n / (double)all);

		n += wrote > 0 ? (size_t)wrote : 0;
	}
	table_put(t, column, TABLE_PLAIN, "%s", text);
}

/* GROUP_SRTT is for JSON and CSV. */
#define SHOWN GROUP_SRTT

static void put_phases(struct table *t, unsigned column,
		       const struct groups *gs, const struct group *g)
{
	for (unsigned p = 0; p < SHOWN; p++)
		if (g->phases[p].n > 0)
			table_put(t, column + p, TABLE_PLAIN, "%.1f %.1f",
				  ms(stats_percentile(&g->phases[p], 0.5)),
				  ms(stats_percentile(&g->phases[p], 0.9)));
	put_pops(t, column + SHOWN, gs, g);
}

static void print_phases(const struct groups *gs, struct buf *out)
{
	static const char *const names[] = { "dns",        "connect", "tls",
					     "first byte", "total",   "pop" };
	const struct group *above = NULL;
	unsigned at = gs->options->n_by;
	struct table t;

	begin(&t, gs, names, 6);
	t.left[at + SHOWN] = true;
	for (size_t i = 0; i < gs->n; i++) {
		if (!has_phases(gs->groups[i]))
			continue;
		table_row(&t);
		put_keys(&t, gs, gs->groups[i], above);
		put_phases(&t, at, gs, gs->groups[i]);
		above = gs->groups[i];
	}
	if (above != NULL) {
		buf_text(out,
			 "\nPhases of https, median and p90 in "
			 "milliseconds, and the edge PoPs that answered\n");
		end(&t, gs, out);
	} else {
		table_finish(&t);
	}
}

/* --- what went wrong --- */

static void put_trouble(struct table *t, const struct groups *gs,
			const struct group *g, const char *word, uint64_t n,
			const char *meaning)
{
	unsigned at = gs->options->n_by;

	table_row(t);
	put_keys(t, gs, g, NULL);
	table_put(t, at, TABLE_PLAIN, "%llu", (unsigned long long)n);
	table_put(t, at + 1, TABLE_WARN, "%s", word);
	table_put(t, at + 2, TABLE_PLAIN, "%s", meaning);
}

static void print_trouble(const struct groups *gs, struct buf *out)
{
	static const char *const names[] = { "count", "reason", "meaning" };
	unsigned at = gs->options->n_by;
	struct table t;

	begin(&t, gs, names, 3);
	t.left[at + 1] = t.left[at + 2] = true;
	for (size_t i = 0; i < gs->n; i++) {
		const struct group *g = gs->groups[i];

		for (unsigned r = 1; r < EP_REASON_COUNT; r++)
			if (g->reasons[r] > 0)
				put_trouble(&t, gs, g, ep_reason_name(r),
					    g->reasons[r],
					    ep_reason_meaning(r));
		if (g->missed > 0)
			put_trouble(&t, gs, g, "missed", g->missed,
				    ep_reason_meaning(EP_REASON_MISSED));
		if (g->late > 0)
			put_trouble(&t, gs, g, "late", g->late,
				    "answered after it was counted lost");
	}
	if (t.n_rows > 1) {
		buf_text(out, "\nWhat did not go well\n");
		end(&t, gs, out);
	} else {
		table_finish(&t);
	}
}

void render_text(const struct groups *gs, struct buf *out)
{
	print_head(gs, out);
	print_rtts(gs, out);
	print_phases(gs, out);
	print_trouble(gs, out);
}
