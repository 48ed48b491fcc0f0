/* How rows become a batch: what stands around and between them, bounds,
 * compression, and the way back to single rows. */
#ifndef DELIVERY_FRAMING_H
#define DELIVERY_FRAMING_H

#include "base/buf.h"
#include "base/record.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row of the table of encodings. A batch is `begin`, the rows, each after
 * the first preceded by `separator`, and `end`. */
struct framing {
	const char *name;
	const char *begin, *separator, *end;
	const char *content_type;
	const char *suffix; /* of a file that holds one */
};

/* By configured name; NULL name: the default. NULL: there is none such. */
const struct framing *framing_find(const char *name);

/* All names, for a message: "ndjson, json-array". */
#define FRAMING_NAMES "ndjson, json-array"

/* A single row is taken up to this length whatever `max_bytes` says, so that
 * no row can hold up those behind it. */
#define FRAME_ROW_MAX ((size_t)4 << 20)

/* A batch while it grows. */
struct frame {
	const struct framing *framing;
	uint64_t max_rows, rows;
	size_t max_bytes;
	bool full; /* a row was turned away */
	struct buf body;
};

/* `max_bytes` counts all of the body, before compression. */
void frame_init(struct frame *frame, const struct framing *framing,
		uint64_t max_rows, size_t max_bytes);
void frame_finish(struct frame *frame);

/* Append a row. 0; -E2BIG: it is full without it; -ENOMEM. */
int frame_add(struct frame *frame, const struct identity *who,
	      const struct record *record);

/* Close it: `frame->body` is the batch. 0 or -ENOMEM. */
int frame_end(struct frame *frame);

/* gzip at level 1 (it is on the line). 0, -E2BIG or -ENOMEM. */
int framing_gzip(const char *data, size_t len, struct buf *out);
/* The way back. 0, -EILSEQ (not gzip, damaged), -E2BIG or -ENOMEM. */
int framing_gunzip(const char *data, size_t len, struct buf *out);

/* Two batches out of one that is not compressed, the first with `rows` rows.
 * `*ret_seq` is the sequence number of the second's first row. 0, or -EILSEQ:
 * it is not a batch of this framing with more than `rows` rows. -ENOMEM. */
int framing_split(const struct framing *framing, const char *body, size_t len,
		  uint64_t rows, struct buf halves[2], uint64_t *ret_seq);

#endif
