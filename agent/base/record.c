#include "base/record.h"

#include <stddef.h>

static const char *const type_names[] = {
	[ROW_SAMPLE] = "sample", [ROW_LATE] = "late",   [ROW_GAP] = "gap",
	[ROW_BOOT] = "boot",     [ROW_CLOCK] = "clock", [ROW_SELF] = "self",
	[ROW_EVENT] = "event",
};

static const char *const gap_names[] = {
	[GAP_EVICTED] = "evicted",
	[GAP_CORRUPT] = "corrupt",
	[GAP_OVERFLOW] = "overflow",
	[GAP_REFUSED] = "refused",
};

static const char *pick(const char *const *names, size_t n, unsigned i)
{
	return i < n ? names[i] : "unknown";
}

const char *row_type_name(enum row_type type)
{
	return pick(type_names, sizeof(type_names) / sizeof(type_names[0]),
		    (unsigned)type);
}

const char *gap_reason_name(enum gap_reason reason)
{
	return pick(gap_names, sizeof(gap_names) / sizeof(gap_names[0]),
		    (unsigned)reason);
}
