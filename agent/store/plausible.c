#include "store/plausible.h"
#include "store/sample.h"

#include <string.h>

/* 2001 to 2100: a branch's clock may be wrong, but not by that. */
#define TIME_MIN_NS ((uint64_t)978307200 * 1000000000)
#define TIME_MAX_NS ((uint64_t)4102444800 * 1000000000)
/* No probe waits so long, and nothing is sent so late. */
#define FIGURE_MAX_NS ((int64_t)3600 * 1000000000)
#define LATE_MAX_NS   ((int64_t)366 * 86400 * 1000000000)
#define BODY_MAX      65536

bool plausible_time(uint64_t ns)
{
	return ns >= TIME_MIN_NS && ns < TIME_MAX_NS;
}

bool plausible_epoch(const char *text)
{
	return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

static bool within(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

/* A whole number in [least, most], or NULL. */
static bool number(sqlite3_stmt *row, int i, int64_t least, int64_t most)
{
	int type = sqlite3_column_type(row, i);

	return type == SQLITE_NULL ||
	       (type == SQLITE_INTEGER &&
		within(sqlite3_column_int64(row, i), least, most));
}

static bool code_is_plausible(uint64_t code)
{
	struct code c = code_unpack(code);

	return code >> 42 == 0 && c.outcome <= EP_FAILED &&
	       c.reason < EP_REASON_COUNT && c.stamp <= EP_STAMP_USER &&
	       (c.late ||
		(c.outcome == EP_REPLIED) == (c.reason == EP_REASON_NONE));
}

/* Their order: schema.c. */
bool plausible_sample(sqlite3_stmt *row)
{
	return plausible_time((uint64_t)sqlite3_column_int64(row, 2)) &&
	       sqlite3_column_int64(row, 3) > 0 &&
	       number(row, 3, 1, UINT32_MAX) &&
	       code_is_plausible((uint64_t)sqlite3_column_int64(row, 4)) &&
	       number(row, 5, 0, FIGURE_MAX_NS) &&
	       number(row, 6, 0, UINT32_MAX) &&
	       number(row, 7, 0, FIGURE_MAX_NS) &&
	       number(row, 8, 0, LATE_MAX_NS) &&
	       number(row, 9, -LATE_MAX_NS, LATE_MAX_NS) &&
	       number(row, 10, 0, 255) && number(row, 11, 0, 255);
}

static bool is_note(int type)
{
	return type == ROW_BOOT || type == ROW_CLOCK || type == ROW_SELF ||
	       type == ROW_EVENT;
}

/* JSON members: no control character is in them, nor is one half of a pair. */
static bool is_body(const char *text)
{
	size_t quotes = 0, len = 0;

	for (; text[len] != '\0'; len++) {
		if ((unsigned char)text[len] < 0x20)
			return false;
		if (text[len] == '\\' && text[len + 1] != '\0')
			len++;
		else if (text[len] == '"')
			quotes++;
	}
	return quotes % 2 == 0 && len <= BODY_MAX;
}

bool plausible_note(sqlite3_stmt *row)
{
	const char *body = (const char *)sqlite3_column_text(row, 4);

	return plausible_time((uint64_t)sqlite3_column_int64(row, 2)) &&
	       is_note(sqlite3_column_int(row, 3)) && body != NULL &&
	       strlen(body) == (size_t)sqlite3_column_bytes(row, 4) &&
	       is_body(body);
}

bool plausible_gap(sqlite3_stmt *row)
{
	return plausible_time((uint64_t)sqlite3_column_int64(row, 2)) &&
	       number(row, 3, 0, GAP_REFUSED);
}

static bool is_figure(int64_t ns)
{
	return within(ns, EP_ABSENT, FIGURE_MAX_NS);
}

static bool sample_is_plausible(const struct ep_sample *s)
{
	return s->outcome <= EP_FAILED && s->reason < EP_REASON_COUNT &&
	       s->stamp <= EP_STAMP_USER && is_figure(s->rtt_ns) &&
	       is_figure(s->dns_ns) &&
	       within(s->slip_ns, -LATE_MAX_NS, LATE_MAX_NS) &&
	       within(s->ttl, EP_ABSENT, 255) &&
	       within(s->retransmits, EP_ABSENT, 255) &&
	       s->uncertainty_ns <= (uint64_t)LATE_MAX_NS;
}

bool plausible_record(const struct record *record)
{
	if (!plausible_time(record->time_ns))
		return false;
	switch (record->type) {
	case ROW_SAMPLE:
	case ROW_LATE:
		return sample_is_plausible(&record->sample);
	case ROW_GAP:
		return record->first <= record->last &&
		       record->reason <= GAP_REFUSED;
	case ROW_BOOT:
	case ROW_CLOCK:
	case ROW_SELF:
	case ROW_EVENT:
		return record->body != NULL && is_body(record->body);
	}
	return false;
}
