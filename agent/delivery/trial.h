/* One marked batch, sent as every batch is, beside the store and whoever else
 * is sending. */
#ifndef DELIVERY_TRIAL_H
#define DELIVERY_TRIAL_H

#include "delivery/deliver.h"
#include "delivery/outlet.h"
#include "delivery/trace.h"

struct trial_result {
	const struct framing *framing; /* static */
	char epoch[17]; /* made for this batch: it counts in no audit */
	size_t bytes;   /* of the batch as it was sent */
	/* Class, reason and how long to wait, as the agent would see them. */
	struct verdict verdict;
	struct trace trace;
	uint64_t token_left_ns; /* life of the token that a service gave; 0:
				 * there is none */
};

/* Blocks until there is an answer or none is to be had, on a loop of its own.
 * 0 and `*ret_result`, whatever the answer; or, with `err`, a negative errno:
 * the options cannot be used, or it could not be tried. */
int trial_run(const struct deliver_options *options, const char *agent,
	      struct trial_result *ret_result, struct ep_err *err);

#endif
