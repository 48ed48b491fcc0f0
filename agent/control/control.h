/* The running agent answers questions: a unix stream socket on the keeping
 * thread's loop. README.md says what goes over it. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/buf.h"
#include "control/request.h"
#include "edgeprobe/error.h"
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct control;

#define CONTROL_PEERS_MAX  16    /* connections at a time */
#define CONTROL_PAGE_BYTES 65536 /* of an answer, written at once */

/* An answer under way. `step` and `at` are the answerer's own account of where
 * it has got to, and 0 at first: nothing is held between two pages. */
struct control_answer {
	const struct control_request *request;
	uint64_t step, at;
	struct buf *out; /* empty; CONTROL_PAGE_BYTES fit in */
};

/* Append whole lines, each a JSON object and a newline, to `answer->out`. 1:
 * there is more, ask again when this has been read; 0: that was all; a negative
 * errno and `err`: that is said instead of what is in `out`. */
typedef int (*control_say)(struct control_answer *answer, struct ep_err *err,
			   void *arg);

/* Texts and table are borrowed until control_close(). */
struct control_options {
	const char *path;  /* of the socket */
	const char *group; /* whose members may ask, too; NULL: nobody */
	const struct control_word *words;
	size_t n_words;
	control_say say; /* answers each of `words` */
	void *arg;
	uint64_t patience_ns; /* for a peer to ask, or to read a page of the
			       * answer; 0: 10 s */
};

/* 0; or -EBUSY: another agent listens there; -EEXIST: something that is no
 * socket is there; -EINVAL: no such group; or another errno; `err` says it. */
int control_open(uv_loop_t *loop, const struct control_options *options,
		 struct control **ret_control, struct ep_err *err);

/* No further call of `say`; the socket is gone; the loop frees the rest. NULL
 * is fine. */
void control_close(struct control *control);

#endif
