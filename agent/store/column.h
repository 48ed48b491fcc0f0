/* One column of a chunk: numbers that are like those before them. */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include "store/bits.h"

enum column_kind {
	COLUMN_LEVEL, /* about the same as of late */
	COLUMN_STEP,  /* more by about the same each time */
};

/* `n` numbers; `first[i]`: of another path than the one before, so that
 * nothing is known of its level. Any number comes back as it was. */
void column_put(struct bits_out *out, enum column_kind kind,
		const uint64_t *values, const bool *first, size_t n);
void column_get(struct bits_in *in, enum column_kind kind, uint64_t *ret_values,
		const bool *first, size_t n);

/* Which of them are there; nearly nothing when all are, or none. */
void column_put_flags(struct bits_out *out, const bool *flags, size_t n);
void column_get_flags(struct bits_in *in, bool *ret_flags, size_t n);

#endif
