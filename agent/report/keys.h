/* The keys that rows are grouped by: names as in the row. */
#ifndef REPORT_KEYS_H
#define REPORT_KEYS_H

#include "base/record.h"
#include "report/report.h"

const char *key_name(enum report_key key);

/* The text of `key` in `series`; "" where there is none, and for
 * REPORT_POP, which is no property of a series. */
const char *key_text(enum report_key key, const struct series *series);

#endif
