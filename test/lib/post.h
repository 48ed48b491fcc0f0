/* A store, a collector and one destination between them, for tests of
 * delivery. Asserts instead of failing. */
#ifndef TEST_LIB_POST_H
#define TEST_LIB_POST_H

#include "delivery/deliver.h"
#include "lib/collector.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define POST_SEQ_MAX 4096

struct post {
	uv_loop_t loop;
	char dir[64]; /* a new one, removed at the end */
	struct store *store;
	struct collector *collector;
	char url[64]; /* of the collector */
	struct deliver *deliver;
	bool closed, flushed; /* what was asked of `deliver` has ended */
	bool (*until)(struct post *p); /* what post_run() waits for */
};

void post_open(struct post *p);
/* Ends in uv_loop_close() == 0. */
void post_close(struct post *p);

/* Commit `n` rows; each carries `word`. Returns the first's seq. */
uint64_t post_add(struct post *p, unsigned n, const char *word);

/* Open a destination. Where `options` says nothing: it is called "hq", is the
 * collector, collects every millisecond, and gives up after 5 s. Waits after
 * failures are a few milliseconds. */
struct deliver *post_start(struct post *p,
			   const struct deliver_options *options);
/* Close it and wait for that. */
void post_stop(struct post *p, struct deliver *deliver);
/* Store and destination as after a restart of the agent. */
void post_restart(struct post *p, const struct deliver_options *options);

/* Run the loop until that holds; fails after 20 s. */
void post_run(struct post *p, bool (*until)(struct post *p));

/* Run until everything was acknowledged. */
void post_run_empty(struct post *p);
uint64_t post_backlog(const struct deliver *deliver);

/* How often each sequence number came in requests that were acknowledged. */
struct post_tally {
	unsigned times[POST_SEQ_MAX];
	unsigned rows; /* different ones */
	unsigned most; /* the largest of `times` */
};
void post_count(const struct collector *c, struct post_tally *ret_tally);

/* The body, decompressed if it says that it is. Free it. */
char *post_plain(const struct collector_request *request);

#endif
