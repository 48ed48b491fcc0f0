/* The circuits as the agent watches them: which are up, and how much of their
 * plan their budgets allow. What it sees becomes log lines and rows. */
#ifndef CIRCUIT_CIRCUIT_H
#define CIRCUIT_CIRCUIT_H

#include "circuit/meter.h"
#include "config/config.h"
#include "edgeprobe/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct circuits;

/* Borrowed until circuits_close(). */
struct circuits_options {
	const struct config *config;
	const struct meter *meters; /* one for each circuit */
	/* A row of type event: members without braces. */
	void (*row)(const char *body, void *arg);
	/* A circuit is up again, or has other addresses: what was learnt over
	 * it may be wrong now. */
	void (*moved)(void *arg);
	void *arg;
};

/* A meter for each circuit of `config`; free(3) it. NULL: out of memory. */
struct meter *circuits_meters(const struct config *config);

/* Begin to watch on `loop`. A kernel that tells nothing is said in the log, and
 * is no error: the samples say of themselves that they could not leave. 0 or
 * -ENOMEM with `err`. */
int circuits_open(uv_loop_t *loop, const struct circuits_options *options,
		  struct circuits **ret_circuits, struct ep_err *err);

/* How circuit `i` of the configuration is. Texts are borrowed until the loop
 * runs again. */
struct circuit_facts {
	bool watched; /* it has a source, and was looked at */
	bool up;
	const char *reason;                /* why not; "" while it is up */
	const char *interface, *addresses; /* "": none is known */
	double share; /* of its plan, that its budget allows */
};
void circuits_facts(const struct circuits *circuits, size_t i,
		    struct circuit_facts *ret_facts);

/* No further call of `row` and `moved`; the loop frees it. NULL is fine. */
void circuits_close(struct circuits *circuits);

#endif
