#include "delivery/vm_import.h"

#include "delivery/framing.h"
#include "delivery/members.h"
#include "delivery/row.h"
#include "edgeprobe/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The row at hand on its way to lines. */
struct lines {
	struct buf *out;
	const struct record *record;
	struct buf labels; /* of all of them: `,"agent":"ams-01"`, and so on */
	bool any;
};

static void label(struct buf *labels, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(labels, ",\"%s\":", name);
	buf_json_text(labels, text);
}

/* Up to the value. Its name is "edgeprobe_", `prefix` and `len` bytes of
 * `name`. */
static void begin_named(struct lines *l, const char *prefix, const char *name,
			size_t len)
{
	if (l->any)
		buf_char(l->out, '\n');
	l->any = true;
	buf_printf(l->out, "{\"metric\":{\"__name__\":\"edgeprobe_%s", prefix);
	buf_add(l->out, name, len);
	buf_char(l->out, '"');
	buf_add(l->out, l->labels.data, l->labels.len);
}

static void begin(struct lines *l, const char *name)
{
	begin_named(l, "", name, strlen(name));
}

static void values(struct lines *l)
{
	buf_text(l->out, "},\"values\":[");
}

static void end(struct lines *l)
{
	buf_text(l->out, "],\"timestamps\":[");
	buf_uint(l->out, l->record->time_ns / EP_NS_PER_MS);
	buf_text(l->out, "],\"seq\":");
	buf_uint(l->out, l->record->seq);
	buf_char(l->out, '}');
}

static void count(struct lines *l, const char *name, uint64_t value)
{
	begin(l, name);
	values(l);
	buf_uint(l->out, value);
	end(l);
}

static void duration(struct lines *l, const char *name, int64_t ns)
{
	if (ns < 0)
		return;
	begin(l, name);
	values(l);
	buf_json_us(l->out, ns);
	end(l);
}

static void describe(struct lines *l)
{
	const struct series *s = l->record->series;
	uint8_t family = l->record->sample.address.family;
	bool kept = l->record->sample.flags & EP_FLAG_KEPT;

	label(&l->labels, "site", s->site);
	label(&l->labels, "country", s->country);
	label(&l->labels, "metro", s->metro);
	label(&l->labels, "circuit", s->circuit);
	label(&l->labels, "provider", s->provider);
	label(&l->labels, "prefix", s->prefix);
	label(&l->labels, "target", s->target);
	label(&l->labels, "probe", s->probe);
	label(&l->labels, "host", s->host);
	if (family)
		label(&l->labels, "family", family == 4 ? "4" : "6");
	if (kept)
		label(&l->labels, "kept", "1");
}

static void https(struct lines *l, const struct ep_https *h)
{
	duration(l, "connect_us", h->connect_ns);
	duration(l, "tls_us", h->tls_ns);
	duration(l, "tls_first_byte_us", h->tls_first_byte_ns);
	duration(l, "first_byte_us", h->first_byte_ns);
	duration(l, "total_us", h->total_ns);
	duration(l, "srtt_us", h->srtt_ns);
	duration(l, "min_rtt_us", h->min_rtt_ns);
	if (h->tls_days_left == EP_DAYS_ABSENT)
		return;
	begin(l, "tls_days_left");
	values(l);
	buf_int(l->out, h->tls_days_left);
	end(l);
}

/* One for each sample, so that counting them is counting samples. */
static void outcome(struct lines *l, const struct ep_sample *s, bool is_https)
{
	begin(l, "samples");
	label(l->out, "outcome", ep_outcome_name((enum ep_outcome)s->outcome));
	if (s->outcome != EP_REPLIED)
		label(l->out, "reason",
		      ep_reason_name((enum ep_reason)s->reason));
	if (is_https)
		label(l->out, "pop", s->https.pop);
	values(l);
	buf_char(l->out, '1');
	end(l);
}

static void sample(struct lines *l)
{
	const struct ep_sample *s = &l->record->sample;
	bool is_https = strcmp(l->record->series->probe, "https") == 0;

	describe(l);
	outcome(l, s, is_https);
	if (s->outcome == EP_REPLIED || s->outcome == EP_REFUSED)
		duration(l, "rtt_us", s->rtt_ns);
	duration(l, "dns_us", s->dns_ns);
	if (is_https)
		https(l, &s->https);
	if (s->reason == EP_REASON_MISSED)
		count(l, "missed", s->missed);
}

static void gap(struct lines *l)
{
	label(&l->labels, "reason", gap_reason_name(l->record->reason));
	count(l, "gap_rows", l->record->last - l->record->first + 1);
}

static bool is_figure(const struct member *member)
{
	return !member_is(member, "ts_us") && !member_is(member, "seq") &&
	       memchr("-0123456789", *member->value, 11);
}

/* Texts by which rows that are not samples are told apart. */
static bool is_word(const struct member *member)
{
	static const char *const words[] = {
		"part",   "destination", "event",   "level",    "state",
		"reason", "circuit",     "version", "provider", "host",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (member_is(member, words[i]))
			return *member->value == '"' && member->len > 2;
	return false;
}

static void add_words(struct lines *l, const struct buf *row)
{
	struct members members;
	struct member m;

	if (!members_open(&members, row->data, row->len))
		return;
	while (members_next(&members, &m)) {
		if (!is_word(&m))
			continue;
		buf_printf(&l->labels, ",\"%.*s\":", (int)m.key_len, m.key);
		buf_add(&l->labels, m.value, m.len);
	}
}

/* A line for each figure, as it is written in the row. */
static void add_figures(struct lines *l, const struct buf *row)
{
	struct members members;
	struct member m;
	char prefix[16];

	if (!members_open(&members, row->data, row->len))
		return;
	snprintf(prefix, sizeof(prefix), "%s_", row_type_name(l->record->type));
	while (members_next(&members, &m)) {
		if (!is_figure(&m))
			continue;
		begin_named(l, prefix, m.key, m.key_len);
		values(l);
		buf_add(l->out, m.value, m.len);
		end(l);
	}
}

/* What is kept of it decides, not what is known of it here. */
static void note(struct lines *l, const struct identity *who)
{
	struct buf row;

	buf_init(&row, FRAME_ROW_MAX);
	row_write(&row, who, l->record);
	if (row.error && !l->out->error)
		l->out->error = row.error;
	if (row.error == 0) {
		add_words(l, &row);
		begin(l, "rows");
		label(l->out, "type", row_type_name(l->record->type));
		values(l);
		buf_char(l->out, '1');
		end(l);
		add_figures(l, &row);
	}
	buf_finish(&row);
}

void vm_import_row(struct buf *out, const struct identity *who,
		   const struct record *record)
{
	struct lines l = { .out = out, .record = record };

	buf_init(&l.labels, FRAME_ROW_MAX);
	label(&l.labels, "agent", who->agent);
	switch (record->type) {
	case ROW_SAMPLE:
		sample(&l);
		break;
	case ROW_LATE:
		describe(&l);
		/* each row is a line at least; no late reply is without it */
		duration(&l, "late_rtt_us",
			 record->sample.rtt_ns < 0 ? 0 : record->sample.rtt_ns);
		break;
	case ROW_GAP:
		gap(&l);
		break;
	case ROW_BOOT:
	case ROW_CLOCK:
	case ROW_SELF:
	case ROW_EVENT:
		note(&l, who);
		break;
	}
	if (l.labels.error && !out->error)
		out->error = l.labels.error;
	buf_finish(&l.labels);
}
