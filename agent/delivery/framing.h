/* How rows become a batch: what stands around and between them, bounds,
 * compression, and the way back to single rows. */
#ifndef DELIVERY_FRAMING_H
#define DELIVERY_FRAMING_H

#include "base/buf.h"
#include "base/record.h"
#include "delivery/ack.h"
#include "delivery/privacy.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metrics;

/* One row of the table of encodings. A batch is what `begin` and `before` say,
 * the rows, each after the first preceded by `separator`, and `end`. */
struct framing {
	const char *name;
	const char *content_type;
	const char *suffix; /* of a file that holds one */
	void (*begin)(struct buf *out,
		      const struct identity *who); /* or NULL */
	const char *before;
	/* NULL: rows are added up (metrics.h), and cannot be told apart in the
	 * batch again. */
	void (*row)(struct buf *out, const struct identity *who,
		    const struct record *record);
	const char *separator, *end;
	unsigned objects;    /* of JSON that a row consists of, a newline
			      * between them; 0: those with one number */
	const char *seq_key; /* what stands before a row's number */
	uint64_t span_ns;    /* between the earliest and the latest row; 0: any
			      */
	enum ack_engine engine; /* who answers */
	const char *scheme;     /* of a token that names none */
};

/* By configured name, NULL: the default; "otlp-json" is one or the other by the
 * end of the path of `url`. NULL: there is none such. */
const struct framing *framing_of(const char *name, const char *url);
/* By the name of one in the table. */
const struct framing *framing_find(const char *name);

/* All names, for a message. */
#define FRAMING_NAMES                                                          \
	"ndjson, json-array, otlp-json, otlp-logs, otlp-metrics, "             \
	"elastic-bulk, splunk-hec, vm-import"

/* A single row is taken up to this length whatever `max_bytes` says, so that
 * no row can hold up those behind it. */
#define FRAME_ROW_MAX ((size_t)4 << 20)

/* A batch while it grows. */
struct frame {
	const struct framing *framing;
	uint64_t max_rows, rows;
	size_t max_bytes;
	uint64_t first_ns, last_ns; /* times of rows: earliest, latest */
	/* Rows that are added up wait until this minute is over (metrics.h); 0:
	 * none does. May be set after frame_init(). */
	uint64_t open_minute;
	bool full; /* a row was turned away */
	/* Of the branch's own addresses only networks (privacy.h). May be set
	 * after frame_init(). */
	bool truncate_addresses;
	struct privacy privacy;
	struct metrics *metrics;
	struct buf body;
};

/* `max_bytes` counts all of the body, before compression. */
void frame_init(struct frame *frame, const struct framing *framing,
		uint64_t max_rows, size_t max_bytes);
void frame_finish(struct frame *frame);

/* Append a row. 0; -E2BIG: the batch ends before it, because it is full, or
 * else because the row has to wait; -ENOMEM. */
int frame_add(struct frame *frame, const struct identity *who,
	      const struct record *record);

/* Close it: `frame->body` is the batch. 0 or -ENOMEM. */
int frame_end(struct frame *frame, const struct identity *who);

/* gzip. Of rows of ours level 1 leaves a third more than level 6, and takes half
 * of its time. 0, -E2BIG or -ENOMEM. */
#define FRAMING_FAST  1
#define FRAMING_SMALL 6
int framing_gzip_at(const char *data, size_t len, int level, struct buf *out);
/* The same, FRAMING_FAST. */
int framing_gzip(const char *data, size_t len, struct buf *out);
/* The way back. 0, -EILSEQ (not gzip, damaged), -E2BIG or -ENOMEM. */
int framing_gunzip(const char *data, size_t len, struct buf *out);

/* Two batches out of one that is not compressed, the first with `rows` rows.
 * `*ret_seq` is the sequence number of the second's first row. 0, or -EILSEQ:
 * it is not a batch of this framing with more than `rows` rows, or rows are
 * added up in it. -ENOMEM. */
int framing_split(const struct framing *framing, const char *body, size_t len,
		  uint64_t rows, struct buf halves[2], uint64_t *ret_seq);

#endif
