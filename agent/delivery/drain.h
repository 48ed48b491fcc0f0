/* What goes next, and when: pure, told the time and the random number. Newest
 * first; what an outage left behind goes at a pace of its own, which grows with
 * each success and is halved by each refusal, so that many agents who come back
 * together do not hinder one another, and keep what is new fast. */
#ifndef DELIVERY_DRAIN_H
#define DELIVERY_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

struct drain_options {
	uint64_t offset_ns; /* before the first: a random part of it */
	uint64_t away_ns;   /* from the first failure on: an outage */
	double start, step, floor, ceiling; /* requests a second */
};

/* 60 s, 60 s; one in 50 s, 0.01 more for each success, at least one in 200 s,
 * at most one a second. */
extern const struct drain_options drain_defaults;
/* Of a directory: as fast as it goes, in order. */
extern const struct drain_options drain_none;

/* The same in proportion for another ceiling; 0: without any, and at once. */
struct drain_options drain_up_to(uint64_t rate);

struct drain {
	const struct drain_options *options; /* borrowed */
	double rate;                         /* requests a second */
	uint64_t next_ns;                    /* no sooner than this */
	uint64_t bad_ns; /* of the first failure since a success; 0: none */
	bool overtaken;  /* by a fresh batch, when it was the backlog's turn:
			  * where that takes longer than the interval, there
			  * always is another one */
};

/* At the start, and when an outage is over. */
void drain_begin(struct drain *drain, uint64_t now_ns, uint64_t random);
/* A batch goes now, of the backlog or fresh. */
void drain_sent(struct drain *drain, uint64_t now_ns, bool backlog);
/* There was none that could go: not before this. */
void drain_wait(struct drain *drain, uint64_t until_ns);
/* Anything was acknowledged; `backlog`: it was of the backlog. True: after an
 * outage, and the pace begins anew. */
bool drain_passed(struct drain *drain, uint64_t now_ns, bool backlog,
		  uint64_t random);
/* An attempt failed; `busy`: the collector has too much to do, or is away. */
void drain_failed(struct drain *drain, uint64_t now_ns, bool busy);

/* --- the choice --- */

enum drain_what {
	DRAIN_NOTHING, /* until drain_when() */
	DRAIN_FRESH,
	DRAIN_BACKLOG,
};

struct drain_view {
	uint64_t now_ns;
	uint64_t hold_ns; /* nothing before this: a failure was met */
	uint64_t due_ns;  /* the next collecting of fresh rows */
	bool full;        /* a batch of fresh rows is there: it is due */
	bool frozen;      /* a fresh batch was made and not acknowledged */
	bool backlog;     /* there is some, frozen or not */
	bool flush;       /* all goes at once: the end of a run */
};

enum drain_what drain_choose(const struct drain *drain,
			     const struct drain_view *view);
/* When there may be something, if nothing changes. */
uint64_t drain_when(const struct drain *drain, const struct drain_view *view);

#endif
