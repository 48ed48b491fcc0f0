/* Everything counted at its finest: a series, the PoP that answered, kept
 * connections or fresh ones, in the window and in the one before it. Lines by
 * any keys are made of these. */
#ifndef REPORT_LINES_LEAVES_H
#define REPORT_LINES_LEAVES_H

#include "report/lines/group.h"
#include "report/lines/texts.h"

enum leaf_window { LEAF_NOW, LEAF_BEFORE, LEAF_WINDOWS };

struct leaf {
	const struct series *series; /* texts are kept ones, never NULL */
	const char *pop;             /* kept; "" */
	bool kept;
	uint32_t mark; /* the caller's */
	struct group groups[LEAF_WINDOWS];
	struct leaf *next;
};

/* What is registered for a circuit of a site, both kept texts; "". */
typedef const char *(*leaf_connection_cb)(const struct series *series,
					  void *arg);

struct leaves {
	struct arena *arena; /* borrowed */
	struct texts texts;
	struct leaf *first;
	size_t n;
	leaf_connection_cb connection; /* NULL: none is known */
	void *arg;
};

void leaves_init(struct leaves *leaves, struct arena *arena);
void leaves_finish(struct leaves *leaves);

/* A copy of kept texts; NULL: out of memory. */
const struct series *leaves_series(struct leaves *leaves,
				   const struct series *series);

/* A new one. NULL: out of memory. */
struct leaf *leaves_add(struct leaves *leaves, const struct series *series,
			const char *pop, bool kept);

/* Only what `want` (NULL: all) says yes to. */
typedef bool (*leaf_want_cb)(const struct leaf *leaf, const void *arg);

struct leaf_query {
	const enum report_key *by;
	unsigned n_by; /* 0: one line of all */
	enum leaf_window window;
	leaf_want_cb want;
	const void *arg;
};

/* Lines sorted by keys; texts and lines are in `arena`. 0 or -ENOMEM. */
int leaves_lines(const struct leaves *leaves, const struct leaf_query *query,
		 struct arena *arena, struct lines *ret_lines);

#endif
