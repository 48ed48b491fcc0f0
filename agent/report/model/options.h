/* What a report is asked for. */
#ifndef REPORT_MODEL_OPTIONS_H
#define REPORT_MODEL_OPTIONS_H

#include "edgeprobe/error.h"
#include "report/model/keys.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_HTML };

struct clickhouse_options; /* report/clickhouse/clickhouse.h */
struct judge_options;      /* report/judging/rules.h */

/* Borrowed as long as what was opened with them. */
struct report_options {
	/* Files, or directories that stand for each *.db in them. */
	const char *const *stores;
	size_t n_stores;
	/* Read from there instead; NULL: from the stores. */
	const struct clickhouse_options *clickhouse;
	uint64_t since_ns, until_ns; /* wall clock [since, until); 0: open */
	bool fit; /* nobody asked for that beginning: of a window that is empty
		   * for long at first the first sample is it */
	enum report_key by[REPORT_KEYS_MAX];
	unsigned n_by; /* 0: target, probe */
	enum report_format format;
	bool compare; /* with the window of the same length before this one,
		       * which then must have a beginning */
	bool model;   /* more than lines: source_ops.model() will be asked */
	const struct judge_options *limits; /* NULL: as they are built in */
	const char *title;                  /* of HTML; NULL: one is made */
	bool colour;                        /* text only */
};

/* "target,probe" into keys. 0, or -EINVAL with what is allowed. */
int report_parse_by(const char *text, struct report_options *options,
		    struct ep_err *err);

#endif
