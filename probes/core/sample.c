#include "edgeprobe/sample.h"
#include <string.h>

void ep_sample_init(struct ep_sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	sample->rtt_ns = EP_ABSENT;
	sample->dns_ns = EP_ABSENT;
	sample->stamp = EP_STAMP_USER;
	sample->ttl = EP_ABSENT;
	sample->retransmits = EP_ABSENT;
	sample->https.connect_ns = EP_ABSENT;
	sample->https.tls_ns = EP_ABSENT;
	sample->https.tls_first_byte_ns = EP_ABSENT;
	sample->https.first_byte_ns = EP_ABSENT;
	sample->https.total_ns = EP_ABSENT;
	sample->https.srtt_ns = EP_ABSENT;
	sample->https.min_rtt_ns = EP_ABSENT;
	sample->https.tls_days_left = EP_DAYS_ABSENT;
}

const char *ep_outcome_name(enum ep_outcome outcome)
{
	switch (outcome) {
	case EP_REPLIED:
		return "replied";
	case EP_REFUSED:
		return "refused";
	case EP_UNREACHABLE:
		return "unreachable";
	case EP_LOST:
		return "lost";
	case EP_FAILED:
		return "failed";
	case EP_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}

struct reason {
	const char *word, *meaning;
};

static const struct reason reasons[] = {
#define REASON_ROW(name, word, meaning) { word, meaning },
	EP_REASONS(REASON_ROW)
#undef REASON_ROW
};

const char *ep_reason_name(enum ep_reason reason)
{
	return (unsigned)reason < EP_REASON_COUNT ? reasons[reason].word
						  : "unknown";
}

const char *ep_reason_meaning(enum ep_reason reason)
{
	return (unsigned)reason < EP_REASON_COUNT ? reasons[reason].meaning
						  : "unknown";
}

const char *ep_stamp_name(enum ep_stamp stamp)
{
	switch (stamp) {
	case EP_STAMP_KERNEL:
		return "kernel";
	case EP_STAMP_MIXED:
		return "mixed";
	case EP_STAMP_USER:
		return "user";
	}
	return "unknown";
}
