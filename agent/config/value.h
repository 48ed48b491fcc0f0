/* One value of the configuration: from JSON or a default into its field, and
 * back to JSON. Pure. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/buf.h"
#include "base/json.h"
#include "edgeprobe/option.h"
#include <stdbool.h>

/* 0; -EINVAL: wrong type or out of bounds, and `field` is untouched; -ENOMEM.
 * A text replaces the one that is there. */
int value_parse(const struct ep_opt *opt, const struct json *value,
		void *field);

/* Set to opt->fallback, or to what stands for absent. 0 or -ENOMEM. */
int value_default(const struct ep_opt *opt, void *field);

/* Whether there is nothing to print. */
bool value_absent(const struct ep_opt *opt, const void *field);

/* Append as JSON that value_parse() takes. */
void value_print(struct buf *out, const struct ep_opt *opt, const void *field);

/* Append what is allowed: "a whole number from 1 to 65535". */
void value_allowed(struct buf *out, const struct ep_opt *opt);

#endif
