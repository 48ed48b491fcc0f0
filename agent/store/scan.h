/* Reading for reports: a callback a row with numbers only; texts are looked up
 * by their number, once a series and not once a row. 8.64 million rows (a day
 * of 100 targets at 1 Hz) take seconds. */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "edgeprobe/sample.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>

/* Beside an https sample (and one of stun, where all is absent); see struct
 * ep_https for meaning and absence. */
struct scan_https {
	int64_t connect_ns, tls_ns, first_byte_ns, total_ns;
	int64_t srtt_ns, min_rtt_ns;
	int32_t tls_days_left;
	uint16_t http_status;
	/* Numbers of texts: store_word(); 0 where there is none. */
	uint32_t http_version, pop, pop_source, tls_issuer;
};

/* A sample, or the late reply to one. */
struct scan_row {
	uint64_t seq;
	uint64_t sent_ns;       /* wall clock */
	int64_t rtt_ns, dns_ns; /* EP_ABSENT: none */
	uint32_t series;        /* store_series_text() */
	uint32_t missed; /* EP_REASON_MISSED: probes this one stands for */
	uint8_t outcome; /* enum ep_outcome */
	uint8_t reason;  /* enum ep_reason */
	uint8_t stamp;   /* enum ep_stamp */
	uint16_t flags;  /* enum ep_flag, or-ed */
	bool late;       /* came after its loss was counted: no sample */
	const struct scan_https *https; /* NULL: none; until the callback
					 * returns */
};

/* Return 0 to go on, anything else stops and is returned. */
typedef int (*store_scan_row_cb)(const struct scan_row *row, void *arg);

/* Samples and late replies of `range` (its `destination` and `types` are not
 * looked at) in sequence order, 50,000 rows a read transaction. What lies
 * wholly outside [since, until) is skipped without being read. */
int store_scan_rows(struct store *store, const struct store_range *range,
		    store_scan_row_cb cb, void *arg, struct ep_err *err);

/* Series are numbered from 1 upwards without large holes: fit for an index.
 * The highest number that a row seen so far can carry. */
uint32_t store_series_last(const struct store *store);
/* The texts of a series; NULL: no such number. Valid until store_close(). */
const struct series *store_series_text(struct store *store, uint32_t id);
/* The text of a word; "" for 0. Valid until store_close(). */
const char *store_word(struct store *store, uint32_t id);

#endif
