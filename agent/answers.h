/* What the running agent answers over its control socket. */
#ifndef AGENT_ANSWERS_H
#define AGENT_ANSWERS_H

#include "control/control.h"
#include "status.h"

/* Every word that can be asked; of control_options. */
const struct control_word *answers_words(size_t *ret_n);

/* The same for a store that no agent runs on: `status` is refused. */
int answers_of_store(struct store *store, struct control_answer *answer,
		     struct ep_err *err);

/* A control_say; `arg` is a struct status_of. */
int answers_say(struct control_answer *answer, struct ep_err *err, void *arg);

#endif
