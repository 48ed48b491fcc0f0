/* The row: one flat JSON object a record; the same in batches, `--json` and
 * exports. Pure. */
#ifndef DELIVERY_ROW_H
#define DELIVERY_ROW_H

#include "base/buf.h"
#include "base/record.h"

#define ROW_SCHEMA "1"

/* Append one object, without newline. */
void row_write(struct buf *out, const struct identity *who,
	       const struct record *record);

#endif
