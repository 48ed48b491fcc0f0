#include "report/html/parts.h"
#include "edge/judge.h"
#include <math.h>
#include <string.h>
#include <time.h>

#define MINUTE_NS (UINT64_C(60) * 1000000000)
#define MS        1e6

static const char *const band_names[] = {
	[HTML_PLAIN] = "",
	[HTML_GOOD] = "good",
	[HTML_FAIR] = "fair",
	[HTML_POOR] = "poor",
};

enum html_band html_band_of(const struct edge_rule *rule, double ns)
{
	switch (edge_judge(rule, ns / MS)) {
	case EDGE_GOOD:
		return HTML_GOOD;
	case EDGE_WARNING:
		return HTML_FAIR;
	case EDGE_BAD:
		return HTML_POOR;
	case EDGE_UNKNOWN:
		break;
	}
	return HTML_PLAIN;
}

/* --- moments --- */

void html_time(struct buf *out, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000u);
	char exact[32], said[32];
	struct tm tm;

	if (wall_ns == 0)
		return;
	gmtime_r(&seconds, &tm);
	strftime(exact, sizeof(exact), "%Y-%m-%dT%H:%M:%SZ", &tm);
	strftime(said, sizeof(said), "%d %b %Y %H:%M UTC", &tm);
	buf_printf(out, "<time datetime=\"%s\">%s</time>", exact,
		   said[0] == '0' ? said + 1 : said);
}

void html_span(struct buf *out, uint64_t ns)
{
	unsigned long long minutes = (ns + MINUTE_NS / 2) / MINUTE_NS;

	if (minutes < 1)
		buf_printf(out, "%.0f s", (double)ns / 1e9);
	else if (minutes < 60)
		buf_printf(out, "%llu min", minutes);
	else if (minutes < 48ULL * 60)
		buf_printf(out, "%llu h %02llu min", minutes / 60,
			   minutes % 60);
	else
		buf_printf(out, "%.3g days", (double)minutes / 1440);
}

/* --- around --- */

void html_section(struct buf *out, const char *id, const char *heading)
{
	buf_printf(out, "<section id=\"%s\"><h2>%s</h2>\n", id, heading);
}

void html_section_end(struct buf *out)
{
	buf_text(out, "</section>\n");
}

void html_table(struct buf *out, const char *class, const char *caption,
		const struct html_column *columns, unsigned n)
{
	buf_printf(out, "<div class=\"scroll\"><table class=\"%s\"><caption>",
		   class);
	buf_html_text(out, caption);
	buf_text(out, "</caption>\n<thead><tr>");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(out, "<th scope=\"col\"%s",
			   columns[i].number ? " class=\"n\"" : "");
		if (columns[i].says != NULL)
			buf_printf(out, " title=\"%s\"", columns[i].says);
		buf_printf(out, ">%s</th>", columns[i].head);
	}
	buf_text(out, "</tr></thead>\n<tbody>\n");
}

void html_table_end(struct buf *out)
{
	buf_text(out, "</tbody></table></div>\n");
}

/* --- cells --- */

void html_head_cell(struct buf *out, const char *text)
{
	buf_text(out, "<th scope=\"row\" dir=\"auto\">");
	buf_html_text(out, *text == '\0' ? "(none)" : text);
	buf_text(out, "</th>");
}

void html_text_cell(struct buf *out, const char *text)
{
	buf_text(out, "<td dir=\"auto\">");
	buf_html_text(out, text);
	buf_text(out, "</td>");
}

void html_count(struct buf *out, uint64_t n)
{
	unsigned long long group = 1;

	while (n / group >= 1000)
		group *= 1000;
	buf_printf(out, "%llu", n / group);
	for (group /= 1000; group > 0; group /= 1000)
		buf_printf(out, ",%03llu", n / group % 1000);
}

void html_count_cell(struct buf *out, uint64_t n)
{
	buf_printf(out, "<td class=\"n\" data-v=\"%llu\">",
		   (unsigned long long)n);
	html_count(out, n);
	buf_text(out, "</td>");
}

void html_time_cell(struct buf *out, uint64_t wall_ns)
{
	buf_text(out, "<td>");
	html_time(out, wall_ns);
	buf_text(out, "</td>");
}

static void begin_number(struct buf *out, double value, const char *class)
{
	buf_printf(out, "<td class=\"n%s%s\" data-v=\"%.4g\">",
		   *class == '\0' ? "" : " ", class, value);
}

void html_number_cell(struct buf *out, double value, const char *unit,
		      enum html_band band)
{
	double size = fabs(value);
	int decimals = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : 2;

	if (isnan(value)) {
		buf_text(out, "<td class=\"n\"></td>");
		return;
	}
	begin_number(out, value, band_names[band]);
	buf_printf(out, "%.*f%s</td>", decimals, value, unit);
}

void html_ms_cell(struct buf *out, double ns, enum html_band band)
{
	html_number_cell(out, ns / MS, "", band);
}

#define LOSS_FAIR 0.1 /* percent */
#define LOSS_POOR 1.0

void html_loss_cell(struct buf *out, const struct line *line)
{
	double loss = line_loss_percent(line);

	html_number_cell(out, loss, " %",
			 loss > LOSS_POOR   ? HTML_POOR
			 : loss > LOSS_FAIR ? HTML_FAIR
					    : HTML_PLAIN);
}

/* A change is worth a colour from so much on. */
#define CHANGE_NS    1e6
#define CHANGE_SHARE 0.05

void html_change_cell(struct buf *out, double now, double before)
{
	double change = now - before;
	bool counts = fabs(change) >= CHANGE_NS &&
		      fabs(change) >= CHANGE_SHARE * before;

	if (isnan(change)) {
		buf_text(out, "<td class=\"n\"></td>");
		return;
	}
	begin_number(out, change / MS,
		     !counts      ? ""
		     : change > 0 ? "worse"
				  : "better");
	if (counts)
		buf_text(out, change > 0 ? "▲ " : "▼ ");
	buf_printf(out, "%s%.1f</td>", change < 0 ? "−" : "+",
		   fabs(change) / MS);
}

void html_pops_cell(struct buf *out, const struct line *line)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < line->n_pops; i++)
		all += line->pops[i].n;
	buf_text(out, "<td>");
	for (unsigned i = 0; i < line->n_pops; i++) {
		const char *code = line->pops[i].code;

		buf_text(out, i == 0 ? "" : ", ");
		buf_html_text(out, *code == '\0' ? "other" : code);
		buf_printf(out, " %.0f %%",
			   100.0 * (double)line->pops[i].n / (double)all);
	}
	buf_text(out, "</td>");
}
