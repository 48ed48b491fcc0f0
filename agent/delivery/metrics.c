#include "delivery/metrics_i.h"

#include "delivery/exphist.h"
#include "delivery/members.h"
#include "delivery/otlp.h"
#include "delivery/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX   ((size_t)256 << 20)
#define ONE_ROW_MAX ((size_t)8 << 20)

/* No more than this is written for the frame around all, for a point of each
 * kind beside its text, and for one more figure in a histogram. */
#define FRAME_BYTES 4096
#define HIST_BYTES  (EXPHIST_BUCKETS * 4 + 400)
#define POINT_BYTES 200
#define NOTE_BYTES  250

uint64_t metrics_minute(uint64_t time_ns)
{
	return time_ns > 0 ? (time_ns - 1) / MINUTE_NS : 0;
}

struct metrics *metrics_create(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	points_init(&m->points, TEXTS_MAX);
	buf_init(&m->series, ONE_ROW_MAX);
	buf_init(&m->text, ONE_ROW_MAX);
	m->bytes = FRAME_BYTES;
	return m;
}

void metrics_destroy(struct metrics *m)
{
	if (!m)
		return;
	points_finish(&m->points);
	buf_finish(&m->series);
	buf_finish(&m->text);
	free(m);
}

/* --- a row comes in --- */

static void add(struct metrics *m, enum metric metric, const struct buf *text,
		uint64_t time_ns, int64_t value)
{
	static const size_t bytes[] = {
		[HISTOGRAM] = HIST_BYTES,
		[COUNTER] = POINT_BYTES,
		[GAUGE] = POINT_BYTES,
		[NOTE] = NOTE_BYTES,
	};
	const struct figure figure = { .value = value, .time_ns = time_ns };
	const struct point name = {
		.metric = metric,
		.minute = metric == NOTES ? 0 : metrics_minute(time_ns),
		.len = text->len,
	};

	if (text->error && !m->points.error)
		m->points.error = text->error;
	m->bytes++; /* a count with one more digit, at most */
	if (points_add(&m->points, &name, text->data, &figure))
		m->bytes += text->len + bytes[metric_table[metric].kind];
}

/* Beside the series, what only this metric has. */
static struct buf *more(struct metrics *m)
{
	buf_clear(&m->text);
	buf_add(&m->text, m->series.data, m->series.len);
	return &m->text;
}

static void describe(struct metrics *m, const struct record *record)
{
	const struct series *s = record->series;
	const struct ep_sample *sample = &record->sample;
	struct buf *out = &m->series;

	buf_clear(out);
	otlp_text(out, "edgeprobe.site", s->site);
	otlp_text(out, "edgeprobe.country", s->country);
	otlp_text(out, "edgeprobe.metro", s->metro);
	otlp_text(out, "edgeprobe.circuit", s->circuit);
	otlp_text(out, "edgeprobe.provider", s->provider);
	otlp_text(out, "edgeprobe.prefix", s->prefix);
	otlp_text(out, "edgeprobe.target", s->target);
	otlp_text(out, "edgeprobe.probe", s->probe);
	otlp_text(out, "server.address", s->host);
	if (sample->port)
		otlp_int(out, "server.port", sample->port);
	if (sample->address.family)
		otlp_text(out, "network.type",
			  sample->address.family == 4 ? "ipv4" : "ipv6");
}

static void duration(struct metrics *m, enum metric metric, uint64_t time_ns,
		     int64_t ns)
{
	if (ns >= 0)
		add(m, metric, &m->series, time_ns, ns);
}

static void phases(struct metrics *m, const struct record *record)
{
	const struct ep_https *https = &record->sample.https;
	uint64_t t = record->time_ns;

	duration(m, CONNECT, t, https->connect_ns);
	duration(m, TLS, t, https->tls_ns);
	duration(m, FIRST_BYTE, t, https->first_byte_ns);
	duration(m, TOTAL, t, https->total_ns);
	duration(m, KEPT_SRTT, t, https->srtt_ns);
	duration(m, KEPT_MIN_RTT, t, https->min_rtt_ns);
	if (https->tls_days_left != EP_DAYS_ABSENT)
		add(m, TLS_DAYS_LEFT, &m->series, t, https->tls_days_left);
}

static void outcome(struct metrics *m, const struct record *record, bool https)
{
	const struct ep_sample *sample = &record->sample;
	struct buf *text = more(m);

	otlp_text(text, "edgeprobe.outcome",
		  ep_outcome_name((enum ep_outcome)sample->outcome));
	if (sample->outcome != EP_REPLIED)
		otlp_text(text, "error.type",
			  ep_reason_name((enum ep_reason)sample->reason));
	otlp_text(text, "edgeprobe.stamp",
		  ep_stamp_name((enum ep_stamp)sample->stamp));
	if (https && sample->https.http_status)
		otlp_int(text, "http.response.status_code",
			 sample->https.http_status);
	if (https)
		otlp_text(text, "edgeprobe.pop", sample->https.pop);
	add(m, SAMPLES, text, record->time_ns, 1);
}

/* What the host did: by kind of probe, not by series. */
static void host_figures(struct metrics *m, const struct record *record)
{
	const struct ep_sample *sample = &record->sample;
	int64_t slip_ns = sample->slip_ns > 0 ? sample->slip_ns : 0;
	uint64_t off_ns = sample->uncertainty_ns;

	buf_clear(&m->text);
	otlp_text(&m->text, "edgeprobe.probe", record->series->probe);
	add(m, SLIP, &m->text, record->time_ns, slip_ns);
	add(m, UNCERTAINTY, &m->text, record->time_ns,
	    off_ns < INT64_MAX ? (int64_t)off_ns : INT64_MAX);
}

