/* A row before it is text: what is stored, delivered, printed and exported.
 * The row's contract is agent/delivery/README.md. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "edgeprobe/sample.h"
#include <stdint.h>

/* Stored as a number: a new one goes at the end. */
enum row_type {
	ROW_SAMPLE,
	ROW_LATE,
	ROW_GAP,
	ROW_BOOT,
	ROW_CLOCK,
	ROW_SELF,
	ROW_EVENT,
};

/* Stored as a number, too. */
enum gap_reason {
	GAP_EVICTED,  /* the size bound */
	GAP_CORRUPT,  /* damaged on disk */
	GAP_OVERFLOW, /* never reached the disk */
	GAP_REFUSED,  /* the collector would not have it: a dead letter */
};

/* What is measured, from where, over what: the same for many rows. Texts are
 * NULL where not configured; whose they are is said where one is held. */
struct series {
	const char *target;
	const char *probe; /* name of the kind */
	const char *host;
	const char *site, *country, *metro;
	const char *circuit, *provider, *prefix;
};

/* Who says it. */
struct identity {
	const char *agent;
	const char *epoch; /* random id of the store: 16 hex digits */
};

/* Borrows every pointer; what is not of `type` is zero. */
struct record {
	enum row_type type;
	uint64_t seq;     /* gap-free within the epoch, from 1 */
	uint64_t time_ns; /* since 1970; of a sample: sample.sent_ns */
	const struct series *series; /* sample, late; else NULL */
	struct ep_sample sample;     /* sample, late */
	uint64_t of;                 /* late: seq that was counted lost */
	uint64_t first, last;        /* gap: sequence numbers, inclusive */
	enum gap_reason reason;      /* gap */
	const char *body; /* boot, clock, self, event: JSON members without
			   * braces, e.g. "\"step_us\":-3000000" */
};

/* The words of `flags` (enum ep_flag) in the order of their bits, with commas. */
struct buf;
void record_flag_words(struct buf *out, unsigned flags);

const char *row_type_name(enum row_type type);
const char *gap_reason_name(enum gap_reason reason);

#endif
