#include "delivery/otlp.h"

#include "delivery/members.h"
#include "delivery/row.h"

#include <string.h>
#include <unistd.h>

#define HOST_NAME_MAX_BYTES 256
/* Digits of a number that surely is an int64. */
#define WHOLE_MAX 18
/* Bytes of a record's text. */
#define BODY_MAX 512

/* --- what both kinds have in common --- */

void otlp_time(struct buf *out, uint64_t ns)
{
	buf_char(out, '"');
	buf_uint(out, ns);
	buf_char(out, '"');
}

/* `prefix` and `key` are its name, as JSON has them. */
static void begin_attribute(struct buf *out, const char *prefix,
			    const char *key, size_t key_len)
{
	if (out->len > 0 && out->data[out->len - 1] == '}')
		buf_char(out, ',');
	buf_text(out, "{\"key\":\"");
	buf_text(out, prefix);
	buf_add(out, key, key_len);
	buf_text(out, "\",\"value\":{");
}

void otlp_text(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	begin_attribute(out, name, "", 0);
	buf_text(out, "\"stringValue\":");
	buf_json_text(out, text);
	buf_text(out, "}}");
}

void otlp_int(struct buf *out, const char *name, int64_t value)
{
	begin_attribute(out, name, "", 0);
	buf_text(out, "\"intValue\":\"");
	buf_int(out, value);
	buf_text(out, "\"}}");
}

static void host_name(struct buf *out)
{
	char name[HOST_NAME_MAX_BYTES];

	if (gethostname(name, sizeof(name)) < 0)
		return;
	name[sizeof(name) - 1] = '\0';
	otlp_text(out, "host.name", name);
}

void otlp_begin(struct buf *out, const struct identity *who, const char *kind)
{
	buf_text(out, "{\"resource");
	buf_text(out, kind);
	buf_text(out, "\":[{\"resource\":{\"attributes\":[");
	otlp_text(out, "service.name", "edgeprobe");
	otlp_text(out, "service.version", EDGEPROBE_VERSION);
	otlp_text(out, "service.instance.id", who->agent);
	host_name(out);
	otlp_text(out, "edgeprobe.agent", who->agent);
	otlp_text(out, "edgeprobe.epoch", who->epoch);
	buf_text(out, "]},\"scope");
	buf_text(out, kind);
	buf_text(out, "\":[{\"scope\":{\"name\":\"edgeprobe\",\"version\":"
		      "\"" EDGEPROBE_VERSION "\"},");
}

/* --- a row as a log record --- */

void otlp_logs_begin(struct buf *out, const struct identity *who)
{
	otlp_begin(out, who, "Logs");
}

/* Members that the semantic conventions have a name for. Those without one are
 * called "edgeprobe." and their key; "" are elsewhere in the record. */
static const struct {
	const char *key, *name;
} names[] = {
	{ "time", "" },
	{ "ts_us", "" },
	{ "agent", "" },
	{ "epoch", "" },
	{ "host", "server.address" },
	{ "port", "server.port" },
	{ "address", "network.peer.address" },
	{ "family", "network.type" },
	{ "http_status", "http.response.status_code" },
	{ "http_version", "network.protocol.version" },
};

/* NULL: it has none. */
static const char *name_of(const struct member *member, enum row_type type)
{
	if (type == ROW_SAMPLE && member_is(member, "reason"))
		return "error.type";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (member_is(member, names[i].key))
			return names[i].name;
	return NULL;
}

static bool ends(const struct member *member, const char *with)
{
	size_t n = strlen(with);

	return member->key_len > n &&
	       memcmp(member->key + member->key_len - n, with, n) == 0;
}

/* An attribute has one type, whatever this row's figure is: durations and
 * degrees are doubles, other numbers are what they look like. */
static bool is_whole(const struct member *member)
{
	bool measure = ends(member, "_us") || ends(member, "itude");

	return !measure && member->len <= WHOLE_MAX &&
	       !memchr(member->value, '.', member->len) &&
	       !memchr(member->value, 'e', member->len) &&
	       !memchr(member->value, 'E', member->len);
}

static void add_number(struct buf *out, const struct member *member)
{
	bool whole = is_whole(member);

	buf_text(out, whole ? "\"intValue\":\"" : "\"doubleValue\":");
	buf_add(out, member->value, member->len);
	if (whole)
		buf_char(out, '"');
}

/* Rows are flat; should one be not, its list or object becomes a text. */
static void add_nested(struct buf *out, const struct member *member)
{
	struct buf text;

	buf_init(&text, member->len);
	buf_add(&text, member->value, member->len);
	buf_text(out, "\"stringValue\":");
	buf_json_text(out, text.data);
	if (text.error && !out->error)
		out->error = text.error;
	buf_finish(&text);
}

static void add_value(struct buf *out, const struct member *member)
{
	switch (member->value[0]) {
	case 'n': /* null: a value that holds nothing */
		break;
	case '{':
	case '[':
		add_nested(out, member);
		break;
	case '"':
		buf_text(out, "\"stringValue\":");
		buf_add(out, member->value, member->len);
		break;
	case 't':
	case 'f':
		buf_text(out, "\"boolValue\":");
		buf_add(out, member->value, member->len);
		break;
	default:
		add_number(out, member);
		break;
	}
}

static void add_member(struct buf *out, const struct member *member,
		       enum row_type type)
{
	const char *name = name_of(member, type);

	if (name && !*name)
		return;
	if (name && member_is(member, "family")) {
		otlp_text(out, name, *member->value == '4' ? "ipv4" : "ipv6");
		return;
	}
	if (name)
		begin_attribute(out, name, "", 0);
	else
		begin_attribute(out, "edgeprobe.", member->key,
				member->key_len);
	add_value(out, member);
	buf_text(out, "}}");
}

static void add_row(struct buf *out, const struct buf *row, enum row_type type)
{
	struct members members;
	struct member member;

	if (!members_open(&members, row->data, row->len))
		return;
	while (members_next(&members, &member))
		add_member(out, &member, type);
}

/* For those who look at the text of a record only. */
static void add_body(struct buf *out, const struct record *record)
{
	const char *target = record->series ? record->series->target : NULL;
	struct buf text;

	buf_init(&text, BODY_MAX);
	buf_text(&text, row_type_name(record->type));
	if (target)
		buf_printf(&text, " %s %s", target, record->series->probe);
	if (record->type == ROW_SAMPLE)
		buf_printf(&text, " %s",
			   ep_outcome_name(
				   (enum ep_outcome)record->sample.outcome));
	buf_text(out, "\"body\":{\"stringValue\":");
	buf_json_text(out, text.data);
	buf_char(out, '}');
	buf_finish(&text);
}

void otlp_log(struct buf *out, const struct identity *who,
	      const struct record *record)
{
	bool warns = record->type == ROW_GAP;
	struct buf row;

	buf_init(&row, out->max);
	row_write(&row, who, record);
	buf_text(out, "{\"timeUnixNano\":");
	otlp_time(out, record->time_ns);
	buf_text(out, ",\"observedTimeUnixNano\":");
	otlp_time(out, record->time_ns);
	buf_text(out,
		 warns ? ",\"severityNumber\":13,\"severityText\":\"WARN\","
		       : ",\"severityNumber\":9,\"severityText\":\"INFO\",");
	add_body(out, record);
	buf_text(out, ",\"attributes\":[");
	if (row.error == 0)
		add_row(out, &row, record->type);
	else if (out->error == 0)
		out->error = row.error;
	buf_text(out, "]}");
	buf_finish(&row);
}
