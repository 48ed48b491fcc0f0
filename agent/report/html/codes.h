/* The PoP codes that a report speaks of. */
#ifndef REPORT_HTML_CODES_H
#define REPORT_HTML_CODES_H

#include "report/model/model.h"
#include <stdbool.h>
#include <stddef.h>

#define HTML_CODE_MAX  16
#define HTML_CODES_MAX 256 /* what is beyond is not on the map */

struct html_codes {
	char at[HTML_CODES_MAX][HTML_CODE_MAX];
	unsigned n;
};

/* The next code of a list with commas or spaces; moves `*at`. False: no more.
 * Too long a one is cut. */
bool html_code_next(const char **at, char *ret_code, size_t size);

/* Each once: those that answered, then those that are expected. */
void html_codes_of(const struct model *model, struct html_codes *codes);

#endif
