/* What each destination has not got yet, as lines: of a running agent's store,
 * or of one that is read without. */
#ifndef AGENT_BACKLOG_H
#define AGENT_BACKLOG_H

#include "control/control.h"
#include "store/store.h"

/* What only the running agent knows of the destination of this name: appends
 * members to its line. */
typedef void (*backlog_more)(const char *name, uint64_t rows, struct buf *line,
			     void *arg);

/* A control_say of the destinations (`part` "destination") and their frozen
 * batches (`part` "batch"). `more` may be NULL. */
int backlog_say(struct store *store, struct control_answer *answer,
		backlog_more more, void *arg, struct ep_err *err);

/* The same for dead letters (`part` "letter"). */
int letters_say(struct store *store, struct control_answer *answer,
		struct ep_err *err);

/* The number of the destination called `name`; 0: none is. */
int destination_number(struct store *store, const char *name);

#endif
