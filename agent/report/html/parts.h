/* Pieces of the page's markup: see web/README.md. */
#ifndef REPORT_HTML_PARTS_H
#define REPORT_HTML_PARTS_H

#include "base/buf.h"
#include "report/model/line.h"
#include <stdbool.h>
#include <stdint.h>

/* What a cell is like: the class it gets. */
enum html_band { HTML_PLAIN, HTML_GOOD, HTML_FAIR, HTML_POOR };

/* Of a round trip of that many nanoseconds, by this rule; NAN is
 * plain. */
struct edge_rule;
enum html_band html_band_of(const struct edge_rule *rule, double ns);

/* <time>, to the minute, UTC; 0 gives nothing. */
void html_time(struct buf *out, uint64_t wall_ns);

/* "3 h 20 min", as long as is of interest. */
void html_span(struct buf *out, uint64_t ns);

/* "1,234,567". */
void html_count(struct buf *out, uint64_t n);

/* <h2>; `id` is of the section, which is to be ended. */
void html_section(struct buf *out, const char *id, const char *heading);
void html_section_end(struct buf *out);

struct html_column {
	const char *head;
	const char *says; /* what it is, for people; NULL */
	bool number;      /* aligned as numbers are */
};

/* Up to the first row. `class` is that of the table. */
void html_table(struct buf *out, const char *class, const char *caption,
		const struct html_column *columns, unsigned n);
void html_table_end(struct buf *out);

/* Cells of a row. Empty texts and NAN give empty cells. */
void html_head_cell(struct buf *out, const char *text);
void html_text_cell(struct buf *out, const char *text);
void html_count_cell(struct buf *out, uint64_t n);
void html_time_cell(struct buf *out, uint64_t wall_ns);
void html_number_cell(struct buf *out, double value, const char *unit,
		      enum html_band band);
void html_ms_cell(struct buf *out, double ns, enum html_band band);
/* Of a line: its loss. */
void html_loss_cell(struct buf *out, const struct line *line);
/* What became of `before`, which was as many nanoseconds; more is worse. */
void html_change_cell(struct buf *out, double now, double before);
/* The PoPs and their shares. */
void html_pops_cell(struct buf *out, const struct line *line);

#endif
