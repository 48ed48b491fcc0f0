/* Durations, sizes and moments as people write them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/buf.h"
#include <stdint.h>

/* What the parsers take, for messages. */
#define UNIT_DURATION_ALLOWED "a number with ms, s, m, h or d, such as \"10s\""
#define UNIT_SIZE_ALLOWED     "a number with B, KiB, MiB or GiB, such as \"64MiB\""
#define UNIT_TIME_ALLOWED                                                      \
	"\"2h\" (ago), \"2026-01-31\", \"2026-01-31 08:30\", RFC 3339, or "    \
	"seconds since 1970"

/* "250ms", "10s", "1.5h"; units ms s m h d, up to nine decimals as long as
 * whole nanoseconds come out. 0; -EINVAL: not that; -ERANGE: more than
 * UINT64_MAX. Nothing is written on failure, here and below. */
int unit_parse_duration(const char *text, uint64_t *ret_ns);

/* "900000B", "64KiB", "1.5GiB"; units B KiB MiB GiB; as above. */
int unit_parse_size(const char *text, uint64_t *ret_bytes);

/* A moment, in nanoseconds since 1970: RFC 3339 with Z or an offset; a date
 * with or without a time of day, in local time; "now"; a duration, which means
 * that long before `now_ns`; seconds since 1970. 0, -EINVAL or -ERANGE. */
int unit_parse_time(const char *text, uint64_t now_ns, uint64_t *ret_ns);

/* Append so that the parser above gives the same value: in the largest unit
 * that divides it. */
void unit_print_duration(struct buf *out, uint64_t ns);
void unit_print_size(struct buf *out, uint64_t bytes);

#endif
