/* The keys that rows are grouped by: names as in the row. */
#ifndef REPORT_MODEL_KEYS_H
#define REPORT_MODEL_KEYS_H

#include "base/record.h"

#define REPORT_KEYS_MAX 12 /* so many there are */

/* Keys by which rows are grouped; the names of the row's fields. */
enum report_key {
	REPORT_SITE,
	REPORT_COUNTRY,
	REPORT_METRO,
	REPORT_CIRCUIT,
	REPORT_PROVIDER,
	REPORT_PREFIX,
	REPORT_TARGET,
	REPORT_PROBE,
	REPORT_POP,
	REPORT_MARKET,     /* of the country */
	REPORT_CONNECTION, /* as registered for Peering Service */
	REPORT_SERVICE,    /* Microsoft's, by the host */
};

const char *key_name(enum report_key key);

/* The text of `key` in `series`; "" where there is none, and for
 * REPORT_POP, which is no property of a series. */
const char *key_text(enum report_key key, const struct series *series);

#endif
