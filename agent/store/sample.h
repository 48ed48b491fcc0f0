/* How a sample lies in its row. */
#ifndef STORE_SAMPLE_H
#define STORE_SAMPLE_H

#include "store/chunk.h"
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

/* --- the columns as chunk.h has them, from their rows --- */

/* All but CHUNK_SEQ and CHUNK_OF. */
void sample_columns(sqlite3_stmt *row, uint64_t *ret_col);
/* What lies beside one of https or stun, from a row of Q_HTTPS_SCAN; `*ret_text`: its PoP header, until it moves. */
void sample_https_columns(sqlite3_stmt *row, uint64_t *ret_col,
			  const char **ret_text);
/* And the other way round. Not: seq, of, https. */
void sample_record(struct store *store, const uint64_t *col,
		   struct record *ret_record);
void sample_https(struct store *store, const uint64_t *col, const char *text,
		  struct ep_sample *ret_sample);

#endif
