/* When to say that something expires. Pure: told the time. */
#ifndef DELIVERY_EXPIRY_H
#define DELIVERY_EXPIRY_H

#include <stdint.h>

/* What is known of it, in seconds since 1970; `ends_s` 0: nothing. `begins_s`
 * 0: not when it began. */
struct expiry_span {
	int64_t begins_s, ends_s;
};

/* What has an end. */
enum credential {
	CREDENTIAL_COLLECTOR, /* the collector's certificate */
	CREDENTIAL_PROXY,     /* the proxy's */
	CREDENTIAL_CLIENT,    /* ours */
	CREDENTIAL_ENTRA,     /* the one that proves us to Entra */
	CREDENTIALS,
};

/* What was said of it. Zero-initialise. */
struct expiry {
	unsigned stage;
};

enum expiry_news {
	EXPIRY_NOTHING,
	EXPIRY_SOON,    /* 30, 14 and 7 days before, then each day */
	EXPIRY_OVER,    /* each day since it ended */
	EXPIRY_RENEWED, /* what was warned of is over */
};

/* To be asked often. What lives for less than 60 days is warned of in the last
 * quarter of its life only: it is meant to be renewed late. */
enum expiry_news expiry_look(struct expiry *expiry,
			     const struct expiry_span *span, int64_t now_s);

/* Whole days from `now_s` to the end, rounded down: 0 on the last day, negative
 * when it is over; INT32_MIN: nothing is known. */
int32_t expiry_days(const struct expiry_span *span, int64_t now_s);

#endif
