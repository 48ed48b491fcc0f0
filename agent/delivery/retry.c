#include "delivery/retry.h"

#include "edgeprobe/clock.h"

#include <curl/curl.h>
#include <stddef.h>
#include <string.h>

const struct retry_options retry_defaults = {
	.floor_ns = 1 * EP_NS_PER_S,
	.base_ns = 2 * EP_NS_PER_S,
	.cap_ns = 300 * EP_NS_PER_S,
	.after_max_ns = 3600 * EP_NS_PER_S,
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* 0 to `limit`, inclusive. The bias of the remainder is far below a
 * nanosecond. */
static uint64_t uniform(uint64_t limit, uint64_t random)
{
	return limit == UINT64_MAX ? random : random % (limit + 1);
}

/* base * 2^(failures - 1), at most `limit`. */
static uint64_t grown(uint64_t base, unsigned failures, uint64_t limit)
{
	while (failures-- > 1 && base < limit)
		base *= 2;
	return least(base, limit);
}

/* The random part comes last, below the cap: jitter that is cut off by it is
 * none. */
uint64_t retry_wait_ns(const struct retry_options *options, unsigned failures,
		       uint64_t after_ns, uint64_t random)
{
	uint64_t floor_ns = least(options->floor_ns, options->cap_ns);

	if (after_ns != RETRY_NO_AFTER) {
		after_ns = least(after_ns, options->after_max_ns);
		if (after_ns < floor_ns)
			after_ns = floor_ns;
		return after_ns + uniform(after_ns / 5, random);
	}
	return floor_ns + uniform(grown(options->base_ns, failures,
					options->cap_ns - floor_ns),
				  random);
}

/* Far more than any clamp, and its nanoseconds fit. */
#define SECONDS_MAX UINT64_C(1000000000)

static uint64_t seconds_ns(const char *value)
{
	uint64_t seconds = 0;
	size_t digits = strspn(value, "0123456789");

	if (digits == 0 || value[digits + strspn(value + digits, " \t")] != 0)
		return RETRY_NO_AFTER;
	for (size_t i = 0; i < digits && seconds < SECONDS_MAX; i++)
		seconds = seconds * 10 + (uint64_t)(value[i] - '0');
	return least(seconds, SECONDS_MAX) * EP_NS_PER_S;
}

uint64_t retry_after_ns(const char *value, const char *date)
{
	time_t then, now;

	if (!value)
		return RETRY_NO_AFTER;
	value += strspn(value, " \t");
	if (value[0] >= '0' && value[0] <= '9')
		return seconds_ns(value);
	if (!date)
		return RETRY_NO_AFTER;
	then = curl_getdate(value, NULL);
	now = curl_getdate(date, NULL);
	if (then == -1 || now == -1)
		return RETRY_NO_AFTER;
	if (then <= now)
		return 0;
	return least((uint64_t)then - (uint64_t)now, SECONDS_MAX) * EP_NS_PER_S;
}
