/* OTLP as JSON (OpenTelemetry protocol, https://opentelemetry.io/docs/specs/):
 * names and texts that logs and metrics have in common, and a row as a log
 * record. Pure but for the host's name. The names are in README.md. */
#ifndef DELIVERY_OTLP_H
#define DELIVERY_OTLP_H

#include "base/buf.h"
#include "base/record.h"

/* What comes before the first log record, but for `"logRecords":[`. */
void otlp_logs_begin(struct buf *out, const struct identity *who);
#define OTLP_LOGS_BEFORE "\"logRecords\":["
#define OTLP_END         "]}]}]}"

/* One LogRecord. Its attributes are the members of the row, whatever they are:
 * a key that is new in the row is there, too. */
void otlp_log(struct buf *out, const struct identity *who,
	      const struct record *record);

/* What both kinds begin with: the resource, and the scope with a comma behind
 * it; `kind` is "Logs" or "Metrics". OTLP_END closes all that is open after the
 * list of records or metrics. */
void otlp_begin(struct buf *out, const struct identity *who, const char *kind);

/* A list of attributes grows: each with a comma before it if it is not the
 * first in `out`. Nothing for a text that is NULL or "". */
void otlp_text(struct buf *out, const char *name, const char *text);
void otlp_int(struct buf *out, const char *name, int64_t value);

/* `"N"`: nanoseconds since 1970, as a text. */
void otlp_time(struct buf *out, uint64_t ns);

#endif
