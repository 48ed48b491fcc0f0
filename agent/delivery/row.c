#include "delivery/row.h"

#include <stdbool.h>
#include <string.h>

/* A literal with its length, which the compiler knows. */
#define ADD(out, literal) buf_add((out), (literal), sizeof(literal) - 1)

#define KEY(name) ",\"" name "\":"

static void add_text(struct buf *out, const char *key, size_t key_len,
		     const char *text)
{
	if (!text || !*text)
		return;
	buf_add(out, key, key_len);
	buf_json_text(out, text);
}

static void add_us(struct buf *out, const char *key, size_t key_len, int64_t ns)
{
	if (ns < 0)
		return;
	buf_add(out, key, key_len);
	buf_json_us(out, ns);
}

static void add_int(struct buf *out, const char *key, size_t key_len,
		    int64_t value)
{
	buf_add(out, key, key_len);
	buf_int(out, value);
}

/* Absent where the text is NULL or "", or the duration is negative. */
#define TEXT(out, name, text)                                                  \
	add_text(out, KEY(name), sizeof(KEY(name)) - 1, text)
#define US(out, name, ns) add_us(out, KEY(name), sizeof(KEY(name)) - 1, ns)
#define INT(out, name, value)                                                  \
	add_int(out, KEY(name), sizeof(KEY(name)) - 1, value)

/* What every row begins with. */
static void identity(struct buf *out, const struct identity *who,
		     const struct record *record)
{
	ADD(out, "{\"type\":\"");
	buf_text(out, row_type_name(record->type));
	ADD(out, "\"" KEY("time"));
	buf_json_time(out, record->time_ns);
	ADD(out, KEY("ts_us"));
	buf_uint(out, record->time_ns / 1000);
	ADD(out, KEY("agent"));
	buf_json_text(out, who->agent);
	ADD(out, KEY("epoch"));
	buf_json_text(out, who->epoch);
	ADD(out, KEY("seq"));
	buf_uint(out, record->seq);
}

static void place(struct buf *out, const struct series *series)
{
	TEXT(out, "site", series->site);
	TEXT(out, "country", series->country);
	TEXT(out, "metro", series->metro);
	TEXT(out, "circuit", series->circuit);
	TEXT(out, "provider", series->provider);
	TEXT(out, "prefix", series->prefix);
	TEXT(out, "target", series->target);
	TEXT(out, "probe", series->probe);
	TEXT(out, "host", series->host);
}

static void peer(struct buf *out, const struct ep_sample *sample)
{
	char text[EP_ADDRESS_TEXT_MAX];

	if (sample->address.family)
		TEXT(out, "address",
		     ep_address_format(&sample->address, text, sizeof(text)));
	if (sample->port)
		INT(out, "port", sample->port);
	if (sample->address.family)
		INT(out, "family", sample->address.family);
}

/* Where we come from, as a STUN server saw it. */
static void egress(struct buf *out, const struct ep_sample *sample)
{
	char text[EP_ADDRESS_TEXT_MAX];

	if (!sample->mapped.family)
		return;
	TEXT(out, "egress_address",
	     ep_address_format(&sample->mapped, text, sizeof(text)));
	INT(out, "egress_port", sample->mapped_port);
}

static void https(struct buf *out, const struct ep_https *https)
{
	US(out, "connect_us", https->connect_ns);
	US(out, "tls_us", https->tls_ns);
	US(out, "tls_first_byte_us", https->tls_first_byte_ns);
	US(out, "first_byte_us", https->first_byte_ns);
	US(out, "total_us", https->total_ns);
	US(out, "srtt_us", https->srtt_ns);
	US(out, "min_rtt_us", https->min_rtt_ns);
	if (https->http_status)
		INT(out, "http_status", https->http_status);
	TEXT(out, "http_version", https->http_version);
	TEXT(out, "pop", https->pop);
	TEXT(out, "pop_source", https->pop_source);
	TEXT(out, "pop_ref", https->pop_ref);
	TEXT(out, "edge_cache", https->edge_cache);
	TEXT(out, "tls_issuer", https->tls_issuer);
	if (https->tls_days_left != EP_DAYS_ABSENT)
		INT(out, "tls_days_left", https->tls_days_left);
}

static void flags(struct buf *out, unsigned flags)
{
	if (flags == 0)
		return;
	ADD(out, KEY("flags") "\"");
	record_flag_words(out, flags);
	buf_char(out, '"');
}

static void quality(struct buf *out, const struct ep_sample *sample)
{
	if (sample->ttl >= 0)
		INT(out, "ttl", sample->ttl);
	if (sample->retransmits >= 0)
		INT(out, "retransmits", sample->retransmits);
	TEXT(out, "stamp", ep_stamp_name(sample->stamp));
	US(out, "slip_us", sample->slip_ns > 0 ? sample->slip_ns : 0);
	US(out, "uncertainty_us", (int64_t)sample->uncertainty_ns);
	flags(out, sample->flags);
}

static void sample_row(struct buf *out, const struct record *record)
{
	const struct ep_sample *sample = &record->sample;

	place(out, record->series);
	peer(out, sample);
	TEXT(out, "outcome", ep_outcome_name(sample->outcome));
	if (sample->outcome != EP_REPLIED)
		TEXT(out, "reason", ep_reason_name(sample->reason));
	if (sample->outcome == EP_REPLIED || sample->outcome == EP_REFUSED)
		US(out, "rtt_us", sample->rtt_ns);
	US(out, "dns_us", sample->dns_ns);
	if (strcmp(record->series->probe, "https") == 0)
		https(out, &sample->https);
	egress(out, sample);
	quality(out, sample);
	if (sample->reason == EP_REASON_MISSED)
		INT(out, "missed", sample->missed);
}

static void late_row(struct buf *out, const struct record *record)
{
	place(out, record->series);
	peer(out, &record->sample);
	INT(out, "of", (int64_t)record->of);
	US(out, "rtt_us", record->sample.rtt_ns);
	quality(out, &record->sample);
}

static void gap_row(struct buf *out, const struct record *record)
{
	INT(out, "first", (int64_t)record->first);
	INT(out, "last", (int64_t)record->last);
	TEXT(out, "reason", gap_reason_name(record->reason));
}

void row_write(struct buf *out, const struct identity *who,
	       const struct record *record)
{
	identity(out, who, record);
	switch (record->type) {
	case ROW_SAMPLE:
		sample_row(out, record);
		break;
	case ROW_LATE:
		late_row(out, record);
		break;
	case ROW_GAP:
		gap_row(out, record);
		break;
	case ROW_BOOT:
	case ROW_CLOCK:
	case ROW_SELF:
	case ROW_EVENT:
		if (record->body && *record->body) {
			buf_char(out, ',');
			buf_text(out, record->body);
		}
		break;
	}
	buf_char(out, '}');
}
