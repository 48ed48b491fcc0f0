/* Rows to stdout as NDJSON, as they are delivered. */
#ifndef CLI_ROWS_OUT_H
#define CLI_ROWS_OUT_H

#include "base/buf.h"
#include "base/record.h"

struct rows_out {
	struct identity who; /* borrowed */
	struct buf row;
};

void rows_out_init(struct rows_out *out, const struct identity *who);
void rows_out_finish(struct rows_out *out);

/* A store_record_cb; `out` is a struct rows_out. 0, or a negative errno: -EIO,
 * stdout did not take it. */
int rows_out_put(const struct record *record, void *out);

#endif
