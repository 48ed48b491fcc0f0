/* A state is a row: which moves there are is data, and one macro asserts
 * that a move is among them. */
#ifndef CORE_SM_H
#define CORE_SM_H

#include <assert.h>

#define SM_BIT(state) (1u << (unsigned)(state))

/* `allowed[from]` has the bits of the states that may follow. */
#define SM_MOVE(allowed, var, to)                                              \
	do {                                                                   \
		assert((allowed)[var] & SM_BIT(to));                           \
		(var) = (to);                                                  \
	} while (0)

#endif
