/* How a sample lies in its row. */
#ifndef STORE_SAMPLE_H
#define STORE_SAMPLE_H

#include "store/parts.h"

/* The column `code`, unpacked. */
struct code {
	bool late, https;
	uint8_t stamp, outcome, reason;
	uint16_t flags;
};
struct code code_unpack(uint64_t code);

/* A column that may be NULL for `absent`. */
int64_t column_signed(sqlite3_stmt *row, int i, int64_t absent);

/* How much of it says anything: all, or EP_SAMPLE_CORE. */
uint32_t sample_bytes(const struct ep_sample *sample);

/* The times of one more sample; in a transaction. A span that is full is
 * written. */
int span_extend(struct store *store, struct span *span, uint64_t seq,
		uint64_t sent_ns);

/* In a transaction. `late_of`: the seq that was counted lost; NULL: a sample. */
int sample_write(struct store *store, uint64_t seq, uint32_t series_id,
		 const struct ep_sample *sample, const uint64_t *late_of);
/* From a row of Q_SAMPLE_SCAN; borrows as struct record says. */
int sample_read(struct store *store, sqlite3_stmt *row,
		struct record *ret_record);

#endif
