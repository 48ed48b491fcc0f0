/* Questions to name servers: each over those of a circuit, from that circuit's
 * source, past any cache of ours. Few and rare ones; on the keeping thread. */
#ifndef AGENT_ASKING_H
#define AGENT_ASKING_H

#include "config/config.h"
#include "edgeprobe/address.h"
#include "edgeprobe/error.h"
#include <stddef.h>
#include <uv.h>

struct asking;

/* Bytes of text in an answer, with the NUL; what is more is cut. */
#define ASKING_TEXT_MAX 2048

enum asking_type {
	ASKING_ADDRESS, /* IPv4 or IPv6 */
	ASKING_TEXT     /* TXT */
};

/* Borrowed until the callback returns. */
struct asking_answer {
	struct ep_address address; /* the first one; family 0: none */
	const char *text;   /* TXT records, a line each, whatever bytes they
			     * had but NUL (a space now); "": none */
	const char *reason; /* why there is neither; NULL: there is */
};

typedef void (*asking_cb)(const struct asking_answer *answer, void *arg);

/* `config` is borrowed until the end. 0, or -ENOMEM with `err`. */
int asking_open(uv_loop_t *loop, const struct config *config,
		struct asking **ret_asking, struct ep_err *err);

/* Asks the name servers of circuit `i` of the configuration, or, where it has
 * none of its own and for n_circuits, those that all others share. The callback
 * comes from the loop, once, also when nobody answered; not after
 * asking_close(). 0; else it never comes: -ENOMEM; -EINVAL: those servers
 * cannot be asked. */
int asking_ask(struct asking *asking, size_t i, enum asking_type type,
	       const char *name, asking_cb cb, void *arg);

/* Its handles are closed by the loop. NULL is fine. */
void asking_close(struct asking *asking);

#endif
