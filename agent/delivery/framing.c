/* The table of encodings, and rows in other clothes. */
#include "delivery/framing.h"

#include "delivery/otlp.h"
#include "delivery/row.h"
#include "delivery/vm_import.h"
#include "edgeprobe/clock.h"

#include <string.h>

/* Bytes of a document's id: Elasticsearch has 512. */
#define ID_MAX 512

/* Azure Monitor takes no rows in one request that are further apart. */
#define ARRAY_SPAN_NS (1800 * EP_NS_PER_S)

#define SEQ_KEY ",\"seq\":"

/* --- rows in other clothes --- */

static void add_id(struct buf *out, const struct identity *who, uint64_t seq)
{
	buf_text(out, who->agent);
	buf_printf(out, "-%s-%llu", who->epoch, (unsigned long long)seq);
}

/* What it is called, so that it is not there twice when it comes twice; and the
 * row, with the member that a data stream asks for. */
static void elastic_row(struct buf *out, const struct identity *who,
			const struct record *record)
{
	struct buf id;
	size_t row;

	buf_init(&id, ID_MAX);
	add_id(&id, who, record->seq);
	buf_text(out, "{\"create\":{\"_id\":");
	buf_json_text(out, id.data);
	buf_text(out, "}}\n{\"@timestamp\":");
	buf_finish(&id);
	buf_json_time(out, record->time_ns);
	row = out->len;
	row_write(out, who, record);
	if (out->len > row)
		out->data[row] = ','; /* was its brace */
}

static void splunk_row(struct buf *out, const struct identity *who,
		       const struct record *record)
{
	uint64_t us = record->time_ns / EP_NS_PER_US;

	buf_printf(out, "{\"time\":%llu.%06llu,\"host\":",
		   (unsigned long long)(us / 1000000),
		   (unsigned long long)(us % 1000000));
	buf_json_text(out, who->agent);
	buf_text(out, ",\"source\":\"edgeprobe\",\"sourcetype\":"
		      "\"edgeprobe\",\"event\":");
	row_write(out, who, record);
	buf_char(out, '}');
}

/* --- the table --- */

static const struct framing framings[] = {
	{ .name = "ndjson",
	  .content_type = "application/x-ndjson",
	  .suffix = ".ndjson",
	  .before = "",
	  .row = row_write,
	  .separator = "\n",
	  .end = "\n",
	  .objects = 1,
	  .seq_key = SEQ_KEY,
	  .engine = ACK_ANY,
	  .scheme = "Bearer" },
	{ .name = "json-array",
	  .content_type = "application/json",
	  .suffix = ".json",
	  .before = "[",
	  .row = row_write,
	  .separator = ",",
	  .end = "]",
	  .objects = 1,
	  .seq_key = SEQ_KEY,
	  .span_ns = ARRAY_SPAN_NS,
	  .engine = ACK_ANY,
	  .scheme = "Bearer" },
	{ .name = "otlp-logs",
	  .content_type = "application/json",
	  .suffix = ".json",
	  .begin = otlp_logs_begin,
	  .before = OTLP_LOGS_BEFORE,
	  .row = otlp_log,
	  .separator = ",",
	  .end = OTLP_END,
	  .objects = 1,
	  .seq_key = "\"edgeprobe.seq\",\"value\":{\"intValue\":\"",
	  .engine = ACK_OTLP,
	  .scheme = "Bearer" },
	{ .name = "otlp-metrics",
	  .content_type = "application/json",
	  .suffix = ".json",
	  .before = "",
	  .separator = "",
	  .end = "",
	  .engine = ACK_OTLP,
	  .scheme = "Bearer" },
	{ .name = "elastic-bulk",
	  .content_type = "application/x-ndjson",
	  .suffix = ".ndjson",
	  .before = "",
	  .row = elastic_row,
	  .separator = "\n",
	  .end = "\n",
	  .objects = 2,
	  .seq_key = SEQ_KEY,
	  .engine = ACK_BULK,
	  .scheme = "ApiKey" },
	{ .name = "splunk-hec",
	  .content_type = "application/json",
	  .suffix = ".json",
	  .before = "",
	  .row = splunk_row,
	  .separator = "\n",
	  .end = "\n",
	  .objects = 1,
	  .seq_key = SEQ_KEY,
	  .engine = ACK_HEC,
	  .scheme = "Splunk" },
	{ .name = "vm-import",
	  .content_type = "application/x-ndjson",
	  .suffix = ".ndjson",
	  .before = "",
	  .row = vm_import_row,
	  .separator = "\n",
	  .end = "\n",
	  .seq_key = SEQ_KEY,
	  .engine = ACK_ANY,
	  .scheme = "Bearer" },
};

const struct framing *framing_find(const char *name)
{
	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
		if (strcmp(framings[i].name, name) == 0)
			return &framings[i];
	return NULL;
}

/* The path of `url` ends in that. */
static bool ends_in(const char *url, const char *wanted)
{
	size_t len = strcspn(url, "?#"), n = strlen(wanted);

	return len >= n && memcmp(url + len - n, wanted, n) == 0;
}

const struct framing *framing_of(const char *name, const char *url)
{
	if (!name)
		return &framings[0];
	if (strcmp(name, "otlp-json") != 0)
		return framing_find(name);
	if (ends_in(url, "/v1/logs"))
		return framing_find("otlp-logs");
	if (ends_in(url, "/v1/metrics"))
		return framing_find("otlp-metrics");
	return NULL;
}
