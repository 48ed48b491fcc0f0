/* How long to wait before the next attempt. Pure: told the random number. */
#ifndef DELIVERY_RETRY_H
#define DELIVERY_RETRY_H

#include <stdint.h>

/* After the n-th failure in a row: floor + uniform(0, base * 2^(n-1)), never
 * above cap. After a Retry-After: that, at most `after_max_ns`, and up to a
 * fifth more, so that those who were told the same do not come back at once. */
struct retry_options {
	uint64_t floor_ns, base_ns, cap_ns, after_max_ns;
};

/* 1 s, 2 s, 5 min, 1 h. */
extern const struct retry_options retry_defaults;

/* No Retry-After was given. */
#define RETRY_NO_AFTER UINT64_MAX

/* `failures` counts from 1; `random` is any 64 bits. */
uint64_t retry_wait_ns(const struct retry_options *options, unsigned failures,
		       uint64_t after_ns, uint64_t random);

/* The duration that a Retry-After header says: seconds, or an HTTP date, which
 * means something only against the sender's own clock, its Date header (may be
 * NULL). RETRY_NO_AFTER if it cannot be read; a date in the past is 0. */
uint64_t retry_after_ns(const char *value, const char *date);

#endif
