/* Draws by chance, as many as there is time for. */
#ifndef TEST_LIB_ROUNDS_H
#define TEST_LIB_ROUNDS_H

#include <stdlib.h>

/* `n`, or a tenth of it where TEST_IS_SLOW is set: test/run does under valgrind,
 * which has only to reach each branch; sanitizers see all of them. */
static inline int rounds(int n)
{
	return getenv("TEST_IS_SLOW") ? n / 10 : n;
}

#endif