/* A sample of each word in a comma-separated list. */
static void flag_words(struct metrics *m, uint64_t time_ns,
		       const struct member *flags)
{
	const char *at = flags->value + 1, *end = at + flags->len - 2;
	char word[32];

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size_t len = (size_t)((comma ? comma : end) - at);
		struct buf *text = more(m);

		if (len < sizeof(word)) {
			memcpy(word, at, len);
			word[len] = '\0';
			otlp_text(text, "edgeprobe.flag", word);
			add(m, FLAGGED, text, time_ns, 1);
		}
		at += len + 1;
	}
}

static void walk_row(struct metrics *m, const struct record *record,
		     void (*visit)(struct metrics *m,
				   const struct record *record,
				   const struct member *member))
{
	static const struct identity nobody = { "", "" };
	struct members members;
	struct member member;
	struct buf row;

	buf_init(&row, ONE_ROW_MAX);
	row_write(&row, &nobody, record);
	if (row.error && !m->points.error)
		m->points.error = row.error;
	if (row.error == 0 && members_open(&members, row.data, row.len))
		while (members_next(&members, &member))
			visit(m, record, &member);
	buf_finish(&row);
}

static void on_flags(struct metrics *m, const struct record *record,
		     const struct member *member)
{
	if (member_is(member, "flags"))
		flag_words(m, record->time_ns, member);
}

static void sample(struct metrics *m, const struct record *record)
{
	const struct ep_sample *s = &record->sample;
	bool https = strcmp(record->series->probe, "https") == 0;
	uint64_t t = record->time_ns;

	describe(m, record);
	outcome(m, record, https);
	if (s->outcome == EP_REPLIED || s->outcome == EP_REFUSED)
		duration(m, RTT, t, s->rtt_ns);
	duration(m, DNS, t, s->dns_ns);
	if (https)
		phases(m, record);
	if (s->retransmits > 0)
		add(m, RETRANSMITS, &m->series, t, s->retransmits);
	if (s->reason == EP_REASON_MISSED)
		add(m, MISSED, &m->series, t, s->missed);
	if (s->flags)
		walk_row(m, record, on_flags);
	host_figures(m, record);
}

static void late(struct metrics *m, const struct record *record)
{
	describe(m, record);
	duration(m, LATE_RTT, record->time_ns, record->sample.rtt_ns);
	if (record->sample.flags)
		walk_row(m, record, on_flags);
}

static void gap(struct metrics *m, const struct record *record)
{
	buf_clear(&m->text);
	otlp_text(&m->text, "edgeprobe.reason",
		  gap_reason_name(record->reason));
	add(m, GAP_ROWS, &m->text, record->time_ns,
	    (int64_t)(record->last - record->first + 1));
}

/* Each figure of a row that is not a sample becomes a gauge with the row's
 * time, as it is written there: what is kept is where. */
static void on_figure(struct metrics *m, const struct record *record,
		      const struct member *member)
{
	struct buf *name = &m->text, *texts = &m->points.texts;
	int64_t at = (int64_t)texts->len;

	if (member_is(member, "ts_us") || member_is(member, "seq") ||
	    !memchr("-0123456789", *member->value, 11))
		return;
	buf_add(texts, member->value, member->len);
	buf_char(texts, '\0');
	m->bytes += NOTE_BYTES + member->len;
	buf_clear(name);
	buf_printf(name, "edgeprobe.%s.", row_type_name(record->type));
	buf_add(name, member->key, member->key_len);
	add(m, NOTES, name, record->time_ns, at);
}

/* Words of rows that are not samples, by which they are counted apart. */
static void on_word(struct metrics *m, const struct record *record,
		    const struct member *member)
{
	static const char *const words[] = { "event", "level", "state",
					     "reason", "version" };
	struct buf *text = &m->series;

	(void)record;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!member_is(member, words[i]) || *member->value != '"')
			continue;
		buf_printf(text,
			   ",{\"key\":\"edgeprobe.%s\",\"value\":"
			   "{\"stringValue\":",
			   words[i]);
		buf_add(text, member->value, member->len);
		buf_text(text, "}}");
	}
}

static void count_row(struct metrics *m, const struct record *record)
{
	buf_clear(&m->series);
	otlp_text(&m->series, "edgeprobe.type", row_type_name(record->type));
	if (record->type > ROW_GAP)
		walk_row(m, record, on_word);
	add(m, ROWS, &m->series, record->time_ns, 1);
}

int metrics_add(struct metrics *m, const struct record *record,
		size_t max_bytes)
{
	struct points_mark mark = points_mark(&m->points);
	size_t bytes = m->bytes;
	int r;

	if (record->type == ROW_SAMPLE)
		sample(m, record);
	else if (record->type == ROW_LATE)
		late(m, record);
	else if (record->type == ROW_GAP)
		gap(m, record);
	else
		walk_row(m, record, on_figure);
	count_row(m, record);
	r = m->points.error;
	if (r == 0 && m->bytes > max_bytes)
		r = -E2BIG;
	if (r < 0) {
		points_back(&m->points, &mark);
		m->bytes = bytes;
	}
	return r;
}
