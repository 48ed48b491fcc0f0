/* A text that who writes the store finds again when it opens it the next time;
 * part of store.h's contract. It is no row: nobody is sent it, and it is not
 * salvaged from a damaged store. */
#ifndef STORE_MEMO_H
#define STORE_MEMO_H

#include "edgeprobe/error.h"

struct store;

/* In place of the one of this name, at once durable. 0 or a negative errno as
 * store_commit(). */
int store_memo_set(struct store *store, const char *name, const char *text,
		   struct ep_err *err);

/* malloc(3)ed; NULL: there is none, or it cannot be had. */
char *store_memo(struct store *store, const char *name);

#endif
