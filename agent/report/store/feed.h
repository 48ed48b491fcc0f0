/* The rows of local stores, one store after the other, into what a report is
 * counted from. */
#ifndef REPORT_STORE_FEED_H
#define REPORT_STORE_FEED_H

#include "report/lines/leaves.h"
#include "store/scan.h"

/* Told each row of the window [since, until), after it was counted. 0 or a
 * negative errno. */
typedef int (*feed_row_cb)(uint32_t stream, const struct scan_row *row,
			   const char *pop, void *arg);
/* A stream begins: what comes over one line of one store, the unit of what
 * follows one another. Its number runs over all stores; texts are kept ones. */
typedef int (*feed_stream_cb)(uint32_t stream, const struct series *series,
			      bool kept, void *arg);

struct feed {
	struct leaves *leaves; /* borrowed */
	uint64_t since_ns;     /* rows sent earlier are of the window before */
	feed_stream_cb on_stream; /* NULL: lines are all that is wanted */
	feed_row_cb on_row;
	void *arg;
	/* --- private --- */
	struct store *store;
	const char *nameless;      /* the site of series that have none */
	struct feed_series *local; /* by number in the store */
	size_t n_local;
	struct feed_stream **streams; /* by number */
	uint32_t n_streams, room;
	uint64_t first_ns, last_ns; /* of the rows of the window */
	uint64_t samples;
	const char *site; /* of the last series of the store; NULL: none */
	int error;        /* not the store's */
};

void feed_init(struct feed *feed, struct leaves *leaves, uint64_t since_ns);
void feed_finish(struct feed *feed);

/* Read `range` of a store. `nameless`: what series without a site are called,
 * kept text. 0; a negative errno with `err`: the store's, where what came before
 * counts, or -ENOMEM with feed->error set. */
int feed_store(struct feed *feed, struct store *store,
	       const struct store_range *range, const char *nameless,
	       struct ep_err *err);

#endif
