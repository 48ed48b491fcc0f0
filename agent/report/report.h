/* The latency report: from local stores or ClickHouse to text, JSON, CSV or
 * HTML. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/model/options.h"
#include <stdio.h>

/* Write the report. 0; -ENODATA: nothing in that window (`err` says what there
 * is); else a negative errno. */
int report_write(const struct report_options *options, FILE *out,
		 struct ep_err *err);

#endif
