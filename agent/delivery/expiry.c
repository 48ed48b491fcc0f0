#include "delivery/expiry.h"

#include <stdbool.h>

#define DAY_S   INT64_C(86400)
#define SHORT_S (60 * DAY_S)

int32_t expiry_days(const struct expiry_span *span, int64_t now_s)
{
	int64_t left_s = span->ends_s - now_s, days = left_s / DAY_S;

	if (span->ends_s == 0)
		return INT32_MIN;
	if (left_s < 0 && left_s % DAY_S != 0)
		days--;
	if (days > INT32_MAX)
		return INT32_MAX;
	return days > INT32_MIN ? (int32_t)days : INT32_MIN + 1;
}

static bool is_young(const struct expiry_span *span, int64_t now_s)
{
	int64_t life_s = span->ends_s - span->begins_s;

	return span->begins_s != 0 && life_s < SHORT_S &&
	       span->ends_s - now_s > life_s / 4;
}

/* 0: no reason to say anything; larger ones are more urgent, and from the
 * seventh day on there is one for each day. */
static unsigned stage_of(const struct expiry_span *span, int64_t now_s)
{
	int32_t days = expiry_days(span, now_s);

	if (span->ends_s == 0 || days > 30 || is_young(span, now_s))
		return 0;
	if (days > 14)
		return 1;
	if (days > 7)
		return 2;
	return 3 + (unsigned)(7 - (int64_t)days);
}

enum expiry_news expiry_look(struct expiry *expiry,
			     const struct expiry_span *span, int64_t now_s)
{
	unsigned stage = stage_of(span, now_s), before = expiry->stage;

	if (span->ends_s == 0)
		return EXPIRY_NOTHING;
	expiry->stage = stage;
	if (stage > before)
		return span->ends_s <= now_s ? EXPIRY_OVER : EXPIRY_SOON;
	return stage == 0 && before > 0 ? EXPIRY_RENEWED : EXPIRY_NOTHING;
}
