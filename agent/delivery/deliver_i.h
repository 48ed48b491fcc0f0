/* The inside of one destination: deliver.c says when, batch.c makes what is
 * sent, settle.c says what follows from an answer. */
#ifndef DELIVERY_DELIVER_I_H
#define DELIVERY_DELIVER_I_H

#include "delivery/deliver.h"
#include "delivery/drain.h"
#include "delivery/framing.h"
#include "delivery/outlet.h"
#include "delivery/retry.h"
#include "edgeprobe/private/scope.h"

/*
 *            tick                    verdict
 *   WAITING ------> SENDING ------------------> WAITING
 *      |               |
 *      +--- close -----+----> CLOSING
 */
enum deliver_state { DELIVER_WAITING, DELIVER_SENDING, DELIVER_CLOSING };

struct deliver {
	struct ep_scope scope; /* the timer, and a hold for the outlet */
	uv_timer_t timer;      /* the only one: arm() says for what */
	enum deliver_state state;
	struct outlet *outlet;

	struct store *store; /* borrowed */
	int destination;
	char *name, *agent, *epoch;
	const struct framing *framing;
	bool gzip, truncate_addresses;
	uint64_t max_rows, interval_ns;
	size_t max_bytes; /* less after each 413 */
	struct retry_options retry;
	bool paced; /* somebody else's machine, behind a line */
	bool old;   /* all that there is is a backlog */
	struct drain_options drain_options;
	struct drain drain;  /* of what an outage left behind */
	bool behind;         /* where rows go in order: fresh ones are old */
	bool draining;       /* what is on its way is no news */
	uint64_t drained_ns; /* uv_hrtime(): end of the last of that; 0: none */

	/* Frozen, and being sent or about to be; id 0: none. */
	struct store_batch batch;
	/* Refused as bad data, and set aside until another has passed; id 0:
	 * none. */
	struct store_batch suspect;
	char refusal[VERDICT_TEXT_MAX]; /* what was said of it */
	bool owed; /* acknowledged, and the store could not note it yet */
	/* A batch has passed since the last that was quarantined. */
	bool proof;
	/* Pieces of a batch that was shown to be bad lie within. */
	uint64_t bisect_first, bisect_last;
	unsigned failures; /* in a row */
	/* Unclear answers to one batch, of what is fresh and of the rest. */
	struct unsure {
		uint64_t id;
		unsigned n;
	} unsure[2];
	uint64_t rejected_said_ns; /* uv_hrtime(): not again before */

	/* uv_hrtime(); 0: at once. */
	uint64_t due_ns;  /* the next collecting */
	uint64_t hold_ns; /* nothing before this */
	uint64_t taken;   /* the last sequence number that was collected */

	void (*flushed)(void *arg);
	void *flush_arg;
	uint64_t flush_until_ns;
	void (*closed)(void *arg);
	void *close_arg;

	struct expiry expiries[CREDENTIALS]; /* what was said of each */
	struct deliver_facts facts;
	char trouble[VERDICT_TEXT_MAX];
};

/* --- batch.c --- */

/* Put a batch of `part` into `d->batch`, if there is none: an earlier frozen
 * one, else new rows. 1: there is one; 0: there is nothing to send; or negative
 * errno. */
int batch_next(struct deliver *d, enum store_part part, struct ep_err *err);

/* Replace `d->batch` by its first `rows` rows, which are not all; the rest is
 * frozen, too. `*ret_bytes` is what it was before compression. On failure it
 * stays; -ENOTSUP: its rows were added up, and are not all there any more. */
int batch_cut(struct deliver *d, uint64_t rows, size_t *ret_bytes,
	      struct ep_err *err);

/* Let go of the bytes; the store keeps what it has. */
void batch_forget(struct store_batch *batch);

/* --- settle.c --- */

/* What follows from an answer. Never calls the user. */
void settle(struct deliver *d, const struct verdict *verdict);

/* Tell the store what it is owed: the batch was acknowledged. */
void settle_owed(struct deliver *d);

/* Nothing more for a while. `why` is logged; `after_ns` as in a verdict. */
void settle_hold(struct deliver *d, const char *why, uint64_t after_ns);

/* The same for what the store could not do with the batch; one that it has
 * no more is let go of. */
void settle_store_failed(struct deliver *d, const struct ep_err *err);
void settle_gone(struct deliver *d);

/* --- credentials.c --- */

/* After an attempt: say what will expire, if it is time to. */
void credentials_look(struct deliver *d);

/* --- for tests --- */

/* Other waiting times. */
void deliver_tune(struct deliver *d, const struct retry_options *retry);

#endif
