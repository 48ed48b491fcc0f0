/* One row of an option table: parsing, bounds, help, man page and the
 * effective configuration all read the same row. */
#ifndef EDGEPROBE_OPTION_H
#define EDGEPROBE_OPTION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a value is written and what the field at `offset` is. */
enum ep_opt_type {
	EP_OPT_BOOL,     /* bool; true, false */
	EP_OPT_UINT,     /* uint64_t; bounds are numbers */
	EP_OPT_DOUBLE,   /* double; bounds are numbers */
	EP_OPT_TEXT,     /* char *, owned; bounds are the length in bytes */
	EP_OPT_DURATION, /* uint64_t ns; "250ms" "10s" "5m" "2h" "1d" */
	EP_OPT_SIZE,     /* uint64_t bytes; "64KiB" "1GiB" */
	EP_OPT_FAMILY,   /* uint64_t; 4, 6; 0 is "first", 46 is "both" */
	EP_OPT_STATUSES, /* struct ep_statuses; HTTP statuses */
};

#define EP_STATUSES_MAX 16

/* Statuses that a target expects; none means any. */
struct ep_statuses {
	uint16_t status[EP_STATUSES_MAX]; /* 100 to 599 */
	unsigned n;
};

struct ep_opt {
	const char *name;      /* the key in the configuration */
	enum ep_opt_type type; /* what is written there */
	size_t offset;         /* of the field in its struct */
	double min, max;       /* bounds, inclusive; in the field's unit */
	const char *fallback;  /* default, as one would write it; NULL: none */
	const char *help;      /* half a sentence, no full stop */
};

#ifdef __cplusplus
}
#endif

#endif
