/* The figures of a line by name, as JSON and CSV have them: durations in
 * microseconds as in the row. */
#ifndef REPORT_TEXT_FIELDS_H
#define REPORT_TEXT_FIELDS_H

#include "base/buf.h"
#include "report/model/line.h"

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

/* Each begins anew. The figures that came with the first version; those that
 * came later; and how it differs from the window before (NULL: no line). */
void fields_figures(struct fields *f, const struct line *line);
void fields_more(struct fields *f, const struct line *line);
void fields_change(struct fields *f, const struct line *line,
		   const struct line *before);

/* One that is not absent. */
void fields_write(const struct field *field, struct buf *out);

#endif
