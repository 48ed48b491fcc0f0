/* Is a body what its encoding promises, as text? */
#ifndef TEST_LIB_FRAMED_H
#define TEST_LIB_FRAMED_H

#include "delivery/framing.h"

/* One strict JSON document, or one in each line, the last line ended; an action
 * line before each document of elastic-bulk. */
bool framed_strictly(const struct framing *framing, const char *body,
		     size_t len);

/* All encodings of the table, and how many. */
extern const char *const framed_names[];
#define FRAMED_NAMES 7

#endif
