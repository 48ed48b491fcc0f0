#include "base/record.h"
#include "base/buf.h"

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

static const struct {
	unsigned bit;
	const char *word;
} flag_words[] = {
	{ EP_FLAG_FRESH_FLOW, "fresh_flow" },
	{ EP_FLAG_DRAINING, "draining" },
	{ EP_FLAG_CLOCK_UNSYNCED, "clock_unsynced" },
	{ EP_FLAG_DUPLICATE, "duplicate" },
	{ EP_FLAG_KEPT, "kept_connection" },
	{ EP_FLAG_THINNED, "thinned" },
	{ EP_FLAG_TX_SCHED, "tx_sched" },
	{ EP_FLAG_STALLED, "stalled" },
	{ EP_FLAG_TLS_ISSUER, "tls_issuer_unexpected" },
	{ EP_FLAG_NEARBY, "tcp_answered_nearby" },
	{ EP_FLAG_BELOW_LIGHT, "below_light" },
	{ EP_FLAG_LOADED, "loaded" },
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

void record_flag_words(struct buf *out, unsigned flags)
{
	const char *between = "";

	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]);
	     i++) {
		if (!(flags & flag_words[i].bit))
			continue;
		buf_text(out, between);
		buf_text(out, flag_words[i].word);
		between = ",";
	}
}
